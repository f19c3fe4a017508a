"""Who answers here, and whether."""

from fastapi import APIRouter, Response

from homeostat.serving.about import release
from homeostat.serving.answers import Health, Root
from homeostat.serving.dependencies import ServicesDep

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/")
async def root(services: ServicesDep) -> Root:
    """The name and the state of the service."""
    health = await services.health()
    return Root(
        service="homeostat",
        version=release(),
        model=services.default.model,
        status=health.status,
        model_version=health.model_version,
    )


@router.get("/health", responses={503: {"model": Health}})
async def health(services: ServicesDep, response: Response) -> Health:
    """Whether rows can be answered; 503 when not.  Needs no key.

    What is said is said of the default model; one of the others without a version makes it
    degraded.
    """
    answer = await services.health()
    response.status_code = 503 if answer.status == "unhealthy" else 200
    return answer
