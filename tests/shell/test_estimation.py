"""Looks estimate the newest window, and score it when its labels are there."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from homeostat.blend import BLEND
from homeostat.errors import NotFound, StateError
from homeostat.estimated import Estimated
from homeostat.estimators import BLIND
from homeostat.monitor import Monitor, Observation
from homeostat.verdict import Outcome, Verdict
from homeostat.version import Version
from tests.core.made_answers import drawn
from tests.shell.project import (
    CHANGED,
    DAY,
    HOUR,
    MODEL,
    QUIET,
    START,
    Town,
    World,
    command,
    homeostat,
)


def monitor(town: Town) -> Monitor:
    return town.loop.monitor


def look(town: Town) -> Verdict:
    seen = monitor(town).observe(at=town.now)
    assert seen.estimate is not None
    return seen.estimate


def days(town: Town, world: World, n: int) -> list[Verdict]:
    """Days of this world, with a look at the end of each; labels come a day later."""
    found = []
    for _ in range(n):
        for _ in range(24):
            town.serve(world, town.rows_per_hour)
            town.pass_time(HOUR)
        found.append(look(town))
    return found


def made(town: Town) -> list[Estimated]:
    return town.project.store.estimates.made(MODEL, 1, as_of=town.now, limit=100)


def test_a_look_estimates_the_newest_window_and_says_that_it_is_blind(start: Town) -> None:
    [verdict] = days(start, QUIET, 1)

    assert verdict.outcome is Outcome.PASS
    assert [one.subject for one in verdict.measurements] == ["accuracy", "f1", "roc_auc"]
    assert BLIND in verdict.reason
    assert "no labels have tested it yet" in verdict.reason
    assert verdict.window == (start.now - DAY, start.now)
    [(at, kept)] = start.project.store.verdicts(MODEL, "estimate", limit=5)
    assert (at, kept) == (start.now, verdict)


def test_what_was_expected_is_scored_when_its_labels_are_there(start: Town) -> None:
    days(start, QUIET, 5)

    held = made(start)

    assert [one.until - START for one in held] == [i * DAY for i in range(1, 6)]
    assert [one.scored is not None for one in held] == [True, True, True, True, False]
    for one in held[:3]:
        assert one.scored is not None
        assert one.scored.n == one.n
        assert one.scored.at == one.until + DAY
        value, low, high = one.combined["accuracy"]
        assert low < value < high
        assert abs(value - one.scored.seen["accuracy"]) < 0.06


def test_windows_that_overlap_are_kept_once(start: Town) -> None:
    days(start, QUIET, 1)
    for _ in range(18):
        start.serve(QUIET, 40)
        start.pass_time(HOUR)
        look(start)

    assert len(made(start)) == 1
    held = start.project.store.verdicts(MODEL, "estimate", limit=50)
    assert len(held) == 1 + 18 // 6  # between them the last one is given again


def test_labels_take_over_once_they_show_that_the_relation_changed(start: Town) -> None:
    turned = replace(QUIET, intercept=1.2)
    quiet, *found = days(start, QUIET, 3)[-1:] + days(start, turned, 7)

    assert quiet.outcome is Outcome.PASS
    before, after = (
        {one.subject: one.value for one in verdict.measurements} for verdict in (quiet, found[-1])
    )
    assert after["accuracy"] < before["accuracy"] - 0.1
    assert found[-1].outcome is Outcome.FAIL, [found[-1].reason, *found[-1].measurements]
    assert found[-1].details["accuracy"]["coverage"][BLEND]["windows"] == 9
    assert "tested on 9 labelled windows" in found[-1].reason


@pytest.mark.parametrize("n", [0, 199])
def test_few_rows_are_no_good_news(start: Town, n: int) -> None:
    if n:
        start.serve(QUIET, n)
    start.pass_time(HOUR)

    verdict = look(start)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith(f"{n} rows in the window, 200 asked")
    assert made(start) == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NotFound("no reference"), Outcome.INCONCLUSIVE), (StateError("damaged"), Outcome.ERROR)],
)
def test_without_a_labelled_reference_nothing_is_estimated(
    start: Town, error: Exception, outcome: Outcome
) -> None:
    def missing(version: Version, at: object) -> None:
        raise error

    estimation = replace(start.project.estimation, labelled=missing, _methods={})  # type: ignore[arg-type]
    watching = replace(monitor(start), estimation=estimation)
    start.serve(QUIET, 300)
    start.pass_time(HOUR)

    seen = watching.observe(at=start.now)

    assert seen.estimate is not None
    assert seen.estimate.outcome is outcome
    assert f"nothing can be estimated: {error}" in seen.estimate.reason


def test_a_past_look_says_what_was_known_then(start: Town) -> None:
    days(start, QUIET, 3)
    then = start.now
    version = start.project.store.version(MODEL, 1)
    estimation = start.project.estimation
    reference = start.project.store.reference(MODEL, version.reference_digest)

    def outlook() -> Verdict:
        window = start.project.store.window_profile(MODEL, 1, reference.bins, then - DAY, then)
        return estimation.outlook(version, window, lookback=DAY, at=then).verdict

    before = outlook()
    days(start, CHANGED, 2)

    assert outlook() == before


def test_a_retrained_version_learns_from_labelled_rows_that_it_has_not_seen(
    verifying: Town,
) -> None:
    version = verifying.project.store.version(MODEL, 2)
    assert version.trained_until is not None

    learnt = verifying.project.bench.reference(version, verifying.now)

    later = verifying.project.store.labelled(
        MODEL, since=version.trained_until + timedelta(microseconds=1), until=verifying.now
    )
    assert learnt.n == len(later) >= 200
    assert learnt.positives == sum(one.label.value for one in later)
    verdict = look(verifying)
    assert "rows" in verdict.reason


def test_the_result_of_a_run_holds_the_estimate(start: Town) -> None:
    start.serve(QUIET, 300)
    start.pass_time(HOUR)
    seen: Observation = start.project.monitor.observe(at=start.now)

    result = json.loads(seen.reports[-1].read_text())

    [estimate] = [one for one in result["verdicts"] if one["question"] == "estimate"]
    assert estimate["outcome"] == "PASS"
    assert BLIND in estimate["reason"]


def test_the_command_tells_what_is_expected(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    days(start, QUIET, 2)
    capsys.readouterr()

    code = command(start.folder, "estimate", "--as-of", start.now.isoformat(), "--json")
    plain = json.loads(capsys.readouterr().out)
    assert command(start.folder, "estimate", "--as-of", start.now.isoformat()) == 0
    text = capsys.readouterr().out

    assert code == 0
    assert set(plain["metrics"]) >= {"accuracy", "precision", "recall", "f1", "roc_auc"}
    assert [one["labels"] is not None for one in plain["past"]] == [True, False]
    assert "interval held" in text
    assert BLIND in text


def scored_file(folder: Path, *, turn: float = 0.0, unlabelled: int = 0) -> Path:
    """Scored rows in time order, the last thousands turned over, and some without a label."""
    parts = [drawn(6_000, seed=1), drawn(4_000, seed=2, turn=turn)]
    label, score = (np.concatenate(each) for each in zip(*parts, strict=True))
    held: list[int | None] = label.tolist()
    held[len(held) - unlabelled :] = [None] * unlabelled
    days_ = pl.datetime_range(START, START + timedelta(hours=len(held) - 1), "1h", eager=True)
    path = folder / "scored.parquet"
    pl.DataFrame({"when": days_, "p": score, "truth": held}).write_parquet(path)
    return path


COLUMNS = ("--time", "when", "--score", "p", "--label", "truth", "--reference", "3000")


def test_the_command_goes_through_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scored_file(tmp_path, unlabelled=500)

    code = homeostat("estimate", "--data", path, *COLUMNS, "--json")
    plain = json.loads(capsys.readouterr().out)
    assert homeostat("estimate", "--data", path, *COLUMNS) == 0
    text = capsys.readouterr().out

    assert code == 0
    assert [one["rows"] for one in plain["windows"]] == [1000] * 6 + [500]
    assert plain["windows"][-1]["metrics"]["f1"]["seen"] is None
    assert plain["coverage"]["accuracy"]["windows"] == 6
    assert plain["mean_absolute_error"]["accuracy"][BLEND] < 0.02
    assert "7 windows of 1,000 rows" in text


def test_a_file_whose_relation_changed_is_found_out_by_its_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scored_file(tmp_path, turn=0.4)

    code = homeostat("estimate", "--data", path, *COLUMNS, "--rows", "500", "--json")
    errors = json.loads(capsys.readouterr().out)["mean_absolute_error"]["accuracy"]

    assert code == 1
    assert errors[BLEND] < 0.6 * errors["cbpe"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(("--time", "when"), ["--score: missing", "--label: missing"], id="no names"),
        pytest.param(
            (*COLUMNS[:2], "--score", "q", "--label", "what"),
            ["score: no column 'q'", "label: no column 'what'"],
            id="other names",
        ),
        pytest.param((*COLUMNS, "--positive", "yes"), ["never is 'yes' but 0, 1"], id="class"),
        pytest.param(
            (*COLUMNS[:2], "--score", "when", "--label", "truth"),
            ["score: 'when' holds no numbers"],
            id="no numbers",
        ),
        pytest.param((*COLUMNS, "--rows", "9000"), ["10,000 labelled rows; 3,000"], id="too few"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    given: tuple[str, ...],
    said: list[str],
) -> None:
    code = homeostat("estimate", "--data", scored_file(tmp_path), *given)
    errors = capsys.readouterr().err

    assert code == 2
    assert all(one in errors for one in said)
