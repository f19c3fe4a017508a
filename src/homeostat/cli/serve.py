"""`homeostat serve`: answer rows over HTTP."""

import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from homeostat.cli.clock import FileClock, system_clock
from homeostat.cli.elsewhere import build_elsewhere
from homeostat.cli.logs import configure_logs
from homeostat.cli.options import Config
from homeostat.cli.project import new_id
from homeostat.cli.settings import Settings, load_settings
from homeostat.errors import Unavailable, UserError

if TYPE_CHECKING:
    from homeostat.serving.service import Service
    from homeostat.store import Store

__all__ = ["build_service", "listening", "opened", "refuse_open_door", "run", "serve"]

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
    refuse_open_door(address[0], settings.serving.api_key)
    clock = FileClock(clock_file) if clock_file else system_clock
    clock()  # a broken clock file is told now, not with the first row
    with listening(*address) as listener, opened(settings) as store:
        run(settings, build_service(settings, store, clock), listener)


def refuse_open_door(host: str, api_key: str | None) -> None:
    """Refuse to listen beyond this machine when anyone could ask.

    Raises
    ------
    UserError
        When `host` is no loopback address and there is no key.

    Examples
    --------
    >>> refuse_open_door("127.0.0.1", None)
    >>> refuse_open_door("0.0.0.0", "")
    Traceback (most recent call last):
    homeostat.errors.UserError: no API key is set, so '0.0.0.0' would be open to everybody; ...
    """
    if not api_key and not _is_loopback(host):
        message = (
            f"no API key is set, so {host!r} would be open to everybody; set API_KEY "
            "(serving.api_key), or listen on 127.0.0.1"
        )
        raise UserError(message)


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
    """The store; closed at the end."""
    from homeostat.store import open_store

    with contextlib.closing(open_store(settings.store.url)) as store:
        yield store


def build_service(settings: Settings, store: "Store", clock: Callable[[], datetime]) -> "Service":
    """The service as the settings describe it."""
    from homeostat.registry import load_scorer
    from homeostat.serving.champion import Champions
    from homeostat.serving.counting import Counting
    from homeostat.serving.service import Service
    from homeostat.store import Writer

    counting = Counting()
    loader = partial(load_scorer, settings.artifacts.path)
    champions = Champions(store, loader, settings.model, counting)
    writer = Writer(store, counting, limit=settings.serving.queue)
    service = Service(store, writer, champions, clock=clock, new_id=new_id)
    service.open_paths = ("/metrics", "/monitor/metrics") if settings.serving.open_metrics else ()
    service.elsewhere = build_elsewhere(settings, store, clock)
    return service


def run(settings: Settings, service: "Service", listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then end in good order."""
    import structlog
    import uvicorn

    from homeostat.serving.app import create_app

    serving = settings.serving
    app = create_app(
        service,
        refresh_s=serving.refresh_s,
        max_batch=serving.max_batch,
        api_key=serving.api_key,
        predict_paths=serving.predict_paths,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            h11_max_incomplete_event_size=HEADER_BYTES,
            timeout_graceful_shutdown=DRAIN_S,
            backlog=BACKLOG,
        )
    )
    # uvicorn raises the signal again once it has ended in good order
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: None)
    host, port = listener.getsockname()[:2]
    structlog.get_logger().info("listening", host=host, port=port, model=settings.model)
    server.run(sockets=[listener])
