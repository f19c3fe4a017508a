"""What is known of the model in service."""

from fastapi import APIRouter

from homeostat.serving.answers import Failure, ModelInfo
from homeostat.serving.dependencies import ServiceDep

__all__ = ["router"]

router = APIRouter(tags=["model"])


@router.get("/info", responses={503: {"model": Failure}})
async def info(service: ServiceDep) -> ModelInfo:
    """The version in service, its files, its metrics and what it asks for."""
    return await service.info()
