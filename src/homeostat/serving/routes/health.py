"""Who answers here, and whether."""

from fastapi import APIRouter, Response

from homeostat.serving.about import release
from homeostat.serving.answers import Health, Root
from homeostat.serving.dependencies import ServiceDep

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/")
async def root(service: ServiceDep) -> Root:
    """The name and the state of the service."""
    health = await service.health()
    return Root(
        service="homeostat",
        version=release(),
        model=service.model,
        status=health.status,
        model_version=health.model_version,
    )


@router.get("/health", responses={503: {"model": Health}})
async def health(service: ServiceDep, response: Response) -> Health:
    """Whether rows can be answered; 503 when not.  Needs no key."""
    answer = await service.health()
    response.status_code = 503 if answer.status == "unhealthy" else 200
    return answer
