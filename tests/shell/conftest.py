"""A project made with the real commands, once; each test gets a copy of one of its stages."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from homeostat.cli.settings_source import ALIASES
from tests.shell.project import Stages, Town


@pytest.fixture(autouse=True)
def process_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting comes in from the environment, and no log goes to a stream that is closed."""
    for name in ALIASES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """Made when they are asked for; never used themselves, only copied."""
    return Stages(tmp_path_factory.mktemp("stages"))


@pytest.fixture
def folder(start: Town) -> Path:
    """The project with version 1 in service and no traffic, for commands."""
    return start.folder


@pytest.fixture
def start(stages: Stages, tmp_path: Path) -> Iterator[Town]:
    with stages.start.resumed(tmp_path / "project") as town:
        yield town


@pytest.fixture
def two(stages: Stages, tmp_path: Path) -> Iterator[Town]:
    with stages.two.resumed(tmp_path / "project") as town:
        yield town


@pytest.fixture
def quiet(stages: Stages, tmp_path: Path) -> Iterator[Town]:
    with stages.quiet.resumed(tmp_path / "project") as town:
        yield town


@pytest.fixture
def candidate(stages: Stages, tmp_path: Path) -> Iterator[Town]:
    with stages.candidate.resumed(tmp_path / "project") as town:
        yield town


@pytest.fixture
def verifying(stages: Stages, tmp_path: Path) -> Iterator[Town]:
    with stages.verifying.resumed(tmp_path / "project") as town:
        yield town
