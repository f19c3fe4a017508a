import json
import logging
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import structlog

from homeostat.cli.app import main
from homeostat.cli.clock import FileClock
from homeostat.cli.logs import configure_logs
from homeostat.cli.serve import SINGLE_THREADED, build_services
from homeostat.cli.settings import load_settings
from homeostat.errors import StateError
from homeostat.serving.app import create_app
from tests.shell.serving.world import CONFIG, ROW, World


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "homeostat.yaml"
    file.write_text(json.dumps(CONFIG))
    return file


@pytest.fixture(autouse=True)
def process_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command changes in its process does not outlive the test."""
    for name in SINGLE_THREADED:
        monkeypatch.setenv(name, "1")
    monkeypatch.delenv("API_KEY", raising=False)
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def failed(*options: str | Path) -> int | str | None:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as exit_:
        main(["serve", *map(str, options)])
    return exit_.value.code


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_open_door_is_refused(
    config: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = failed("--config", config, "--host", host)

    assert code == 2
    assert "API_KEY" in capsys.readouterr().err


def test_an_empty_key_is_no_key(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "")

    assert failed("--config", config, "--host", "0.0.0.0") == 2


def test_an_address_in_use_is_said(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = failed("--config", config, "--port", str(port))

    assert code == 4
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [None, "", "soon", "2026-03-01T12:30:15", "2026-13-01T12:30:15Z", b"\xff"],
    ids=["no file", "empty", "text", "no zone", "no such month", "not UTF-8"],
)
def test_a_broken_clock_file_is_no_start(
    config: Path, tmp_path: Path, content: str | bytes | None
) -> None:
    file = tmp_path / "now"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    assert failed("--config", config, "--clock-file", file) == 4
    with pytest.raises(StateError):
        FileClock(file)()


def test_a_clock_file_is_read_at_every_look(tmp_path: Path) -> None:
    file = tmp_path / "now"
    clock = FileClock(file)

    file.write_text("2026-03-01T12:30:15+02:00\n")
    first = clock()
    file.write_text("2027-03-01T12:30:15Z")
    second = clock()

    assert first == datetime(2026, 3, 1, 10, 30, 15, tzinfo=UTC)
    assert second == datetime(2027, 3, 1, 12, 30, 15, tzinfo=UTC)
    assert first.tzinfo == second.tzinfo == UTC


@pytest.mark.anyio
async def test_the_service_of_the_settings_keeps_to_the_clock_file(
    config: Path, tmp_path: Path, world: World
) -> None:
    file = tmp_path / "now"
    settings = load_settings(config, {})
    services = build_services(settings, world.store, FileClock(file))
    app = create_app(services, refresh_s=3600)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    file.write_text("2031-03-01T12:30:15Z")
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        answers = [(await client.post("/predict", json=ROW)).json() for _ in range(2)]
        file.write_text("no time")
        broken = await client.post("/predict", json=ROW)

    ids = [one["prediction_id"] for one in answers]
    assert {one["timestamp"] for one in answers} == {"2031-03-01T12:30:15Z"}
    assert ids[0][14] == "7"
    assert ids == sorted(set(ids))
    assert (broken.status_code, broken.json()["error"]) == (500, "StateError")
    assert world.store.count_predictions("credit") == 2


def test_every_line_of_the_log_is_json(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO")
    structlog.get_logger().info("ours\nforged", model="a\nb")
    structlog.get_logger().debug("too quiet")
    logging.getLogger("library").warning("theirs\n%s", "forged")
    try:
        json.loads("a\nb")
    except ValueError:
        structlog.get_logger().exception("with its traceback")
        logging.getLogger("library").exception("with its traceback too")

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [one["event"] for one in lines] == [
        "ours\nforged",
        "theirs\nforged",
        "with its traceback",
        "with its traceback too",
    ]
    assert all("JSONDecodeError" in one["exception"] for one in lines[2:])
    assert {one["level"] for one in lines} == {"info", "warning", "error"}


def test_threads_are_limited_before_libraries_are_loaded(config: Path) -> None:
    for name in SINGLE_THREADED:
        del os.environ[name]

    failed("--config", config, "--host", "0.0.0.0")

    assert [os.environ[name] for name in SINGLE_THREADED] == ["1"] * len(SINGLE_THREADED)
