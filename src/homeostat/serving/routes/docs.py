"""The documentation, for the version that is in service when it is asked for."""

from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from homeostat.serving.dependencies import ServiceDep
from homeostat.serving.openapi import describe

__all__ = ["DocsFile", "router"]

router = APIRouter(include_in_schema=False)

STATIC = Path(str(files("fastapi_offline"))) / "static"


class DocsFile(StrEnum):
    """The files that the page of the documentation is made of."""

    SCRIPT = "swagger-ui-bundle.js"
    STYLE = "swagger-ui.css"
    ICON = "favicon.png"


@router.get("/openapi.json")
async def openapi(request: Request, service: ServiceDep) -> dict[str, Any]:
    """The description of the interface, its rows as the version in service asks for them."""
    named = "name" in request.path_params
    current = service.champions.current
    return describe(request.app.routes, service.model, current, named=named)


@router.get("/docs")
async def docs(service: ServiceDep) -> HTMLResponse:
    """The same, to be read and tried; nothing in it comes from another host."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title=f"homeostat: {service.model}",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
    )


@router.get("/docs/{file}")
async def docs_file(file: DocsFile) -> FileResponse:
    """A file that the page is made of."""
    return FileResponse(STATIC / file.value)
