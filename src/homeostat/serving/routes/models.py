"""Which models answer here."""

from fastapi import APIRouter

from homeostat.serving.answers import Served, ServedModel
from homeostat.serving.dependencies import ServicesDep

__all__ = ["router"]

router = APIRouter(prefix="/models", tags=["model"])


@router.get("")
async def models(services: ServicesDep) -> Served:
    """Every model that answers under its name, and with which version."""
    return Served(
        models=[
            ServedModel(
                name=one.model,
                model_version=str(current.version.number) if current else None,
                message=one.champions.problem or ("ready" if current else "no model is loaded yet"),
                default=one is services.default,
            )
            for one in services
            for current in [one.champions.current]
        ]
    )
