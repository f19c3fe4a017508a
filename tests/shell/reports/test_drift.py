import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from homeostat.errors import UserError
from homeostat.policy import DriftPolicy, judge_drift
from homeostat.reports.drift import drift_summary
from homeostat.verdict import Measurement, Outcome, Verdict
from tests.shell.reports.made import AT, changed, measured, pair, reference, verdict

BEFORE, NOW = pair(10)
REFERENCE = reference(BEFORE)


def summary(judged: Verdict) -> dict[str, Any]:
    return drift_summary(judged, REFERENCE, at=AT)


def row(plain: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in plain["features"] if one["feature"] == name)
    return found


def test_the_share_is_that_of_the_features_and_no_threshold() -> None:
    tests = [changed(f"x{i}") if i < 4 else measured(f"x{i}") for i in range(10)]

    plain = summary(verdict(*tests))

    assert plain["drift_share"] == 0.4
    assert (plain["num_drifted_features"], plain["num_features_evaluated"]) == (4, 10)
    assert plain["dataset_drift_detected"] is True


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param({"p_value": None}, "ks gave no p-value", id="no p-value"),
        pytest.param({"p_value": math.nan}, "ks gave no p-value", id="p-value NaN"),
        pytest.param({"value": math.nan, "effect": math.nan}, "ks gave no number", id="NaN"),
    ],
)
def test_what_could_not_be_computed_is_neither_fine_nor_drift(
    broken: dict[str, Any], reason: str
) -> None:
    fine = measured("x0", statistic="missing")

    plain = summary(verdict(fine, measured("x0", **broken), outcome=Outcome.PASS))

    x0 = row(plain, "x0")
    assert x0["drift_detected"] is None
    assert x0["state"] == "could not be computed"
    assert x0["reason"] == plain["excluded_features"]["x0"] == reason
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_a_feature_that_no_one_measured_is_not_unchanged() -> None:
    plain = summary(verdict(measured("x0"), outcome=Outcome.PASS))

    assert row(plain, "x1")["drift_detected"] is None
    assert plain["excluded_features"]["x1"] == "it was not measured"
    assert plain["num_features_evaluated"] == 1
    assert plain["num_features_excluded"] == 9
    assert plain["num_features_total"] == 10


@pytest.mark.parametrize(
    ("outcome", "status", "state"),
    [
        (Outcome.INCONCLUSIVE, "insufficient_data", "too few rows to tell"),
        (Outcome.ERROR, "error", "could not be computed"),
    ],
)
def test_no_answer_is_null_and_never_false(outcome: Outcome, status: str, state: str) -> None:
    plain = summary(Verdict(question="drift", outcome=outcome, reason="12 rows, 200 asked"))

    assert plain["status"] == status
    assert plain["dataset_drift_detected"] is None
    assert plain["drift_share"] is None
    assert {one["state"] for one in plain["features"]} == {state}
    assert set(plain["excluded_features"].values()) == {"12 rows, 200 asked"}


def test_a_drift_that_has_not_lasted_yet_is_counted_but_not_declared() -> None:
    plain = summary(verdict(changed("x0"), outcome=Outcome.INCONCLUSIVE))

    assert plain["dataset_drift_detected"] is None
    assert plain["num_drifted_features"] == 1


def test_a_left_out_feature_drifts_by_what_was_still_measured() -> None:
    why = {"x0": "12 values in the window, 200 asked", "x1": "11 values, 200 asked"}
    lost = changed("x0", statistic="missing", effect=0.9, asked=0.01)

    plain = summary(verdict(lost, measured("x1", statistic="missing"), excluded=why))

    assert row(plain, "x0")["drift_detected"] is True
    assert "12 values" in row(plain, "x0")["reason"]
    assert row(plain, "x1")["drift_detected"] is None
    assert plain["excluded_features"]["x1"] == "11 values, 200 asked"


def test_the_row_is_the_deciding_test_with_the_largest_effect() -> None:
    tests = (
        measured("x0", effect=0.9, asked=None, statistic="psi", p_value=None),
        measured("x0", effect=0.3, asked=0.05, statistic="chi2"),
        changed("x0", effect=0.10, asked=0.05, statistic="ks"),
        changed("x0", effect=0.03, asked=0.01, statistic="missing"),
    )

    x0 = row(summary(verdict(*tests)), "x0")

    assert x0["stat_test"] == "missing"
    assert (x0["effect"], x0["asked"], x0["threshold"]) == (0.03, 0.01, 0.01)
    assert [one["statistic"] for one in x0["tests"]] == ["psi", "chi2", "ks", "missing"]
    assert x0["reason"] == "missing 0.03 seen, 0.01 asked"


def test_the_reason_tells_what_a_window_of_this_size_may_miss() -> None:
    near = measured("x0", minimum_detectable_effect=0.2)

    x0 = row(summary(verdict(near, outcome=Outcome.PASS)), "x0")

    assert x0["drift_detected"] is False
    assert x0["reason"] == "ks 0.02 seen, 0.05 asked; a change under 0.2 may be missed"


def test_scores_and_other_subjects_stand_apart_from_the_features() -> None:
    tests = (changed("probability"), changed("correlation"))

    plain = summary(verdict(*tests))

    assert [one["feature"] for one in plain["others"]] == [
        "probability",
        "prediction",
        "correlation",
    ]
    assert plain["num_drifted_features"] == 0
    assert plain["reference_metadata"]["features"] == [f"x{i}" for i in range(10)]


def test_times_are_written_in_utc_with_their_zone() -> None:
    local = datetime(2026, 3, 4, 14, 30, tzinfo=timezone(timedelta(hours=2)))

    plain = drift_summary(verdict(), REFERENCE, at=local)

    assert plain["timestamp"] == "2026-03-04T12:30:00+00:00"
    assert plain["window"] == ["2026-03-03T12:30:05+00:00", "2026-03-04T12:30:05+00:00"]


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 4, tzinfo=UTC).replace(tzinfo=None)

    with pytest.raises(UserError, match="no time zone"):
        drift_summary(verdict(), REFERENCE, at=naive)


def test_a_real_verdict_reads_the_same() -> None:
    judged = judge_drift(BEFORE, NOW, DriftPolicy())

    plain = summary(judged)

    drifted = {one["feature"] for one in plain["features"] if one["drift_detected"]}
    assert drifted == set(judged.details["drifted"]) - {"probability", "prediction"}
    assert plain["num_features_evaluated"] == 10
    assert all({"ks", "missing", "unseen"} <= names(one["tests"]) for one in plain["features"])
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def names(tests: list[dict[str, Any]]) -> set[str]:
    return {Measurement(**one).statistic for one in tests}
