"""The result of one run of the monitoring, as one JSON object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from homeostat.metrics.proxy import overall_stats, time_windowed
from homeostat.profile import Profile
from homeostat.reports import DETECTED, findings, strict
from homeostat.traffic import Traffic
from homeostat.verdict import Outcome, Verdict

__all__ = ["SCHEMA_VERSION", "Monitored", "monitoring_result"]

SCHEMA_VERSION = 1  #: raised when a field changes its meaning or goes


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored:
    """What one run of the monitoring looked at, and what it found."""

    model: str
    version: int
    at: datetime  #: time of the run
    since: datetime
    until: datetime
    window: Profile  #: of [since, until)
    recent: Mapping[int, Profile]  #: of the last 1, 6 and 24 hours, by that number
    min_rows: int
    drift: Verdict
    traffic: Traffic = field(default_factory=Traffic)  #: of [since, until), whatever version
    verdicts: tuple[Verdict, ...] = ()  #: on all other questions
    diagnosis: Mapping[str, Any] | None = None  #: cause, reason, features
    drift_summary: str | None = None  #: where the drift summary is, if one was written


def monitoring_result(run: Monitored) -> dict[str, Any]:
    """One run as strict JSON.

    ``status`` is "ok" when everything could be judged, whatever was found; "error" when a
    question could not be looked at; "insufficient_data" under ``min_rows``, with
    ``num_predictions``, ``min_required`` and a ``message`` besides.
    """
    verdicts = (run.drift, *run.verdicts)
    status = _status(run, verdicts)
    result = {
        "timestamp": run.at,
        "schema_version": SCHEMA_VERSION,
        "model": run.model,
        "model_version": run.version,
        "status": status,
        "analysis_window": {
            "lookback_hours": (run.until - run.since) / timedelta(hours=1),
            "start_time": run.since,
            "end_time": run.until,
            "num_predictions": run.window.n,
        },
        "proxy_metrics": {
            "overall_stats": overall_stats(run.window),
            "time_windowed": time_windowed(run.recent),
        },
        "traffic": run.traffic.summary(),
        "drift_detection": _drift(run),
        "verdicts": [one.to_dict() for one in verdicts],
        "diagnosis": run.diagnosis,
        **(_shortfall(run) if status == "insufficient_data" else {}),
    }
    if status == "error":
        result["message"] = "; ".join(
            f"{one.question}: {one.reason}" for one in verdicts if one.outcome is Outcome.ERROR
        )
    plain: dict[str, Any] = strict(result)
    return plain


def _status(run: Monitored, verdicts: tuple[Verdict, ...]) -> str:
    if any(one.outcome is Outcome.ERROR for one in verdicts):
        return "error"
    return "insufficient_data" if run.window.n < run.min_rows else "ok"


def _drift(run: Monitored) -> dict[str, Any]:
    found = findings(run.drift, run.window.bins)
    return {
        "drift_summary_ref": run.drift_summary,
        "dataset_drift_detected": DETECTED[run.drift.outcome],
        "num_drifted_features": found.drifted,
        "drift_share": found.share,
        "num_features_evaluated": found.evaluated,
        "num_features_excluded": len(found.excluded),
    }


def _shortfall(run: Monitored) -> dict[str, Any]:
    return {
        "num_predictions": run.window.n,
        "min_required": run.min_rows,
        "message": f"{run.window.n:,} predictions in the window, {run.min_rows:,} asked; "
        "nothing can be told yet",
    }
