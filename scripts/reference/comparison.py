"""The page of the report that a comparison gives."""

from collections.abc import Mapping
from typing import Any

from homeostat.comparison.report_schema import GROUPS_SCHEMA, REPORT_SCHEMA
from scripts.reference import Lines, table

__all__ = ["comparison"]

COLUMNS = ("key", "type", "meaning")


def comparison() -> Lines:
    """Every key of the report."""
    feature = REPORT_SCHEMA["properties"]["features"]["additionalProperties"]
    measurement = feature["properties"]["measurements"]["items"]
    yield "# The report of a comparison\n"
    yield (
        "`homeostat compare --json` prints it, and `Comparison.to_dict()` gives it: strict JSON, "
        "in which NaN and infinities are null.  All keys are always there.  `schema_version` "
        "grows when a key goes or changes its meaning; a new key does not change it.  "
        "`homeostat.comparison.report_schema` holds all of this as JSON Schema, in "
        "`REPORT_SCHEMA` and `GROUPS_SCHEMA`.\n"
    )
    yield table(COLUMNS, list(_rows(REPORT_SCHEMA)))
    yield "## A column\n"
    yield (
        "What stands in `features` by the name of the column, and in `together`.  A column that "
        "could not be compared has no measurements.\n"
    )
    yield table(COLUMNS, list(_rows(feature)))
    yield "## A measurement\n"
    yield "What one statistic says of one column; [statistics](statistics.md) has their units.\n"
    yield table(COLUMNS, list(_rows(measurement)))
    yield "## By groups\n"
    yield "What `homeostat compare --by COLUMN --json` prints, with a report for each group.\n"
    yield table(COLUMNS, list(_rows(GROUPS_SCHEMA)))


def _rows(schema: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (f"`{key}`", _type(one), one.get("description", one.get("title", "")))
        for key, one in schema["properties"].items()
    ]


def _type(one: Mapping[str, Any]) -> str:
    if "enum" in one:
        return ", ".join("null" if value is None else f'"{value}"' for value in one["enum"])
    if "const" in one:
        return f"always {one['const']}"
    kinds = one.get("type", ["object", "null"])
    return kinds if isinstance(kinds, str) else " or ".join(kinds)
