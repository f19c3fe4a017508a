"""Figures for people."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from homeostat.errors import NotFound
from homeostat.serving.answers import Failure, Stats
from homeostat.serving.baseline import Baseline, read_baseline
from homeostat.serving.dependencies import ERRORS, BodyDep, ServiceDep
from homeostat.serving.live import LiveDrift, LiveHealth
from homeostat.serving.openapi import body_of

__all__ = ["router"]

#: What a route may answer that is asked about a model by name.
NOT_FOUND: dict[int | str, dict[str, Any]] = {status: {"model": Failure} for status in (404, 422)}

router = APIRouter(prefix="/monitoring", tags=["monitoring"], responses={503: {"model": Failure}})


@router.get("/stats", responses=NOT_FOUND)
async def stats(
    service: ServiceDep,
    model_name: Annotated[str | None, Query(description="of the model [default: ours]")] = None,
) -> Stats:
    """What was answered, how the newest answers look, and how long requests took.

    Counts are sums over all workers and outlive a restart; a worker that is killed loses at
    most the last second of them, and no prediction.
    """
    if model_name not in {None, service.model}:
        raise NotFound(
            f"no model {str(model_name)[:64]!r} is served here; ask for {service.model!r}"
        )
    return await service.stats()


@router.get("/health")
async def monitoring_health(service: ServiceDep) -> LiveHealth:
    """Whether the last hour is as it should be: errors, latency, drift, the model itself."""
    await service.meter.write()
    return await service.live.health()


@router.get("/drift/{model_name}", responses=NOT_FOUND)
async def drift(
    service: ServiceDep,
    model_name: str,
    hours: Annotated[float, Query(gt=0, le=24 * 31, description="to look back")] = 24.0,
) -> LiveDrift:
    """The newest scores and latencies beside what is expected, with a standard error that fits.

    Expected is what `POST /monitoring/baseline` said, or else the reference of the version.
    """
    await service.meter.write()
    return await service.live.drift(model_name, hours=hours)


@router.post("/baseline", responses=ERRORS, openapi_extra=body_of("BaselineRequest"))
async def baseline(service: ServiceDep, body: BodyDep) -> Baseline:
    """Say what is expected of the scores and latencies of a model; replaces what was said."""
    return await service.live.expect(read_baseline(body, now=service.clock()))
