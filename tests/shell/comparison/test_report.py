"""What a comparison hands on: strict JSON by its schema, a page, Evidently's format."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import numpy as np
import polars as pl
import pytest

from homeostat.comparison import Comparison, compare, compare_by
from homeostat.comparison.report_schema import GROUPS_SCHEMA, REPORT_SCHEMA
from homeostat.errors import UserError
from homeostat.reports.evidently import snapshot_dict
from homeostat.reports.html.comparison import HEADLINES
from homeostat.verdict import Outcome
from tests.shell.comparison.made import frame

BEFORE, QUIET, MOVED = frame(0), frame(1), frame(2, shift=0.8)
HOSTILE = "<img src=x onerror=alert(1)>"
AT = datetime(2024, 5, 6, 7, tzinfo=UTC)

CASES: dict[str, Comparison] = {
    "changed": compare(BEFORE, MOVED),
    "quiet": compare(BEFORE, QUIET),
    "classifier": compare(BEFORE, MOVED, joint=True),
    "few rows": compare(BEFORE, QUIET[:10]),
    "no rows": compare(BEFORE[:0], QUIET[:0]),
    "nothing to compare": compare(BEFORE.select("plan"), QUIET.select("income")),
    "no columns": compare(pl.DataFrame(), pl.DataFrame()),
    "lists": compare(BEFORE.with_columns(odd=pl.lit([1])), QUIET.with_columns(odd=pl.lit([1]))),
    "gone": compare(BEFORE, QUIET.with_columns(income=pl.lit(None), plan=pl.lit(None))),
    "never there": compare(BEFORE.with_columns(income=pl.lit(None)), QUIET),
    "infinite": compare(BEFORE, QUIET.with_columns(income=pl.lit(float("inf")))),
    "new words": compare(BEFORE, QUIET.with_columns(plan=pl.col("plan").str.to_uppercase())),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_notebook_shows_of_it_can_be_read(name: str) -> None:
    shown = repr(CASES[name])
    assert CASES[name].outcome.value in shown
    assert CASES[name].reason in shown
    assert len(shown) < 1_000


def wrong(value: Any, schema: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Where a value is not what the schema says; knows the keywords that our schemas use."""
    known = {"$schema", "title", "description", "type", "properties", "required", "enum", "const"}
    known |= {"additionalProperties", "items", "minimum", "maximum", "anyOf"}
    assert set(schema) <= known
    if "anyOf" in schema:
        if all(list(wrong(value, one, place)) for one in schema["anyOf"]):
            yield f"{place}: fits nothing"
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(is_a(value, kind) for kind in kinds):
        yield f"{place}: {value!r} is no {kinds}"
    elif value is not None:
        if value not in schema.get("enum", [value]) or value != schema.get("const", value):
            yield f"{place}: {value!r} is not allowed"
        low, high = schema.get("minimum"), schema.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            yield f"{place}: {value!r} is out of range"
        yield from parts_wrong(value, schema, place)


def parts_wrong(value: Any, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    if isinstance(value, dict):
        named, others = schema.get("properties", {}), schema["additionalProperties"]
        yield from (
            f"{place}.{one}: missing" for one in set(schema.get("required", [])) - set(value)
        )
        for key, one in value.items():
            inner = named.get(key, others)
            yield from [f"{place}.{key}: unknown"] if inner is False else wrong(one, inner, key)
    if isinstance(value, list):
        for one in value:
            yield from wrong(one, schema["items"], f"{place}[]")


def is_a(value: Any, kind: str) -> bool:
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "null": type(None),
        "boolean": bool,
    }
    return isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))


@pytest.mark.parametrize("case", CASES)
def test_the_report_is_strict_json_by_its_schema(case: str) -> None:
    plain = json.loads(json.dumps(CASES[case].to_dict(), allow_nan=False))

    assert not list(wrong(plain, REPORT_SCHEMA))
    assert plain["schema_version"] == 1
    assert plain == CASES[case].to_dict()


def test_a_report_by_groups_is_strict_json_by_its_schema() -> None:
    plain = json.loads(json.dumps(compare_by(BEFORE, MOVED, "plan").to_dict(), allow_nan=False))

    assert not list(wrong(plain, GROUPS_SCHEMA))
    assert set(plain["groups"]) == {"basic", "plus", "pro"}


def test_a_report_that_does_not_fit_is_found() -> None:
    plain = CASES["changed"].to_dict()

    assert list(wrong({**plain, "outcome": "MAYBE"}, REPORT_SCHEMA))
    assert list(wrong({**plain, "alpha": 2.0}, REPORT_SCHEMA))
    assert list(wrong({**plain, "more": 1}, REPORT_SCHEMA))
    assert list(wrong({key: one for key, one in plain.items() if key != "alpha"}, REPORT_SCHEMA))


def parsed(text: str) -> Element:
    page: Element = html5lib.parse(text, namespaceHTMLElements=False)
    return page


def words(text: str) -> str:
    """What a reader sees, without the styles."""
    page = parsed(text)
    for head in page.findall("head"):
        page.remove(head)
    return re.sub(r"\s+", " ", "".join(page.itertext()))


@pytest.mark.parametrize("case", CASES)
def test_every_outcome_has_a_page(case: str) -> None:
    found = CASES[case]

    said = words(found.to_html(title="two files"))

    assert "two files" in said
    assert HEADLINES[found.outcome] in said
    assert "What to do next" in said
    assert all(name in said for name in found.features)
    assert all(why in said for why in found.left_out.values())
    assert "nan" not in said.lower().split()
    assert "None" not in said.split()


def test_the_page_says_in_plain_words_what_was_seen() -> None:
    said = words(CASES["changed"].to_html())

    for part in (
        "The data changed",
        "1 changed, 3 no change seen",
        "The values moved up by 0.77 standard deviations: the median was",
        "counts from 0.05 standard deviations on",
        "600 rows against 600",
        "four of five samples of this size",
        "Chance of a false alarm, all columns together0.001",
    ):
        assert part in said


def test_a_page_without_a_change_says_what_it_could_have_seen() -> None:
    said = words(CASES["quiet"].to_html())

    assert "No change of the size asked for was seen" in said
    assert re.search(r"would have shown in every column: a shift by 0\.\d+ standard dev", said)


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("gone", "Missing values rose from 0% to 100%."),
        ("gone", "Look at what fills this column"),
        ("never there", "Missing values fell from 100% to 0%."),
        ("new words", "100% of the values are categories that the reference never held."),
        ("new words", "See what the new values are"),
        ("infinite", "of the values lie outside the reference’s range"),
        ("few rows", "10 rows in the current data"),
        ("nothing to compare", "Bring the column back, or leave it out on both sides."),
        ("lists", "Make the column the same type on both sides, or leave it out."),
        ("classifier", "A classifier tells current rows from rows of the reference with an AUC"),
    ],
)
def test_each_change_has_its_words(case: str, sentence: str) -> None:
    assert sentence in words(CASES[case].to_html())


def test_a_change_of_units_is_called_one() -> None:
    thousands = QUIET.with_columns(pl.col("income") * 1000)

    assert "See whether the unit changed at the source" in words(
        compare(BEFORE, thousands).to_html()
    )


def test_changed_columns_stand_first_and_the_largest_change_on_top() -> None:
    now = MOVED.with_columns(active=pl.lit(value=True), extra=pl.lit(1))
    page = parsed(compare(BEFORE, now).to_html())

    titles = ["".join(one.itertext()) for one in page.findall(".//figure//h3")]
    order = ["changed", "changed", "cannot be told", "no change seen", "no change seen"]
    badges = [
        [one.text for one in figure.iter("span") if "badge" in one.attrib["class"]][-1]
        for figure in page.iter("figure")
    ]
    assert badges == order
    assert set(titles[:2]) == {"income", "active"}
    assert titles[2] == "extra"


def hostile(seed: int, shift: float) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            HOSTILE: rng.normal(shift, 1, 400),
            '" onload="x': rng.choice([HOSTILE, "</svg></script><script>alert(1)</script>"], 400),
            "\u202eevil": rng.choice(["a", '"><b>'], 400),
        }
    )


@pytest.mark.parametrize("grouped", [False, True])
def test_hostile_names_and_values_stay_text(*, grouped: bool) -> None:
    before, now = hostile(0, 0), hostile(1, 1)
    found = compare_by(before, now, "\u202eevil") if grouped else compare(before, now)

    page = parsed(found.to_html(title=HOSTILE))

    tags = {str(node.tag).rpartition("}")[2] for node in page.iter()}
    attributes = {str(name) for node in page.iter() for name in node.attrib}
    assert not tags & {"img", "script", "iframe", "object", "embed", "link", "base", "form", "b"}
    assert not {name for name in attributes if name.startswith("on")}


@pytest.mark.parametrize("grouped", [False, True])
def test_the_page_needs_nothing_else(*, grouped: bool) -> None:
    found = compare_by(BEFORE, MOVED, "plan") if grouped else CASES["classifier"]
    text = found.to_html()

    page = parsed(text)
    loads = [node.attrib[a] for node in page.iter() for a in ("src", "href") if a in node.attrib]
    places = {node.attrib["id"] for node in page.iter() if "id" in node.attrib}
    assert all(one.startswith("#") and one[1:] in places for one in loads)
    assert not re.search(r"url\(|@import", "".join(node.text or "" for node in page.iter("style")))
    assert 'name="viewport"' in text


def test_twenty_columns_fit_in_300_kb() -> None:
    rng = np.random.default_rng(0)
    wide = [pl.DataFrame({f"x{i}": rng.normal(s, 1, 500) for i in range(20)}) for s in (0, 1)]

    assert len(compare(wide[0], wide[1]).to_html().encode()) < 300_000


def test_evidently_gets_the_same_outcomes() -> None:
    found = CASES["gone"]

    findings = [one.finding for one in found.features.values()]
    plain = json.loads(json.dumps(snapshot_dict(findings, at=AT, alpha=0.001), allow_nan=False))

    results = plain["metric_results"].values()
    tests = {one["tests"][0]["name"]: one["tests"][0]["status"] for one in results if one["tests"]}
    count, *columns = [plain["metric_results"][key] for key in plain["top_level_metrics"]]
    assert count["count"]["value"] == 2
    assert count["share"]["value"] == 0.5
    assert [one["metric_value_location"]["metric"]["params"]["column"] for one in columns] == [
        *found.features
    ]
    assert tests["Value drift for column income"] == "FAIL"
    assert tests["Value drift for column children"] == "SUCCESS"


def test_evidently_hears_of_columns_that_cannot_be_told() -> None:
    findings = [one.finding for one in CASES["lists"].features.values()]

    plain = snapshot_dict(findings, at=AT, alpha=0.001)

    assert plain["metadata"]["untold"] == ["odd"]
    assert "odd" not in json.dumps(plain["metric_results"])


def test_without_evidently_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evidently", None)

    with pytest.raises(UserError, match=r"pip install 'homeostat\[evidently\]'"):
        CASES["changed"].to_evidently()


def test_evidently_reads_it() -> None:
    pytest.importorskip("evidently")

    found = CASES["changed"].to_evidently(at=AT).dict()

    drift = {one["config"]["column"]: one["value"] for one in found["metrics"][1:]}
    assert found["metrics"][0]["value"] == {"count": 1.0, "share": 0.25}
    assert drift["income"] == CASES["changed"].features["income"].effect
    assert [one["status"] for one in found["tests"]] == ["FAIL", "SUCCESS", "SUCCESS", "SUCCESS"]


def test_outcomes_cover_what_is_reported() -> None:
    assert {one.outcome for one in CASES.values()} == {
        Outcome.PASS,
        Outcome.FAIL,
        Outcome.INCONCLUSIVE,
    }
