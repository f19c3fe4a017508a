"""What `Comparison.to_dict` and `GroupedComparison.to_dict` give, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from homeostat.comparison.result import SCHEMA_VERSION
from homeostat.policy import Severity
from homeostat.schema import Kind
from homeostat.verdict import Outcome

__all__ = ["GROUPS_SCHEMA", "REPORT_SCHEMA"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _object(properties: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """An object with all of these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


def _of(kind: str | list[str], description: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "description": description, **more}


def _by_name(values: Mapping[str, Any], description: str) -> dict[str, Any]:
    return _of("object", description, additionalProperties=dict(values))


_NUMBER = ["number", "null"]
_ROWS = ["integer", "null"]
_SHARE = {"minimum": 0, "maximum": 1}
_OUTCOME = _of("string", "FAIL when it changed", enum=[one.value for one in Outcome])
_SEVERITY = _of("string", "by the population stability index", enum=[one.value for one in Severity])
_REASON = _of("string", "the number seen and the number asked")

_MEASUREMENT = _object(
    {
        "statistic": _of("string", "name of the statistic"),
        "value": _of(_NUMBER, "the statistic itself"),
        "p_value": _of(_NUMBER, "corrected for all questions where one decides", **_SHARE),
        "effect": _of(_NUMBER, "size of the difference, in the statistic's own unit"),
        "asked": _of(_NUMBER, "the effect that matters; null when it decides nothing"),
        "minimum_detectable_effect": _of(_NUMBER, "seen in 80 of 100 samples of this size"),
        "n_reference": _of("integer", "rows of the reference", minimum=0),
        "n_current": _of("integer", "rows of the current data", minimum=0),
        "drifted": _of("boolean", "whether it shows a change"),
        "partner": _of(["string", "null"], "the other column, where a pair was measured"),
    }
)

_FEATURE = _object(
    {
        "outcome": _OUTCOME,
        "reason": _REASON,
        "severity": _SEVERITY,
        "kind": _of(["string", "null"], "what it holds", enum=[*(one.value for one in Kind), None]),
        "statistic": _of(["string", "null"], "the question with the largest effect for its size"),
        "effect": _of(_NUMBER, "of that question"),
        "asked": _of(_NUMBER, "the effect of it that matters"),
        "minimum_detectable_effect": _of(_NUMBER, "of that question"),
        "measurements": _of("array", "all that was measured", items=_MEASUREMENT),
    }
)

#: Of one comparison.
REPORT_SCHEMA: Mapping[str, Any] = _object(
    {
        "schema_version": _of("integer", "of this schema", const=SCHEMA_VERSION),
        "outcome": _OUTCOME,
        "reason": _REASON,
        "severity": _SEVERITY,
        "n_reference": _of(_ROWS, "rows of the reference; null when no column was counted"),
        "n_current": _of(_ROWS, "rows of the current data; the same"),
        "alpha": _of("number", "chance of a false alarm in all questions together", **_SHARE),
        "min_rows": _of("integer", "rows asked on each side", minimum=0),
        "changed": _of("array", "columns that changed, the most first", items={"type": "string"}),
        "features": _by_name(_FEATURE, "what was found, by column"),
        "together": {
            "description": "what no single column shows; null when it was not asked",
            "anyOf": [_FEATURE, {"type": "null"}],
        },
        "given_away_by": _by_name(
            {"type": "number"}, "AUC that the classifier loses without a column"
        ),
        "left_out": _by_name({"type": "string"}, "columns that are no features, and why"),
    },
    **{"$schema": DIALECT, "title": "homeostat comparison"},
)

#: Of one comparison for each group.
GROUPS_SCHEMA: Mapping[str, Any] = _object(
    {
        "schema_version": _of("integer", "of this schema", const=SCHEMA_VERSION),
        "outcome": _OUTCOME,
        "reason": _REASON,
        "by": _of("string", "the column that divides the rows"),
        "period": _of(["string", "null"], "length of a period; null for groups by value"),
        "alpha": _of("number", "chance of a false alarm in all groups together", **_SHARE),
        "changed": _of("array", "groups that changed", items={"type": "string"}),
        "against_all": _of(
            "array", "groups that were compared with all of the reference", items={"type": "string"}
        ),
        "beyond": _by_name({"type": "integer"}, "groups that were not looked at, and their rows"),
        "untold": _by_name({"type": "string"}, "columns compared in no group, and why"),
        "left_out": _by_name({"type": "string"}, "columns that are no features, and why"),
        "groups": _by_name(
            {key: one for key, one in REPORT_SCHEMA.items() if key != "$schema"}, "by group"
        ),
    },
    **{"$schema": DIALECT, "title": "homeostat comparison by groups"},
)
