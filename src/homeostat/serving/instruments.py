"""The metrics of an application, each from where it is known."""

from datetime import datetime

from fastapi import FastAPI

from homeostat.serving.metrics import Gauges, Metrics, Observed
from homeostat.serving.service import Service

__all__ = ["instrument"]


def instrument(app: FastAPI, service: Service) -> None:
    """Count the requests to `app`, and keep its metrics in `app.state.metrics`."""
    written: list[datetime] = []
    elsewhere = service.elsewhere

    def gauges() -> Gauges:
        current = service.champions.current
        times = [*written, *([elsewhere.last_written_at] if elsewhere.last_written_at else [])]
        return Gauges(
            champion_version=current.version.number if current else None,
            refresh_problem=service.champions.problem is not None,
            waiting=service.waiting,
            reports_waiting=elsewhere.reports.waiting,
            baseline_loaded=elsewhere.baseline_loaded,
            last_written_at=max(times).timestamp() if times else None,
        )

    def note_write() -> None:
        written[:] = [service.clock()]

    metrics = Metrics(gauges, elsewhere.judging)
    elsewhere.stored, elsewhere.judged = metrics.reported, metrics.judged
    app.state.metrics = metrics
    app.add_middleware(Observed, metrics=metrics, written=note_write)
