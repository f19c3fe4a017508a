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
from homeostat.serving.roles import OPEN, ROLES

__all__ = ["body_of", "describe"]

#: What any route may answer that asks for a key.
REFUSALS = {
    "401": "Unauthorized",
    "403": "Forbidden",
    "429": "Too Many Requests",
    "503": "Service Unavailable",
}

REFERENCE = "#/components/schemas/{model}"

NAMED = "/models/{name}/"  #: what lies under the name of a model

ROWS = {
    REFERENCE.format(model=one): REFERENCE.format(model=f"Named{one}") for one in ("Row", "Rows")
}


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


def describe(
    routes: Sequence[BaseRoute], model: str, champion: Champion | None, *, named: bool = False
) -> dict[str, Any]:
    """The OpenAPI description, with the rows that `champion` asks for and an example of one.

    Parameters
    ----------
    named
        Whether only what lies under the name of the model is described.
    """
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
    _say_who_may(description)
    return _of_the_named(description, model) if named else _of_all(description)


def _of_the_named(description: dict[str, Any], model: str) -> dict[str, Any]:
    """What is described of the paths under the name of this model, with that name in them."""
    paths = {
        path.replace(NAMED, f"/models/{model}/"): _without_name(methods)
        for path, methods in description["paths"].items()
        if path.startswith(NAMED)
    }
    return {**description, "paths": paths}


def _without_name(methods: dict[str, Any]) -> dict[str, Any]:
    return {
        method: {
            **route,
            "parameters": [one for one in route["parameters"] if one["name"] != "name"],
        }
        for method, route in methods.items()
    }


def _of_all(description: dict[str, Any]) -> dict[str, Any]:
    """The description, where the rows of a named model are whatever that model asks for."""
    told = "as /models/{name}/openapi.json describes it"
    description["components"]["schemas"] |= {
        "NamedRow": {"type": "object", "description": f"A row of that model, {told}"},
        "NamedRows": {"type": "object", "description": f"Rows of that model, {told}"},
    }
    for path, methods in description["paths"].items():
        for route in methods.values() if path.startswith(NAMED) else ():
            content = route.get("requestBody", {}).get("content", {}).get("application/json")
            if content and content["schema"]["$ref"] in ROWS:
                content["schema"] = {"$ref": ROWS[content["schema"]["$ref"]]}
    return description


def _say_who_may(description: dict[str, Any]) -> None:
    """Name the keys, the roles and the answers of those that have none of them."""
    description["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    content = {"application/json": {"schema": {"$ref": REFERENCE.format(model="Failure")}}}
    for path, methods in description["paths"].items():
        for method, route in methods.items() if path not in OPEN else ():
            route["security"] = [{"key": []}, {"bearer": []}]
            roles = ROLES.get(f"{method.upper()} {path}")
            if roles:
                route["x-roles"] = sorted(roles)
            for status, what in REFUSALS.items():
                answer = {"description": what, "content": content}
                route["responses"].setdefault(status, answer)


def _schemas(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model and of those within it, by name."""
    schema = model.model_json_schema(ref_template=REFERENCE)
    return {**schema.pop("$defs", {}), schema["title"]: schema}
