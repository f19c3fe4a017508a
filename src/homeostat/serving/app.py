"""The service behind HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

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
from homeostat.serving.auth import KeyGuard, failure
from homeostat.serving.instruments import instrument
from homeostat.serving.metering import Metered
from homeostat.serving.routes import (
    docs,
    health,
    labels,
    metrics,
    model,
    monitor,
    monitoring,
    predict,
)
from homeostat.serving.service import Service

__all__ = ["STATUS", "create_app"]

log = structlog.get_logger()

#: The HTTP status of each class of errors; a class that is not named has its parent's.
STATUS: Mapping[type[HomeostatError], int] = MappingProxyType(
    {one: one.status for one in (UserError, NotFound, Conflict, Unavailable, StateError)}
)

METERED_EVERY_S = 1.0  #: how often the counts of requests are written down

RETRY_AFTER_S = 1  #: what is said with 503 when the error does not know better


def create_app(
    service: Service,
    *,
    refresh_s: float = 0.5,
    max_batch: int = 1000,
    api_key: str | None = None,
    predict_paths: Sequence[str] = (),
) -> FastAPI:
    """The application; entering its lifespan starts the writer and the refreshing.

    Parameters
    ----------
    service
        What it serves; its store stays open when the application ends.
    refresh_s
        Between two looks at what should be in service.
    max_batch
        Rows or labels in one request.
    api_key
        Asked for on every path but `/health`; None or empty asks for nothing.
    predict_paths
        Paths that answer as `/predict` does.
    """
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(service, refresh_s),
        exception_handlers={
            HomeostatError: _on_error,
            HTTPException: _on_http_error,
            RequestValidationError: _on_invalid,
            Exception: _on_surprise,
        },
    )
    app.state.service = service
    app.state.max_batch = max_batch
    for group in (health, model, predict, labels, monitoring, monitor, metrics, docs):
        app.include_router(group.router)
    for path in predict_paths:
        _refuse_taken(app, path)
        predict.answer_at(app, path)
    if api_key:
        app.add_middleware(KeyGuard, key=api_key, opened=service.open_paths)
    app.add_middleware(Metered, meter=service.meter, paths=("/predict", *predict_paths))
    instrument(app, service)
    return app


def _refuse_taken(app: FastAPI, path: str) -> None:
    """A path that answers something already cannot answer rows, too."""
    asked = {"type": "http", "method": "POST", "path": path, "root_path": "", "headers": []}
    if any(one.matches(asked)[0] is not Match.NONE for one in app.routes):
        message = f"serving.predict_paths: {path} answers something else already; choose another"
        raise UserError(message)


def _lifespan(
    service: Service, refresh_s: float
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        tasks = [
            asyncio.create_task(service.champions.run(refresh_s)),
            asyncio.create_task(service.meter.run(METERED_EVERY_S)),
        ]
        try:
            await service.champions.looked.wait()
            yield
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await service.meter.write()
            await service.elsewhere.stop()
            await service.stop()

    return lifespan


async def _on_error(_: Request, error: HomeostatError) -> Response:
    kinds = [kind for kind in type(error).__mro__ if kind in STATUS]
    status = STATUS[kinds[0]] if kinds else 500
    wait_s = getattr(error, "retry_after_s", RETRY_AFTER_S)
    headers = {"Retry-After": f"{max(1, round(wait_s))}"} if status == 503 else None
    if status >= 500:
        log.error("request failed", error=type(error).__name__, message=str(error))
    return failure(type(error).__name__, str(error), status, headers)


async def _on_http_error(_: Request, error: HTTPException) -> Response:
    name = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
    headers = dict(error.headers) if error.headers else None
    return failure(name, str(error.detail), error.status_code, headers)


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    problems = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return await _on_error(request, UserError("the request was refused", problems))


async def _on_surprise(request: Request, error: Exception) -> Response:
    """The outermost edge: nothing of an unforeseen error is told to the caller."""
    log.error("unforeseen error", path=request.url.path, exc_info=error)
    return failure("InternalServerError", "an unforeseen error; it stands in the log", 500)
