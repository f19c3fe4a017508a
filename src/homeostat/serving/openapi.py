"""The description of the interface, which changes with the version in service."""

from collections.abc import Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.routing import BaseRoute

from homeostat.serving.about import release
from homeostat.serving.baseline import Baseline
from homeostat.serving.champion import Champion
from homeostat.serving.labels import LabelBatch
from homeostat.serving.reported import ReportRequest, ReportsRequest

__all__ = ["body_of", "describe"]

REFERENCE = "#/components/schemas/{model}"


def body_of(name: str) -> dict[str, Any]:
    """What a route says of the body that it reads itself.

    Examples
    --------
    >>> body_of("Row")["requestBody"]["required"]
    True
    """
    schema = {"$ref": REFERENCE.format(model=name)}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def describe(routes: Sequence[BaseRoute], model: str, champion: Champion | None) -> dict[str, Any]:
    """The OpenAPI description, with the rows that `champion` asks for and an example of one."""
    description = get_openapi(title=f"homeostat: {model}", version=release(), routes=routes)
    schemas: dict[str, Any] = description["components"]["schemas"]
    schemas |= {"Row": {"type": "object"}, "Rows": {"type": "object"}}
    schemas |= _schemas(LabelBatch)
    schemas |= _schemas(Baseline)
    schemas |= _schemas(ReportRequest) | _schemas(ReportsRequest)
    if champion is not None:
        schemas |= _schemas(champion.requests.rows)
        schemas["Row"]["example"] = champion.example
        schemas["Rows"]["example"] = {"rows": [champion.example]}
    return description


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model and of those within it, by name."""
    schema = model.model_json_schema(ref_template=REFERENCE)
    return {**schema.pop("$defs", {}), schema["title"]: schema}
