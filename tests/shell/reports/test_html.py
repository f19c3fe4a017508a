import math
import re
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import numpy as np
import pytest

from homeostat.errors import StateError
from homeostat.policy import DriftPolicy, judge_drift
from homeostat.profile import Profile
from homeostat.reports.html import HEADLINES, ReportContext, drift_report_html
from homeostat.verdict import Outcome, Verdict
from tests.shell.reports.made import (
    AT,
    WINDOW,
    Columns,
    bins,
    changed,
    columns,
    counted,
    measured,
    pair,
    scores,
    verdict,
)

HOSTILE = "<img src=x onerror=alert(1)>"
CLOSING = "</title></style></svg></script><script>alert(1)</script>"
CONTEXT = ReportContext(model="credit", version=3, at=AT, next_step="Look at x0.")
BEFORE, NOW = pair(3)


def parsed(text: str) -> Element:
    page: Element = html5lib.parse(text, namespaceHTMLElements=False)
    return page


def words(page: Element) -> str:
    """The text a reader sees, without the styles."""
    for head in page.findall("head"):
        page.remove(head)
    return re.sub(r"\s+", " ", "".join(page.itertext()))


def mixed(n: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    values = np.array([HOSTILE, CLOSING, "a&b", '" onload="x', "\x00\u202eevil"], dtype=object)
    return {
        HOSTILE: rng.normal(0, 1, n),
        CLOSING: rng.choice(values, n),
        '" autofocus onfocus="alert(1)': rng.choice(values, n),
        "javascript:alert(1)": rng.lognormal(8, 1, n),
    }


def hostile_report() -> str:
    before = mixed(500, 0)
    where = bins(before, scores(500))
    then = counted(where, before, scores(500))
    now = counted(where, mixed(300, 1), scores(300))
    judged = judge_drift(then, now, DriftPolicy())
    judged = replace(
        judged,
        reason=HOSTILE,
        measurements=(*judged.measurements, changed(CLOSING + "2", statistic=HOSTILE)),
        details={"excluded": {HOSTILE: CLOSING}},
    )
    context = replace(CONTEXT, model=CLOSING, next_step=f"{HOSTILE}\n{CLOSING}")
    return drift_report_html(judged, then, now, context=context)


def test_hostile_names_and_values_stay_text() -> None:
    page = parsed(hostile_report())

    nodes = list(page.iter())
    tags = {str(node.tag).rpartition("}")[2] for node in nodes}
    attributes = {str(name) for node in nodes for name in node.attrib}
    assert not tags & {"img", "script", "iframe", "object", "embed", "link", "base", "form"}
    assert not {name for name in attributes if name.startswith(("on", "autofocus"))}
    assert len([node for node in nodes if node.tag == "style"]) == 1
    assert words(page).count(HOSTILE) >= 5


def test_the_report_loads_and_runs_nothing() -> None:
    text = hostile_report()
    page = parsed(text)

    loads = [node.attrib[a] for node in page.iter() for a in ("src", "href") if a in node.attrib]
    assert loads
    assert all(re.fullmatch(r"#[af]\d+", one) for one in loads)
    styles = "".join(node.text or "" for node in page.iter("style"))
    assert not re.search(r"url\(|@import|expression", styles)


def test_every_link_leads_somewhere() -> None:
    page = parsed(hostile_report())

    places = [node.attrib["id"] for node in page.iter() if "id" in node.attrib]
    assert len(set(places)) == len(places)
    assert {node.attrib["href"][1:] for node in page.iter("a")} <= set(places)


def test_those_who_cannot_see_are_told_what_is_there() -> None:
    text = drift_report_html(verdict(changed("x0")), BEFORE, NOW, context=CONTEXT)
    page = parsed(text)

    html = page.attrib["lang"]
    plots = [node for node in page.iter() if str(node.tag).endswith("svg")]
    assert html == "en"
    assert len(plots) == 5
    assert all(node.attrib["role"] == "img" for node in plots)
    assert all("median" in node.attrib["aria-label"] for node in plots[:1])
    assert all(table.find("caption") is not None for table in page.iter("table"))
    assert len(list(page.iter("h1"))) == 1


def test_the_top_says_what_was_seen_and_what_to_do() -> None:
    said = words(parsed(drift_report_html(verdict(changed("x0")), BEFORE, NOW, context=CONTEXT)))

    for part in (
        "credit version 3",
        "2026-03-03 12:30 to 2026-03-04 12:30 UTC",
        "The data drifted",
        "0.4 seen, 0.05 asked.",
        "Look at x0.",
        "300 in the window, 400 in the reference",
    ):
        assert part in said


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_a_headline_of_its_own(outcome: Outcome) -> None:
    judged = Verdict(question="drift", outcome=outcome, reason="why", window=WINDOW)

    said = words(parsed(drift_report_html(judged, BEFORE, NOW, context=CONTEXT)))

    assert HEADLINES[outcome] in said
    assert "no change seen" not in said.split("How to read this")[0]


@pytest.mark.parametrize("broken", [{"p_value": None}, {"value": math.nan, "effect": math.nan}])
def test_what_could_not_be_computed_is_said_with_the_reason(broken: dict[str, Any]) -> None:
    judged = verdict(measured("x0", **broken), measured("x1"), measured("x2"), outcome=Outcome.PASS)

    said = words(parsed(drift_report_html(judged, BEFORE, NOW, context=CONTEXT)))

    assert "1 could not be computed, 2 no change seen." in said
    assert re.search(r"x0 could not be computed ks gave no (p-value|number)", said)


def test_features_stand_in_the_order_of_what_matters() -> None:
    judged = verdict(
        measured("x0", effect=0.04),
        changed("x1", effect=0.1),
        changed("x2", effect=0.2),
    )

    page = parsed(drift_report_html(judged, BEFORE, NOW, context=CONTEXT))

    table = next(page.iter("table"))
    assert ["".join(one.itertext()) for one in table.findall("./tbody/tr/th")] == ["x2", "x1", "x0"]


def test_twenty_features_fit_in_300_kb() -> None:
    before, now = pair(20)
    judged = judge_drift(before, now, DriftPolicy())

    text = drift_report_html(judged, before, now, context=CONTEXT)

    assert len(text.encode()) < 300_000


def test_an_empty_window_is_shown_as_one() -> None:
    empty = Profile.empty(BEFORE.bins)
    judged = judge_drift(BEFORE, empty, DriftPolicy())

    said = words(parsed(drift_report_html(judged, BEFORE, empty, context=CONTEXT)))

    assert "3 too few rows to tell" in said
    assert "nan" not in said.lower().split()
    assert "no rows" in said


def test_profiles_in_other_bins_are_refused() -> None:
    other = Profile.empty(bins(columns(3, 50, seed=9), scores(50)))

    with pytest.raises(StateError, match="different bins"):
        drift_report_html(verdict(), BEFORE, other, context=CONTEXT)
