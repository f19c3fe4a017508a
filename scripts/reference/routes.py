"""The page of the routes."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from homeostat.cli.serve import build_services
from homeostat.cli.settings import Settings
from homeostat.serving.app import create_app
from homeostat.serving.openapi import describe
from homeostat.store import open_store
from scripts.reference import Lines, table

__all__ = ["openapi", "routes"]


def routes() -> Lines:
    """Every route with what it takes and answers, from the OpenAPI description."""
    description = openapi()
    parts = description["components"]["schemas"]
    yield "# Routes\n"
    yield (
        "The service describes itself at `/openapi.json`, and for people at `/docs`; there the row "
        "has the features of the version in service.  Once there is a key every path but "
        "`/health` asks for one in the header `X-API-Key`, or in `Authorization` after `Bearer`; "
        "which roles it must have, one of those named, stands with each route, and the role "
        "`admin` has them all.  Times are UTC.\n"
    )
    yield (
        "Every error has the same body, [`Failure`](#failure), on every route; what each status "
        "means stands under [errors and exit codes](errors-and-exit-codes.md).\n"
    )
    for path, methods in description["paths"].items():
        for method, route in methods.items():
            yield from one_route(f"{method.upper()} {path}", route)
    yield "## Bodies\n"
    yield "### Row\n"
    yield (
        "An object with one key for each feature of the version that answers, which `/model/info` "
        "lists, and besides:\n"
    )
    yield table(("key", "type", "meaning"), ROW_KEYS)
    yield '### Rows\n\n`{"rows": [...]}` with at least one [Row](#row).\n'
    for name, schema in sorted(parts.items()):
        if name not in {"Row", "Rows"}:
            yield f"### {name}\n"
            yield f"{schema.get('description', '')}\n"
            yield table(("key", "type", "meaning"), keys_of(schema))


ROW_KEYS = [
    ("`prediction_id`", "text, optional", "1 to 128 printable ASCII characters; made if not given"),
    (
        "`split_key`",
        "text, optional",
        "rows with one key are answered by one version while a split runs; printable ASCII",
    ),
    ("`event_time`", "time, optional", "when it happened, with a zone; at most 30 days ago"),
]


def openapi() -> dict[str, Any]:
    """The description that a service without a model gives."""
    given = {"model": "credit", "target": {"column": "y"}, "data": {"path": "rows.csv"}}
    known = Settings.model_validate({**given, "features": {"x": {"kind": "number"}}})
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/homeostat.db")
        services = build_services(known, store, lambda: datetime.now(UTC))
        made = create_app(services)
        store.close()
    return describe(made.routes, "credit", None)


def one_route(title: str, route: dict[str, Any]) -> Lines:
    """What is said of one route."""
    yield f"## {title}\n"
    yield f"{route['description']}\n"
    if "x-roles" in route:
        yield f"Roles: {', '.join(f'`{one}`' for one in route['x-roles'])}.\n"
    rows = [
        (f"`{one['name']}`", one["in"], one.get("description", ""))
        for one in route.get("parameters", [])
    ]
    if "requestBody" in route:
        rows.append(("body", "JSON", link(content_schema(route["requestBody"]))))
    if rows:
        yield table(("parameter", "in", "meaning"), rows)
    statuses: dict[str, list[str]] = {}
    for status, one in sorted(route["responses"].items()):
        statuses.setdefault(link(content_schema(one)) or one["description"], []).append(status)
    yield table(("status", "body"), [(", ".join(codes), body) for body, codes in statuses.items()])


def content_schema(part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a JSON body."""
    found: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def link(schema: dict[str, Any]) -> str:
    """A link to the body that a schema refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return f"[{name}](#{name.lower()})" if name else ""


def keys_of(schema: dict[str, Any]) -> list[Sequence[str]]:
    """The rows for the keys of an object."""
    required = set(schema.get("required", []))
    return [
        (
            f"`{key}`",
            json_type(one) + ("" if key in required else ", optional"),
            one.get("description", ""),
        )
        for key, one in schema.get("properties", {}).items()
    ]


def json_type(schema: dict[str, Any]) -> str:
    """The type of a key, in words."""
    if "$ref" in schema:
        return link(schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(json_type(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {json_type(schema['items'])}"
    if schema.get("format") == "date-time":
        return "time"
    words = {"string": "text", "integer": "whole number", "null": "null", "object": "object"}
    kind = str(schema.get("type", "number or text"))
    return words.get(kind, kind)
