"""Real services on real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from starlette.types import ASGIApp

from homeostat.store import open_store
from tests.shell.serving.elsewhere_world import Drifting, write_project
from tests.shell.serving.world import World

START_S = 60.0

#: Serves an application for as long as it is entered; gives its URL.
Serve = Callable[[ASGIApp], AbstractContextManager[str]]


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def served(app: ASGIApp, port: int = 0) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on")
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert server.listens.wait(START_S)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def drifting(tmp_path: Path) -> Iterator[Drifting]:
    """The project of the document with its frozen baseline, by the clock of this machine."""
    settings = write_project(tmp_path)
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        world = Drifting(settings, store)
        world.now = datetime.now(UTC)
        world.freeze()
        yield world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Version 1 of a model of ours is in service."""
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        world = World(store, tmp_path / "models")
        world.promote(world.register(turn=1))
        yield world


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
