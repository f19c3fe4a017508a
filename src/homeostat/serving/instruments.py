"""The metrics of an application, each from where it is known."""

from datetime import datetime

from fastapi import FastAPI

from homeostat.serving.metrics import Gauges, Metrics, Observer
from homeostat.serving.services import Services

__all__ = ["instrument"]


def instrument(app: FastAPI, services: Services) -> Observer:
    """Keep metrics in `app.state.metrics`; who is returned is to be told of every request."""
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
            succeeded={
                (one.model, loop): at.timestamp()
                for one in services
                for loop, at in one.pulse.last_successes().items()
            },
        )

    def note_write() -> None:
        written[:] = [default.clock()]

    metrics = Metrics(gauges, elsewhere.judging)
    elsewhere.stored, elsewhere.judged = metrics.reported, metrics.judged
    app.state.metrics = metrics
    return Observer(metrics, note_write)
