"""What is wrong."""

from typing import Annotated

from fastapi import APIRouter, Query

from homeostat.serving.alerts import Alerts, read_alerts
from homeostat.serving.answers import Failure
from homeostat.serving.dependencies import ServicesDep

__all__ = ["router"]

router = APIRouter(
    prefix="/alerts",
    tags=["monitoring"],
    responses={status: {"model": Failure} for status in (404, 422, 503)},
)


@router.get("")
async def alerts(
    services: ServicesDep,
    model_name: Annotated[
        str | None, Query(description="of a model [default: that of /predict]")
    ] = None,
    every: Annotated[bool, Query(alias="all", description="resolved ones too")] = False,  # noqa: FBT002  # a query parameter
) -> Alerts:
    """The open alerts of a model, newest first."""
    service = services.get(model_name)
    return await read_alerts(service.live.store, service.model, every=every)
