"""A service over a real store, asked over ASGI."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from homeostat.store import open_store
from tests.shell.serving.world import World, asking


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[World]:
    """Nothing is in service yet."""
    store = open_store(f"sqlite:///{tmp_path / 'homeostat.db'}")
    yield World(store, tmp_path / "models")
    store.close()


@pytest.fixture
def world(empty: World) -> World:
    """Version 1 is in service."""
    empty.promote(empty.register(turn=1))
    return empty


@pytest.fixture
async def client(world: World, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(world) as client:
        yield client
