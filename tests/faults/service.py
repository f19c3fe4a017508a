"""The real service in a process of its own, and how it is asked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from homeostat.store import Store, open_store
from tests.shell.serving.world import CONFIG, ROW, put_into_service, register

START_S = 60.0


def project(folder: Path, url: str | None = None, **serving: Any) -> Path:
    """A project with a version in service, and these settings of the service."""
    url = url or f"sqlite:///{folder / 'homeostat.db'}"
    settings = {**CONFIG, "store": {"url": url}, "serving": serving}
    (folder / "homeostat.yaml").write_text(json.dumps(settings))
    with open_store(url) as store:
        put_into_service(store, register(store, folder / "models"))
    return folder


def store_in(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'homeostat.db'}")


def ids_in(store: Store) -> list[str]:
    return [one.id for page in store.iterate_predictions("credit") for one in page]


@contextmanager
def serving(  # all but the place go by name
    folder: Path,
    port: int,
    *,
    within: Sequence[str] = (),
    first: str = "",
    variables: Mapping[str, str] = MappingProxyType({}),
    healthy: bool = True,
) -> Iterator["subprocess.Popen[bytes]"]:
    """The real command, ready to answer.

    Parameters
    ----------
    within
        A command that runs it, such as strace with its options.
    first
        Python that is run before it, to break something for a negative control.
    variables
        Of the environment, besides those of this process.
    healthy
        Whether to wait until it is; else until it answers at all.
    """
    code = f"{first}\nfrom homeostat.cli.app import main\nmain()"
    command = [*within, sys.executable, "-c", code, "serve"]
    options = ["--config", str(folder / "homeostat.yaml"), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    # What `make .venv/.ok` has not compiled is compiled by the first of many starts only.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([*command, *options], stderr=log, env=environment)
    try:
        wait_for_health(port, process, healthy=healthy)
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for_health(port: int, process: "subprocess.Popen[bytes]", *, healthy: bool) -> None:
    while process.poll() is None:
        with suppress(OSError, HTTPException):
            state = health(port)["status"]
            assert state == "healthy" or not healthy, state
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)  # wakes up early when the process dies
    pytest.fail("the service ended before it could answer; see its log")


def to_server(port: int) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", port, timeout=START_S)


def health(port: int) -> Any:
    """What the service says of itself."""
    with closing(to_server(port)) as connection:
        connection.request("GET", "/health")
        return json.loads(connection.getresponse().read())


def post(connection: HTTPConnection, ids: list[str]) -> list[Any]:
    """The answers to rows with these ids: a batch, or one on its own."""
    rows = [{**ROW, "debt-ratio": len(one) / 10, "prediction_id": one} for one in ids]
    single = len(rows) == 1
    path, body = ("/predict", rows[0]) if single else ("/predict/batch", {"rows": rows})
    connection.request("POST", path, json.dumps(body))
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200, answer
    return [answer] if single else list(answer["predictions"])


def ask(connection: HTTPConnection, key: str, **more: Any) -> tuple[int, Any, Mapping[str, str]]:
    """The status, the body and the headers of the answer to one row."""
    connection.request("POST", "/predict", json.dumps({**ROW, "prediction_id": key, **more}))
    response = connection.getresponse()
    return response.status, json.loads(response.read()), dict(response.getheaders())
