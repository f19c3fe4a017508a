"""Figures for people."""

from fastapi import APIRouter

from homeostat.serving.answers import Failure, Stats
from homeostat.serving.dependencies import ServiceDep

__all__ = ["router"]

router = APIRouter(prefix="/monitoring", tags=["monitoring"], responses={503: {"model": Failure}})


@router.get("/stats")
async def stats(service: ServiceDep) -> Stats:
    """How many predictions there are, and how the newest of them look."""
    return await service.stats()
