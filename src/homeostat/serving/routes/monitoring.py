"""Figures for people."""

from typing import Annotated

from fastapi import APIRouter, Query

from homeostat.errors import NotFound
from homeostat.serving.answers import Failure, Stats
from homeostat.serving.dependencies import ServiceDep

__all__ = ["router"]

router = APIRouter(prefix="/monitoring", tags=["monitoring"], responses={503: {"model": Failure}})


@router.get("/stats", responses={404: {"model": Failure}})
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
