"""A real project, served by the real command in a process of its own."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from homeostat.store import Store, open_store
from tests.shell.serving.world import CONFIG, put_into_service, register

START_S = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    """A service that answers, and what it is made of."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "serve.log").read_text()

    @property
    def memory_mib(self) -> float:
        """Resident at present."""
        return self._status("VmRSS")

    @property
    def most_memory_mib(self) -> float:
        """The most that was ever resident."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", text)
        assert found
        return int(found[1]) / 1024

    def connect(self, timeout_s: float = START_S) -> socket.socket:
        """A connection of one's own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Status and JSON of one request on a new connection."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=START_S)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            read = answer.read()
            if answer.headers.get_content_type() != "application/json":
                return answer.status, read.decode()
            return answer.status, json.loads(read) if read else None


def make_project(folder: Path, **settings: Any) -> Path:
    """A project with a version in service."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "homeostat.yaml").write_text(json.dumps({**CONFIG, **settings}))
    with store_in(folder) as store:
        put_into_service(store, register(store, folder / "models"))
    return folder


def store_in(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'homeostat.db'}")


@contextmanager
def serving(
    folder: Path, *options: str, environ: dict[str, str] | None = None, wait: bool = True
) -> Iterator[Served]:
    """The real command, ready to answer, on a port that it chose."""
    command = [sys.executable, "-m", "homeostat.cli.app", "serve"]
    chosen = ["--config", str(folder / "homeostat.yaml"), "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **(environ or {})}
    environment["PYTHONPYCACHEPREFIX"] = str(folder.parent / "bytecode")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen([*command, *chosen], stdout=log, stderr=log, env=environment)
    try:
        served = Served(folder, _port(folder, process), process)
        if wait:
            _wait_until_healthy(served)
        yield served
    finally:
        process.kill()
        process.wait()


def _port(folder: Path, process: "subprocess.Popen[bytes]") -> int:
    while process.poll() is None:
        for line in (folder / "serve.log").read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)  # wakes up early when the process dies
    pytest.fail(f"the service did not start: {(folder / 'serve.log').read_text()}")


def _wait_until_healthy(served: Served) -> None:
    while served.process.poll() is None:
        with suppress(OSError, HTTPException):
            if served.ask("GET", "/health")[0] == 200:
                return
        with suppress(subprocess.TimeoutExpired):
            served.process.wait(0.02)
    pytest.fail(f"the service ended before it could answer: {served.log}")
