"""The findings of a comparison in Evidently's own format, for its files and workspaces."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from homeostat.errors import UserError
from homeostat.reports import Finding, State, strict, utc
from homeostat.verdict import Measurement

__all__ = ["evidently_snapshot", "snapshot_dict"]

_VALUE_DRIFT = "evidently:metric_v2:ValueDrift"
_COUNT = "evidently:metric_v2:DriftedColumnsCount"
_RESULT = "evidently:metric_result_v2:"
_STATUS = {State.CHANGED: "FAIL", State.UNCHANGED: "SUCCESS", State.NOT_COMPUTED: "ERROR"}


def evidently_snapshot(findings: Sequence[Finding], *, at: datetime, alpha: float) -> Any:
    """An Evidently ``Run`` (or ``Snapshot``) that holds these findings.

    Evidently computes nothing: the values, thresholds and outcomes are ours, read by its
    public ``Run.load_dict``.  Its ``dict``, ``json`` and workspaces know them as
    ``ValueDrift`` of each column and as ``DriftedColumnsCount``.

    Parameters
    ----------
    at
        Time of the run; must have a zone.
    alpha
        Chance of a false alarm, which goes into the metadata.

    Raises
    ------
    UserError
        When Evidently is not installed.
    """
    try:
        from evidently import Run  # type: ignore[import-not-found]
    except ImportError as error:
        message = f"Evidently cannot be imported ({error}): pip install 'homeostat[evidently]'"
        raise UserError(message) from error
    return Run.load_dict(snapshot_dict(findings, at=at, alpha=alpha))


def snapshot_dict(findings: Sequence[Finding], *, at: datetime, alpha: float) -> dict[str, Any]:
    """What ``Run.load_dict`` reads, as strict JSON can hold it.

    The value of a column is the effect of the question that decided and its threshold the
    effect that was asked.  A column that could not be told is named in the metadata, and its
    test, where something was measured, is skipped.
    """
    told = [(one, one.main) for one in findings if one.main is not None]
    results = [_count(findings), *(_result(one, main) for one, main in told)]
    plain: dict[str, Any] = strict(
        {
            "report": {"items": []},
            "name": "homeostat comparison",
            "timestamp": utc(at),
            "metadata": {
                "made_by": "homeostat",
                "false_alarm_chance": alpha,
                "untold": [one.subject for one in findings if one.state not in _STATUS],
            },
            "tags": [],
            "metric_results": dict(results),
            "top_level_metrics": [key for key, _ in results],
            "widgets": [],
            "tests_widgets": [_widget(findings)],
        }
    )
    return plain


def _count(findings: Sequence[Finding]) -> tuple[str, dict[str, Any]]:
    """How many columns changed, of those that were told."""
    known = [one for one in findings if one.state in _STATUS]
    changed = sum(one.state is State.CHANGED for one in known)
    params = {"type": _COUNT, "drift_share": 0.0}
    key = _key(params)
    parts = {"count": float(changed), "share": changed / len(known) if known else 0.0}
    return key, {
        "type": f"{_RESULT}CountValue",
        "display_name": "Changed columns",
        "metric_value_location": _location(key, params, {}),
        "widget": [],
        "tests": [],
        **{
            name: {
                "type": f"{_RESULT}SingleValue",
                "display_name": f"{name.capitalize()} of changed columns",
                "metric_value_location": _location(key, params, {"value_type": name}),
                "widget": [],
                "tests": [],
                "value": value,
            }
            for name, value in parts.items()
        },
    }


def _result(one: Finding, main: Measurement) -> tuple[str, dict[str, Any]]:
    """The question that decided about a column."""
    params = {
        "type": _VALUE_DRIFT,
        "column": one.subject,
        "method": f"homeostat {main.statistic}",
        "threshold": main.asked,
    }
    key = _key(params)
    return key, {
        "type": f"{_RESULT}SingleValue",
        "display_name": f"Value drift for {one.subject}",
        "metric_value_location": _location(key, params, {}),
        "widget": [],
        "tests": [_test(one, key, params)],
        "value": main.effect,
    }


def _test(one: Finding, key: str, params: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "drift",
        "name": f"Value drift for column {one.subject}",
        "description": one.reason,
        "metric_config": {"metric_id": key, "params": params},
        "test_config": {},
        "status": _STATUS.get(one.state, "SKIPPED"),
        "bound_test": {
            "type": "evidently:bound_test:ValueDriftBoundTest",
            "test": {"type": "evidently:test_v2:ValueDriftTest", "is_critical": True},
            "metric_fingerprint": key,
        },
    }


def _location(key: str, params: dict[str, Any], value: dict[str, str]) -> dict[str, Any]:
    return {"metric": {"metric_id": key, "params": params}, "param": value}


def _key(params: dict[str, Any]) -> str:
    text = json.dumps(params, sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _widget(findings: Sequence[Finding]) -> dict[str, Any]:
    """The list of outcomes that Evidently's own HTML shows."""
    tests = [
        {
            "title": one.subject,
            "description": one.reason,
            "state": _STATUS.get(one.state, "SKIPPED").lower(),
            "groups": [],
        }
        for one in findings
    ]
    return {
        "type": "test_suite",
        "title": "",
        "size": 2,
        "params": {"v2_test": True, "tests": tests},
    }
