"""What is known of the model in service, and of the versions beside it."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from homeostat.serving.answers import Failure, ModelInfo
from homeostat.serving.dependencies import ServiceDep
from homeostat.serving.versions import Versions

__all__ = ["router"]

router = APIRouter(tags=["model"], responses={503: {"model": Failure}})


@router.get("/info")
async def info(service: ServiceDep) -> ModelInfo:
    """The version in service, its files, its metrics and what it asks for."""
    return await service.info()


@router.get("/versions", responses={422: {"model": Failure}})
async def versions(
    service: ServiceDep,
    hours: Annotated[float, Query(gt=0, le=24 * 31, description="to look back")] = 24.0,
) -> Versions:
    """The versions that had rows lately, side by side, with the labels that have come."""
    return await service.versions(timedelta(hours=hours))
