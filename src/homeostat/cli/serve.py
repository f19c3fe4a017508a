"""`homeostat serve`: answer rows over HTTP."""

import contextlib
import gc
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from homeostat.cli.alerting import build_sender
from homeostat.cli.beginning import alert_of_missing, sole_service, warn_of_sqlite
from homeostat.cli.clock import FileClock, system_clock
from homeostat.cli.elsewhere import build_elsewhere
from homeostat.cli.logs import configure_logs
from homeostat.cli.options import Config
from homeostat.cli.project import Project, new_id
from homeostat.cli.settings import Settings, load_settings
from homeostat.cli.settings_serving import ServingSettings
from homeostat.cli.watching import liveness_policy
from homeostat.errors import NotFound, Unavailable, UserError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

    from homeostat.alerting import Alerting
    from homeostat.serving.door import Door
    from homeostat.serving.services import Services
    from homeostat.store import Store
    from homeostat.verdict import Verdict

__all__ = [
    "build_door",
    "build_services",
    "listening",
    "opened",
    "refuse_open_door",
    "run",
    "serve",
    "uvicorn_config",
]

DRAIN_S = 10  #: for requests under way when the service is told to stop
HEADER_BYTES = 16 * 1024
BACKLOG = 2048  #: connections that wait to be accepted

#: Rows come one by one, and threads within one only wait for each other.
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def serve(
    config: Config = Path("homeostat.yaml"),
    host: Annotated[str | None, Option(help="Address to listen on [default: settings].")] = None,
    port: Annotated[int | None, Option(help="0 takes a free one [default: settings].")] = None,
    clock_file: Annotated[
        Path | None,
        Option(
            help="Take the time from this file (ISO 8601 UTC, re-read when needed) instead of "
            "the system: for rehearsals on a simulated calendar."
        ),
    ] = None,
) -> None:
    """Answer rows over HTTP, with the version in service, until told to stop.

    SIGTERM and SIGINT let requests under way end for at most 10 s, and what was answered is
    in the store.  Exits with 0 then, 2 when the settings cannot be used, 4 when the store
    or the address cannot be had.
    """
    for name in SINGLE_THREADED:
        os.environ.setdefault(name, "1")
    settings = load_settings(config, os.environ)
    configure_logs(settings.log_level)
    address = (host or settings.serving.host, settings.serving.port if port is None else port)
    refuse_open_door(address[0], settings)
    clock = FileClock(clock_file) if clock_file else system_clock
    clock()  # a broken clock file is told now, not with the first row
    with listening(*address) as listener, opened(settings) as store:
        alert_of_missing(_alerting(settings, store, settings.model), now=clock())
        with _telling(settings, store, clock):
            run(settings, build_services(settings, store, clock), listener, store)


def refuse_open_door(host: str, settings: Settings) -> None:
    """Refuse to listen beyond this machine when anyone could ask, or listen in.

    Raises
    ------
    UserError
        When `host` is no loopback address and there is no key, or neither TLS nor a proxy
        that is said to end it.
    """
    if _is_loopback(host):
        return
    serving = settings.serving
    problems = []
    if not serving.api_key and not _has_keys(settings.store.url):
        problems.append(
            "no API key is set, so it would be open to everybody: make one with "
            "`homeostat key create`, or set API_KEY (serving.api_key)"
        )
    if serving.tls_certificate is None and not serving.behind_proxy:
        problems.append(
            "keys and rows would be sent in the clear: set serving.tls_certificate and "
            "serving.tls_key, or serving.behind_proxy: true where a proxy ends TLS"
        )
    if problems:
        message = f"the service does not listen on {host!r} like this; or listen on 127.0.0.1"
        raise UserError(message, problems)


def _has_keys(url: str) -> bool:
    """Whether there is a key in the store that was not revoked."""
    from homeostat.store import open_store

    try:
        with contextlib.closing(open_store(url, create=False)) as store:
            kept = store.keys.all()
    except NotFound:
        return False
    return any(one.revoked_at is None for one in kept)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens; closed at the end.

    Raises
    ------
    Unavailable
        When the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error}") from error
    with listener:
        yield listener


@contextlib.contextmanager
def opened(settings: Settings) -> "Iterator[Store]":
    """The store, for this service alone if it is a file; closed at the end.

    A PostgreSQL server may be away: the service says so until it answers.
    """
    from homeostat.store import open_store

    url = settings.store.url
    warn_of_sqlite(url)
    with sole_service(url), contextlib.closing(open_store(url, patient=True)) as store:
        store.connect()
        yield store


def build_services(settings: Settings, store: "Store", clock: Callable[[], datetime]) -> "Services":
    """The services as the settings describe them."""
    from homeostat.registry import load_scorer
    from homeostat.serving.champion import Champions
    from homeostat.serving.counting import Counting
    from homeostat.serving.service import Service
    from homeostat.serving.services import Services
    from homeostat.store import Slack, Writer

    counting = Counting()
    loader = partial(load_scorer, settings.artifacts.path)
    slack = Slack(relaxed=settings.store.durability == "relaxed")
    writer = Writer(store, counting, limit=settings.serving.queue, slack=slack)
    services = [
        Service(
            store,
            writer,
            Champions(store, loader, name, counting),
            clock=clock,
            new_id=new_id,
        )
        for name in _models(settings)
    ]
    services[0].elsewhere = build_elsewhere(settings, store, clock)
    for one in services:
        # On a simulated calendar minutes are no measure of whether a process runs.
        pulse_s = settings.watch.pulse_s if clock is system_clock else None
        told = partial(_told, _alerting(settings, store, one.model), clock)
        one.keep_vigil(liveness_policy(settings), every_s=pulse_s, told=told)
    return Services(writer, services)


def _models(settings: Settings) -> Iterable[str]:
    return dict.fromkeys((settings.model, *settings.serving.models))


def _alerting(settings: Settings, store: "Store", model: str) -> "Alerting":
    return replace(Project(settings=settings, store=store).alerting, model=model)


@contextlib.contextmanager
def _telling(settings: Settings, store: "Store", clock: Callable[[], datetime]) -> Iterator[None]:
    """Alerts are sent as long as the block lasts.

    The service tells of a monitor that is dead, so it cannot leave the sending to that.
    """
    with contextlib.ExitStack() as senders:
        for model in _models(settings):
            alerting = _alerting(settings, store, model)
            senders.enter_context(build_sender(settings.alerts, alerting, clock).running())
        yield


def _told(
    alerting: "Alerting", clock: Callable[[], datetime], verdicts: Sequence["Verdict"]
) -> None:
    alerting.consider(verdicts, now=clock())


def build_door(settings: Settings, store: "Store") -> "Door":
    """What is asked of whoever comes in, as the settings describe it."""
    from homeostat.serving.door import Door
    from homeostat.serving.keyring import KeyRing

    serving = settings.serving
    figures = frozenset({"/metrics", "/monitor/metrics"})
    return Door(
        ring=KeyRing(serving.api_key, store.keys.all),
        open_paths=figures if serving.open_metrics else frozenset(),
        max_body_bytes=serving.max_body_bytes,
    )


def run(settings: Settings, services: "Services", listener: socket.socket, store: "Store") -> None:
    """Serve until SIGTERM or SIGINT, then end in good order."""
    import structlog
    import uvicorn

    from homeostat.serving.app import create_app

    serving = settings.serving
    app = create_app(
        services,
        refresh_s=serving.refresh_s,
        max_batch=serving.max_batch,
        door=build_door(settings, store),
        predict_paths=serving.predict_paths,
    )
    server = uvicorn.Server(uvicorn_config(app, serving))
    # uvicorn raises the signal again once it has ended in good order
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: None)
    host, port = listener.getsockname()[:2]
    structlog.get_logger().info("listening", host=host, port=port, model=settings.model)
    gc.collect()
    gc.freeze()  # what is there by now stays: the collector need not walk through it again
    server.run(sockets=[listener])


def uvicorn_config(app: "FastAPI", serving: ServingSettings) -> "uvicorn.Config":
    """How the application is served: no connection may take more than its share."""
    import uvicorn
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    from homeostat.serving.connections import Bounds, bounded

    bounds = Bounds(
        head_bytes=HEADER_BYTES,
        request_bytes=4 * serving.max_body_bytes,
        connections=serving.max_connections,
    )
    http: Any = bounded(AutoHTTPProtocol, bounds)
    tls: dict[str, Any] = {}
    if serving.tls_certificate is not None:
        tls = {"ssl_certfile": serving.tls_certificate, "ssl_keyfile": serving.tls_key}
    return uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here goes by the address of a caller
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=DRAIN_S,
        backlog=BACKLOG,
        **tls,
    )
