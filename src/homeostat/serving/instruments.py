"""The metrics of an application, each from where it is known."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import FastAPI

from homeostat.serving.metrics import Gauges, Metrics, Observed
from homeostat.serving.service import Service
from homeostat.serving.services import Services

__all__ = ["instrument"]


def instrument(app: FastAPI, services: Services, answering: Mapping[str, Service]) -> None:
    """Count the requests to `app`, and keep its metrics in `app.state.metrics`.

    Parameters
    ----------
    answering
        Who answers rows without being routed, by path.
    """
    written: list[datetime] = []
    default = services.default
    elsewhere = default.elsewhere

    def gauges() -> Gauges:
        reported_at = elsewhere.last_written_at
        times = [*written, *([reported_at] if reported_at else [])]
        loaded = {one.model: one.champions.current for one in services}
        return Gauges(
            champions={name: one.version.number for name, one in loaded.items() if one},
            problems={one.model: one.champions.problem is not None for one in services},
            waiting=default.waiting,
            reports_waiting=elsewhere.reports.waiting,
            baseline_loaded=elsewhere.baseline_loaded,
            last_written_at=max(times).timestamp() if times else None,
        )

    def note_write() -> None:
        written[:] = [default.clock()]

    metrics = Metrics(gauges, elsewhere.judging)
    elsewhere.stored, elsewhere.judged = metrics.reported, metrics.judged
    app.state.metrics = metrics
    models = {path: one.model for path, one in answering.items()} | {"": default.model}
    app.add_middleware(Observed, metrics=metrics, models=models, written=note_write)
