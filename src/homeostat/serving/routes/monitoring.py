"""Figures for people."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from homeostat.serving.answers import Failure, Stats
from homeostat.serving.baseline import Baseline, read_baseline
from homeostat.serving.dependencies import ERRORS, BodyDep, Moment, ServicesDep
from homeostat.serving.live import LiveDrift, LiveHealth
from homeostat.serving.openapi import body_of
from homeostat.serving.performance import PerformanceAnswer

__all__ = ["router"]

#: What a route may answer that is asked about a model by name.
NOT_FOUND: dict[int | str, dict[str, Any]] = {status: {"model": Failure} for status in (404, 422)}

ModelName = Annotated[str | None, Query(description="of a model [default: that of /predict]")]

router = APIRouter(prefix="/monitoring", tags=["monitoring"], responses={503: {"model": Failure}})


@router.get("/stats", responses=NOT_FOUND)
async def stats(services: ServicesDep, model_name: ModelName = None) -> Stats:
    """What was answered, how the newest answers look, and how long requests took.

    Counts are sums over all workers and outlive a restart; a worker that is killed loses at
    most the last second of them, and no prediction.
    """
    return await services.get(model_name).stats()


@router.get("/performance", responses=NOT_FOUND)
async def performance(
    services: ServicesDep,
    model_name: ModelName = None,
    version: Annotated[
        int | None, Query(ge=1, lt=2**31, description="by its number [default: that in service]")
    ] = None,
    as_of: Annotated[
        Moment | None, Query(description="as it was known then; with its zone")
    ] = None,
) -> PerformanceAnswer:
    """How good the answers were by the labels that had come, as the last look saw it."""
    return await services.get(model_name).performance(version, as_of)


@router.get("/health", responses=NOT_FOUND)
async def monitoring_health(services: ServicesDep, model_name: ModelName = None) -> LiveHealth:
    """Whether the last hour is as it should be: errors, latency, drift, the model itself."""
    service = services.get(model_name)
    await service.meter.write()
    return await service.live.health()


@router.get("/drift/{model_name}", responses=NOT_FOUND)
async def drift(
    services: ServicesDep,
    model_name: str,
    hours: Annotated[float, Query(gt=0, le=24 * 31, description="to look back")] = 24.0,
) -> LiveDrift:
    """The newest scores and latencies beside what is expected, with a standard error that fits.

    Expected is what `POST /monitoring/baseline` said, or else the reference of the version.
    """
    service = services.get(model_name)
    await service.meter.write()
    return await service.live.drift(hours=hours)


@router.post("/baseline", responses=ERRORS, openapi_extra=body_of("BaselineRequest"))
async def baseline(services: ServicesDep, body: BodyDep) -> Baseline:
    """Say what is expected of the scores and latencies of a model; replaces what was said."""
    given = read_baseline(body, now=services.default.clock())
    return await services.get(given.model_name).live.expect(given)
