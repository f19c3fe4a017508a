import json
import math
from dataclasses import replace

import pytest

from homeostat.profile import Profile
from homeostat.reports.monitoring import Monitored, monitoring_result
from homeostat.traffic import Traffic
from homeostat.verdict import Outcome, Verdict
from tests.shell.reports.made import AT, WINDOW, changed, measured, pair, verdict

_, NOW = pair(4)
RUN = Monitored(
    model="credit",
    version=3,
    at=AT,
    since=WINDOW[0],
    until=WINDOW[1],
    window=NOW,
    recent={1: Profile.empty(NOW.bins), 6: NOW, 24: NOW},
    min_rows=200,
    traffic=Traffic(failed=1, refused=3),
    drift=verdict(changed("x0"), measured("x1"), excluded={"x2": "all missing"}),
    verdicts=(Verdict(question="quality", outcome=Outcome.INCONCLUSIVE, reason="no labels"),),
    diagnosis={"cause": "covariate_shift", "reason": "x0 moved", "features": ("x0",)},
    drift_summary="reports/drift_reports/drift_summary_20260304_123005.json",
)


def test_a_run_is_told_in_full() -> None:
    plain = monitoring_result(RUN)

    assert plain["timestamp"] == "2026-03-04T12:30:05+00:00"
    assert (plain["schema_version"], plain["model"], plain["model_version"]) == (1, "credit", 3)
    assert plain["status"] == "ok"
    assert plain["analysis_window"] == {
        "lookback_hours": 24.0,
        "start_time": "2026-03-03T12:30:05+00:00",
        "end_time": "2026-03-04T12:30:05+00:00",
        "num_predictions": 300,
    }
    assert plain["proxy_metrics"]["overall_stats"]["num_predictions"] == 300
    assert plain["proxy_metrics"]["time_windowed"]["window_1H"]["count"] == 0
    assert plain["traffic"]["total_requests"] == 4
    assert plain["traffic"]["error_rate"] == 1.0
    assert plain["traffic"]["p99_latency_ms"] is None
    assert plain["drift_detection"] == {
        "drift_summary_ref": "reports/drift_reports/drift_summary_20260304_123005.json",
        "dataset_drift_detected": True,
        "num_drifted_features": 1,
        "drift_share": 0.5,
        "num_features_evaluated": 2,
        "num_features_excluded": 2,
    }
    assert [one["question"] for one in plain["verdicts"]] == ["drift", "quality"]
    assert plain["diagnosis"]["features"] == ["x0"]
    assert "message" not in plain


def test_too_few_rows_are_told_with_the_number_asked() -> None:
    unknown = Verdict(question="drift", outcome=Outcome.INCONCLUSIVE, reason="few rows")

    plain = monitoring_result(replace(RUN, min_rows=301, drift=unknown))

    assert plain["status"] == "insufficient_data"
    assert (plain["num_predictions"], plain["min_required"]) == (300, 301)
    assert plain["message"].startswith("300 predictions in the window, 301 asked")
    assert plain["drift_detection"]["dataset_drift_detected"] is None
    assert plain["drift_detection"]["drift_share"] is None


@pytest.mark.parametrize("question", ["drift", "quality"])
def test_what_could_not_be_looked_at_makes_the_run_an_error(question: str) -> None:
    broken = Verdict(question=question, outcome=Outcome.ERROR, reason="database is locked")
    run = replace(RUN, drift=broken) if question == "drift" else replace(RUN, verdicts=(broken,))

    plain = monitoring_result(run)

    assert plain["status"] == "error"
    assert plain["message"] == f"{question}: database is locked"


def test_an_empty_window_is_strict_json() -> None:
    odd = verdict(measured("x0", value=math.inf, p_value=math.nan), outcome=Outcome.PASS)
    empty = replace(RUN, window=Profile.empty(NOW.bins), drift=odd, diagnosis={"z": math.nan})

    plain = monitoring_result(empty)

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["diagnosis"] == {"z": None}
    assert plain["proxy_metrics"]["overall_stats"]["probability_mean"] is None
