"""The service behind HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from homeostat.errors import (
    Conflict,
    HomeostatError,
    NotFound,
    StateError,
    Unavailable,
    UserError,
)
from homeostat.serving.answers import Failure
from homeostat.serving.auth import Guard, KeyGuard, failure
from homeostat.serving.dependencies import NamedDep
from homeostat.serving.direct import Application, Direct
from homeostat.serving.door import Door
from homeostat.serving.headers import SAFE, SafeHeaders
from homeostat.serving.instruments import instrument
from homeostat.serving.metering import Metered
from homeostat.serving.metrics import Observed
from homeostat.serving.routes import (
    alerts,
    docs,
    health,
    history,
    labels,
    metrics,
    model,
    models,
    monitor,
    monitoring,
    predict,
)
from homeostat.serving.service import Service
from homeostat.serving.services import Services
from homeostat.serving.wire import Bodies

__all__ = ["STATUS", "create_app"]

log = structlog.get_logger()

#: The HTTP status of each class of errors; a class that is not named has its parent's.
STATUS: Mapping[type[HomeostatError], int] = MappingProxyType(
    {one: one.status for one in (UserError, NotFound, Conflict, Unavailable, StateError)}
)

SHADOWED_EVERY_S = 1.0  #: how often versions in the shadow are asked about new rows

METERED_EVERY_S = 1.0  #: how often the counts of requests are written down

UNKNOWN: dict[int | str, dict[str, Any]] = {code: {"model": Failure} for code in (404, 422)}

MODEL = "/models/{name}"  #: where a model is asked by its name

RETRY_AFTER_S = 1  #: what is said with 503 when the error does not know better


def create_app(
    services: Services,
    *,
    refresh_s: float = 0.5,
    max_batch: int = 1000,
    door: Door | None = None,
    predict_paths: Sequence[str] = (),
) -> Application:
    """The application; entering its lifespan starts the writer and the refreshing.

    Every model answers under ``/models/{name}``, the default one at the short paths, too.

    Parameters
    ----------
    services
        What it serves; their store stays open when the application ends.
    refresh_s
        Between two looks at what should be in service.
    max_batch
        Rows or labels in one request.
    door
        The keys that are asked for on every path but `/health`, and how much a request may
        bring; without it no key is asked for.
    predict_paths
        Paths that answer as `/predict` does, for the default model.
    """
    door = door or Door()
    app = Application(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(services, door, refresh_s),
        exception_handlers={
            HomeostatError: _on_error,
            HTTPException: _on_http_error,
            RequestValidationError: _on_invalid,
            Exception: _outermost,
        },
    )
    app.state.services = services
    app.state.max_batch = max_batch
    app.state.bodies = Bodies(door.max_body_bytes)
    for group in (
        health,
        predict,
        labels,
        monitoring,
        alerts,
        monitor,
        metrics,
        models,
        docs,
        history,
    ):
        app.include_router(group.router)
    app.include_router(model.router, prefix="/model")
    for group in (model, predict, labels, docs):
        app.include_router(group.router, prefix=MODEL, dependencies=[NamedDep], responses=UNKNOWN)
    for path in predict_paths:
        _refuse_taken(app, path)
        predict.answer_at(app, path)
    answering = _answering(services, predict_paths)
    guard = Guard(door, app.routes, predict_paths)
    observer = instrument(app, services)
    app.direct = Direct(
        services=answering,
        guard=guard,
        bodies=app.state.bodies,
        refuse=_refused,
        observer=observer,
    )
    app.add_middleware(KeyGuard, guard=guard)
    app.add_middleware(Metered, meters={path: one.meter for path, one in answering.items()})
    app.add_middleware(SafeHeaders)
    app.add_middleware(Observed, observer=observer, unrouted=frozenset(answering))
    return app


def _answering(services: Services, predict_paths: Sequence[str]) -> dict[str, Service]:
    """Who answers rows, by path."""
    named = {f"/models/{one.model}/predict": one for one in services}
    return named | dict.fromkeys(("/predict", *predict_paths), services.default)


def _refuse_taken(app: FastAPI, path: str) -> None:
    """A path that answers something already cannot answer rows, too."""
    asked = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    if any(one.matches(asked)[0] is not Match.NONE for one in app.routes):
        message = f"serving.predict_paths: {path} answers something else already; choose another"
        raise UserError(message)


def _lifespan(
    services: Services, door: Door, refresh_s: float
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.start()
        await door.ring.refresh()
        tasks = [
            asyncio.create_task(task)
            for one in services
            for task in (
                one.champions.run(refresh_s),
                one.meter.run(METERED_EVERY_S),
                one.shadowing.run(SHADOWED_EVERY_S),
                one.pulse.run(),
            )
        ]
        door.ring.succeeded = services.default.pulse.note("keys")
        tasks.append(asyncio.create_task(door.ring.run(door.refresh_s)))
        try:
            for one in services:
                await one.champions.looked.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await services.stop()

    return lifespan


async def _on_error(_: Request, error: HomeostatError) -> Response:
    kinds = [kind for kind in type(error).__mro__ if kind in STATUS]
    status = STATUS[kinds[0]] if kinds else 500
    wait_s = getattr(error, "retry_after_s", RETRY_AFTER_S)
    headers = {"Retry-After": f"{max(1, round(wait_s))}"} if status == 503 else None
    if status >= 500:
        log.error("request failed", error=type(error).__name__, message=str(error))
    return failure(type(error).__name__, str(error), status, headers)


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HomeostatError):
        return await _on_error(request, error)
    if isinstance(error, HTTPException):
        return await _on_http_error(request, error)
    return await _on_surprise(request, error)


async def _on_http_error(_: Request, error: HTTPException) -> Response:
    name = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
    headers = dict(error.headers) if error.headers else None
    return failure(name, str(error.detail), error.status_code, headers)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    problems = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return await _on_error(request, UserError("the request was refused", problems))


async def _on_surprise(request: Request, error: Exception) -> Response:
    """Nothing of an unforeseen error is told to the caller."""
    log.error("unforeseen error", path=request.url.path, exc_info=error)
    message = "an unforeseen error; it stands in the log"
    return failure("InternalServerError", message, 500)


async def _outermost(request: Request, error: Exception) -> Response:
    response = await _on_surprise(request, error)
    response.raw_headers.extend(SAFE)  # `SafeHeaders` is within
    return response
