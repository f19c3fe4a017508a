"""What the fault tests share with those of the service, and a server that can be killed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing, newest_binaries
from tests.faults.server import Server
from tests.faults.service import project
from tests.shell.conftest import anyio_backend, process_stays_as_it_was
from tests.shell.serving.conftest import empty, world
from tests.shell.store.conftest import store

__all__ = ["anyio_backend", "empty", "process_stays_as_it_was", "server", "store", "world"]


@pytest.fixture
def server() -> Iterator[Server]:
    binaries = newest_binaries()
    if binaries is None:
        missing("no PostgreSQL server: run scripts/services.sh")
    folder = Path(tempfile.mkdtemp(prefix="homeostat-pg-killed-"))
    made = Server(binaries, folder)
    made.start()
    yield made
    made.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a version in service."""
    return project(tmp_path)
