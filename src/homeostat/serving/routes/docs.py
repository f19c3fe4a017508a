"""The documentation, for the version that is in service when it is asked for."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from homeostat.serving.dependencies import ServiceDep
from homeostat.serving.openapi import describe

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def openapi(request: Request, service: ServiceDep) -> dict[str, Any]:
    """The description of the interface, its rows as the version in service asks for them."""
    return describe(request.app.routes, service.model, service.champions.current)


@router.get("/docs")
async def docs(service: ServiceDep) -> HTMLResponse:
    """The same, to be read and tried."""
    return get_swagger_ui_html(openapi_url="openapi.json", title=f"homeostat: {service.model}")
