"""A project made with the real commands, once; each test gets a copy."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from homeostat.cli.settings_source import ALIASES
from tests.shell.project import Town, copied, make_project, town


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


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never used itself, only copied."""
    folder = tmp_path_factory.mktemp("template") / "project"
    make_project(folder)
    logging.root.handlers[:] = []
    structlog.reset_defaults()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A project with version 1 in service and no traffic."""
    return copied(template, tmp_path / "project")


@pytest.fixture
def place(folder: Path) -> Iterator[Town]:
    """The same, with its world around it."""
    with town(folder) as place:
        yield place
