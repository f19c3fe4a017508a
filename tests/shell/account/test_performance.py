"""The performance report tells what was measured, and its page is safe and whole."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import html5lib
import pytest

from homeostat.account.performance import (
    Coverage,
    PerformanceReport,
    PerformanceRow,
    performance_json,
    rows_of,
    with_figures,
)
from homeostat.account.performance_page import headline, performance_html
from homeostat.store import Figure
from homeostat.verdict import Measurement, Outcome, Verdict

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def row(day: float = 0, metric: str = "f1", **changes: Any) -> PerformanceRow:
    plain = PerformanceRow(
        at=AT - day * DAY,
        metric=metric,
        value=0.65 - day / 100,
        lower=0.61,
        upper=0.69,
        confidence=0.95,
        n=812,
        asked=0.7,
        breached=False,
        version=2,
    )
    return replace(plain, **changes)


def report(*rows: PerformanceRow, **changes: Any) -> PerformanceReport:
    plain = PerformanceReport(
        model="churn",
        as_of=AT,
        since=AT - 30 * DAY,
        until=AT,
        rows=rows,
        coverage=(Coverage(since=AT - DAY, until=AT, labelled=812, rows=1000),),
    )
    return replace(plain, **changes)


FULL = report(
    row(3),
    row(2, breached=True),
    row(1, segment="age<30", breached=True),
    row(1, version=1),
    row(0),
    row(0, "brier", value=0.18, lower=None, upper=None, asked=None, breached=None),
)


def test_the_newest_figure_of_each_metric_part_and_version_is_told() -> None:
    assert [(one.metric, one.at) for one in FULL.newest] == [("brier", AT), ("f1", AT)]
    assert [(one.segment, one.metric) for one in FULL.segments] == [("age<30", "f1")]
    assert [(one.version, one.metric) for one in FULL.versions] == [
        (1, "f1"),
        (2, "brier"),
        (2, "f1"),
    ]


def test_the_json_is_strict_and_has_every_figure() -> None:
    strange = report(row(value=float("nan"), upper=float("inf")))

    plain = performance_json(FULL)
    again = json.loads(json.dumps(plain, allow_nan=False))

    assert [one["metric"] for one in again["metrics"]] == ["brier", "f1"]
    assert len(again["over_time"]) == 6
    assert again["label_coverage"][0]["coverage"] == 0.812
    assert json.dumps(performance_json(strange), allow_nan=False)


@pytest.mark.parametrize(
    ("rows", "worst", "said"),
    [
        pytest.param((), "inconclusive", "cannot be told", id="nothing"),
        pytest.param((row(breached=None),), "inconclusive", "cannot be told", id="not judged"),
        pytest.param((row(),), "pass", "No limit is breached", id="holds"),
        pytest.param((row(breached=True),), "fail", "Breached: F1", id="breached"),
        pytest.param((row(), row(segment="x", breached=True)), "fail", "F1", id="in a segment"),
    ],
)
def test_the_headline_is_that_of_the_newest_figures(
    rows: tuple[PerformanceRow, ...], worst: str, said: str
) -> None:
    found = headline(report(*rows))

    assert found[0] == worst
    assert said in found[1]


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(FULL, id="full"),
        pytest.param(report(coverage=()), id="empty"),
        pytest.param(report(row(value=float("nan"))), id="no number"),
        pytest.param(report(row(value=0.0, lower=0.0, upper=0.0, asked=0.0)), id="all zero"),
        pytest.param(report(*(row(n / 100) for n in range(500, 0, -1))), id="many points"),
    ],
)
def test_the_page_is_whole_and_loads_nothing(told: PerformanceReport) -> None:
    text = performance_html(told)

    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    assert not [one for one in tree.iter() if one.tag in {"script", "link", "img", "iframe"}]
    assert "nan" not in text.lower().replace("finance", "")
    assert len(text) < 300_000


def test_names_are_data() -> None:
    evil = "<img src=x onerror=alert(1)>"
    told = report(row(metric=evil), row(segment=evil), model=evil, notes=(evil,))

    text = performance_html(told)

    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_figures_come_from_verdicts_on_quality() -> None:
    seen = Measurement(
        subject="recall",
        statistic="wilson",
        value=0.65,
        effect=0.05,
        asked=0.7,
        n_reference=0,
        n_current=812,
        drifted=True,
    )
    verdict = Verdict(
        question="thresholds",
        outcome=Outcome.FAIL,
        reason="Recall 0.65",
        measurements=(seen,),
        details={"intervals": {"recall": [0.61, 0.69]}, "confidence": 0.95, "version": 3},
        window=(AT - DAY, AT),
    )

    [found] = rows_of(verdict, AT)

    assert (found.metric, found.value, found.lower, found.upper) == ("recall", 0.65, 0.61, 0.69)
    assert (found.asked, found.breached, found.version, found.n) == (0.7, True, 3, 812)


def test_of_two_questions_at_one_time_the_breach_is_told() -> None:
    told = report(row(1, breached=True), row(0, breached=True, asked=0.7), row(0, asked=0.6))

    [newest] = told.newest
    [of_version] = told.versions
    assert (newest.asked, newest.breached) == (of_version.asked, of_version.breached) == (0.7, True)


def test_an_interval_is_not_given_to_a_segment_that_it_may_not_be_of() -> None:
    seen = [
        Measurement(
            subject="f1",
            statistic="segment",
            value=value,
            asked=0.7,
            n_reference=0,
            n_current=100,
            drifted=True,
            partner=part,
        )
        for part, value in (("age<30", 0.5), ("age>=30", 0.6))
    ]
    verdict = Verdict(
        question="segments",
        outcome=Outcome.FAIL,
        reason="two",
        measurements=tuple(seen),
        details={"intervals": {"f1": [0.55, 0.65]}, "version": 1},
    )

    told = list(rows_of(verdict, AT))

    assert [(one.segment, one.lower) for one in told] == [("age<30", None), ("age>=30", None)]


def figure(metric: str, *, day: float = 0, segment: str = "") -> Figure:
    return Figure(
        model="churn",
        version=2,
        segment=segment,
        metric=metric,
        value=0.65,
        lower=0.61,
        upper=0.69,
        standard_error=0.02,
        size=812.0,
        bias=0.0,
        method="delta",
        n=812,
        since=AT - DAY,
        until=AT,
        known_at=AT - day * DAY,
    )


def test_a_figure_has_its_own_interval_and_the_limit_that_it_broke() -> None:
    limit = row(0, "recall", asked=0.6, breached=False, lower=None, upper=None)
    beside = row(0, "recall", asked=0.7, breached=True, lower=None, upper=None)
    alone = row(0, "brier", value=0.2)
    measured = [figure("recall"), figure("recall", day=1), figure("recall", segment="age<30")]

    told = with_figures([limit, beside, alone], measured)

    assert [(one.at, one.metric, one.segment) for one in told] == [
        (AT - DAY, "recall", None),
        (AT, "brier", None),
        (AT, "recall", None),
        (AT, "recall", "age<30"),
    ]
    newest = told[2]
    assert (newest.asked, newest.breached) == (0.7, True)
    assert (newest.lower, newest.upper, newest.n) == (0.61, 0.69, 812)
    assert [told[i].asked for i in (0, 3)] == [None, None]
