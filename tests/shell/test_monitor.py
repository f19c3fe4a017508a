import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from structlog.testing import capture_logs

from homeostat.actions import Order
from homeostat.diagnosis import Cause
from homeostat.errors import Unavailable
from homeostat.monitor import Monitor, clean_windows
from homeostat.prediction import Label
from homeostat.registry import MlflowTracker
from homeostat.store import Store
from homeostat.verdict import Outcome, Verdict
from tests.shell.project import CENTS, CHANGED, DAY, HOUR, MODEL, QUIET, SHIFTED, START, Town


def monitor(town: Town) -> Monitor:
    return town.loop.monitor


def serve(town: Town, n: int) -> None:
    town.serve(QUIET, n, label=False)
    town.pass_time(HOUR)


# The window.


def test_before_anything_is_in_service_nothing_can_be_told(start: Town) -> None:
    seen = replace(monitor(start), model="other").observe(at=START)

    assert (seen.version, seen.health) == (None, Outcome.INCONCLUSIVE)
    assert seen.drift.outcome is seen.quality.outcome is Outcome.INCONCLUSIVE
    assert seen.diagnosis.cause is Cause.NONE
    assert "no version of 'other' is in service" in seen.drift.reason


@pytest.mark.parametrize(
    ("n", "outcome"),
    [(0, Outcome.INCONCLUSIVE), (199, Outcome.INCONCLUSIVE), (200, Outcome.PASS)],
)
def test_few_rows_are_no_good_news(start: Town, n: int, outcome: Outcome) -> None:
    if n:
        serve(start, n)

    seen = monitor(start).observe(at=START + HOUR)

    assert seen.drift.outcome is seen.health is outcome
    if outcome is Outcome.INCONCLUSIVE:
        assert seen.drift.reason.startswith(f"{n} rows in the window and 600 in the reference; 200")


def test_a_window_ends_at_the_look_and_begins_a_lookback_before(quiet: Town) -> None:
    at = quiet.now - timedelta(hours=7)

    seen = monitor(quiet).observe(at=at)

    assert seen.drift.window == (at - DAY, at)
    assert seen.drift.measurements[0].n_current == 24 * quiet.rows_per_hour


def test_a_look_may_be_given_in_any_zone(quiet: Town) -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))

    here = monitor(quiet).observe(at=quiet.now)
    there = monitor(quiet).observe(at=quiet.now.astimezone(kolkata))

    assert there.drift.measurements == here.drift.measurements


def test_rows_of_another_version_are_not_in_the_window(two: Town) -> None:
    serve(two, 300)
    two.project.actor.promote(2, by_hand(two.now))
    two.scorers.clear()

    seen = monitor(two).observe(at=two.now)

    assert seen.version == 2
    assert seen.drift.reason.startswith("0 rows in the window")


def by_hand(now: datetime) -> Order:
    return Order(by="somebody", now=now, reasons=("by hand",))


# What is written down.


def test_each_look_is_written_down(quiet: Town) -> None:
    before = len(quiet.project.store.verdicts(MODEL, "drift", limit=1000))

    seen = monitor(quiet).observe(at=quiet.now + HOUR)

    (at, kept), *earlier = quiet.project.store.verdicts(MODEL, "drift", limit=1000)
    assert (at, len(earlier)) == (quiet.now + HOUR, before)
    assert (kept.outcome, kept.reason) == (seen.drift.outcome, seen.drift.reason)


def test_of_a_drift_every_measurement_is_kept(quiet: Town) -> None:
    quiet.live(SHIFTED, 12, label=False)

    [(_, kept)] = quiet.project.store.verdicts(MODEL, "drift", limit=1)

    assert kept.outcome is Outcome.FAIL
    assert {one.subject for one in kept.measurements if one.drifted} >= {"income", "probability"}


def test_reports_are_files_that_name_each_other(quiet: Town) -> None:
    seen = quiet.project.monitor.observe(at=quiet.now)

    folder = quiet.folder / "monitoring"
    report, summary, result = (
        folder / "reports/drift_reports/drift_report_20260304_000000.html",
        folder / "reports/drift_reports/drift_summary_20260304_000000.json",
        folder / "metrics/monitoring_results/monitoring_20260304_000000.json",
    )
    plain = json.loads(result.read_text())
    assert seen.reports == (report, summary, result)
    assert all(path.stat().st_size > 1000 for path in seen.reports)
    assert folder / plain["drift_detection"]["drift_summary_ref"] == summary
    assert plain["status"] == "ok"
    assert plain["analysis_window"]["num_predictions"] == 960
    assert plain["diagnosis"]["cause"] == "none"


def test_reports_that_cannot_be_written_are_an_error(quiet: Town) -> None:
    (quiet.folder / "monitoring/metrics").write_text("a file where a folder should be")

    with pytest.raises(Unavailable, match="could not be written"):
        quiet.project.monitor.observe(at=quiet.now)


def test_an_mlflow_that_does_not_answer_hinders_no_look(quiet: Town) -> None:
    tracker = MlflowTracker("sqlite:////proc/none/mlflow.db", MODEL)

    with capture_logs() as logs:
        seen = replace(quiet.project.monitor, tracker=tracker).observe(at=quiet.now)

    assert seen.drift.outcome is Outcome.PASS
    assert len(seen.reports) == 3
    assert [one["event"] for one in logs] == ["monitoring not logged to mlflow"]


# Patience.


def test_a_finding_counts_after_patience(quiet: Town) -> None:
    quiet.live(SHIFTED, 24, every=100, label=False)
    looks = [monitor(quiet).observe(at=quiet.now + i * timedelta(minutes=5)) for i in range(4)]

    assert [one.drift.outcome for one in looks] == [Outcome.FAIL] * 4
    assert [one.health for one in looks] == [
        *[Outcome.INCONCLUSIVE] * 2,
        *[Outcome.FAIL] * 2,
    ]


def test_a_look_that_is_repeated_for_the_same_time_does_not_wear_out_patience(
    quiet: Town,
) -> None:
    quiet.live(SHIFTED, 24, every=100, label=False)

    looks = [monitor(quiet).observe(at=quiet.now) for _ in range(5)]

    assert {one.health for one in looks} == {Outcome.INCONCLUSIVE}


# Quality.


def test_quality_is_judged_on_labels_as_they_come_in(quiet: Town) -> None:
    labelled = monitor(quiet).observe(at=quiet.now).quality
    before = monitor(quiet).observe(at=START + DAY).quality

    assert labelled.outcome is Outcome.PASS
    assert "960 labelled rows" in labelled.reason
    assert before.outcome is Outcome.INCONCLUSIVE
    assert before.reason == "0 labelled rows, 200 asked"


def test_the_last_answer_holds_until_another_label_comes(quiet: Town) -> None:
    store = quiet.project.store
    one = monitor(quiet).observe(at=quiet.now).quality
    answers = len(store.verdicts(MODEL, "quality", limit=1000))
    same = monitor(quiet).observe(at=quiet.now + HOUR).quality
    still = len(store.verdicts(MODEL, "quality", limit=1000))
    [first] = store.predictions(MODEL, since=START + DAY, until=quiet.now)[:1]
    late = quiet.now + HOUR + timedelta(minutes=1)
    store.add_labels([Label(prediction_id=first.id, value=1, received_at=late)])

    other = monitor(quiet).observe(at=quiet.now + 2 * HOUR).quality

    assert same == one
    assert answers == still
    assert other != one
    assert "961 labelled rows" in other.reason


def test_labels_that_disagree_are_a_concept_drift(quiet: Town) -> None:
    turned = [
        Label(prediction_id=one.id, value=1 - one.prediction, received_at=quiet.now)
        for one in quiet.project.store.predictions(MODEL, since=START, until=quiet.now)
    ]
    quiet.project.store.add_labels(turned)

    seen = monitor(quiet).observe(at=quiet.now)

    assert (seen.drift.outcome, seen.quality.outcome) == (Outcome.PASS, Outcome.FAIL)
    assert (seen.health, seen.diagnosis.cause) == (Outcome.FAIL, Cause.CONCEPT_DRIFT)


# Broken feeds.


@pytest.mark.parametrize(
    ("broken", "clean"),
    [
        pytest.param([], [(0, 10)], id="none"),
        pytest.param([(3, 5)], [(0, 3), (5, 10)], id="within"),
        pytest.param([(-3, 5)], [(5, 10)], id="from before"),
        pytest.param([(8, 12)], [(0, 8)], id="until after"),
        pytest.param([(-1, 11)], [], id="all"),
        pytest.param([(-5, -3), (12, 14)], [(0, 10)], id="outside"),
        pytest.param([(1, 2), (4, 6)], [(0, 1), (2, 4), (6, 10)], id="two"),
        pytest.param([(0, 10)], [], id="exactly all"),
    ],
)
def test_clean_windows(
    start: Town, broken: list[tuple[int, int]], clean: list[tuple[int, int]]
) -> None:
    def hour(n: int) -> datetime:
        return START + n * HOUR

    spans = [[hour(a).isoformat(), hour(b).isoformat()] for a, b in broken]
    note(start.project.store, spans)

    windows = clean_windows(start.project.store, MODEL, since=hour(0), until=hour(10))

    assert windows == [(hour(a), hour(b)) for a, b in clean]


def note(store: Store, spans: list[list[str]]) -> None:
    verdict = Verdict(
        question="drift", outcome=Outcome.PASS, reason="noted", details={"broken": spans}
    )
    store.add_verdict(MODEL, verdict, START)


def test_the_span_of_a_fault_holds_all_its_rows_and_is_remembered(quiet: Town) -> None:
    broke = quiet.now
    quiet.live(CENTS, 12)
    repaired = quiet.now
    quiet.live(QUIET, 96)

    clean = clean_windows(quiet.project.store, MODEL, since=START, until=quiet.now)

    [(_, last), (first, _)] = clean
    assert last <= broke
    assert repaired <= first < repaired + 2 * DAY


def test_a_change_of_the_world_is_no_fault(quiet: Town) -> None:
    quiet.live(CHANGED, 24)

    clean = clean_windows(quiet.project.store, MODEL, since=START, until=quiet.now)

    assert clean == [(START, quiet.now)]
