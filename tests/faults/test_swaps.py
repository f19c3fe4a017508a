"""The model changes 100 times under load: no request fails, no answer is of two versions.

And what is away when the service starts: a registry, which it does not ask, and PostgreSQL,
without which nothing can be kept.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest

from homeostat.registry import load_scorer
from homeostat.store import Store
from tests.conftest import free_port
from tests.faults.server import Server
from tests.faults.service import ask, health, ids_in, project, serving, store_in, to_server
from tests.shell.serving.world import MODEL, ROW, put_into_service, register

pytestmark = pytest.mark.slow

SWAPS = 100
VERSIONS = 4
BACK_S = 30.0

#: A service that scores with the version it first loaded, whatever it says.
TORN = """
from dataclasses import replace
from homeostat.serving.champion import Champions
load = Champions._load
first = []
def torn(self, number):
    champion = load(self, number)
    first.append(champion.scorer)
    return replace(champion, scorer=first[0])
Champions._load = torn
"""


@dataclass
class Callers:
    """Three callers that ask without a break, and note what they are answered."""

    port: int
    answers: list[tuple[int, str, float]] = field(default_factory=list)  #: status, version, score
    newest: str = ""  #: version of the newest answer
    ended: bool = False
    changed: Condition = field(default_factory=Condition)

    @contextmanager
    def asking(self) -> Iterator["Callers"]:
        threads = [Thread(target=self._ask, args=(i,)) for i in range(3)]
        for one in threads:
            one.start()
        try:
            yield self
        finally:
            self.ended = True
            for one in threads:
                one.join()

    def wait_for(self, version: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.newest == f"{version}", 30)

    def _ask(self, caller: int) -> None:
        with closing(to_server(self.port)) as connection:
            i = 0
            while not self.ended:
                status, body, _ = ask(connection, f"{caller}/{i}")
                i += 1
                with self.changed:
                    self.newest = body.get("model_version", "")
                    self.answers.append((status, self.newest, body.get("probability", -1.0)))
                    self.changed.notify_all()


def swap(folder: Path, swaps: int, first: str = "") -> tuple[Callers, dict[str, float], Store]:
    """The answers while the model is swapped, and what each version says of the row."""
    project(folder, refresh_s=0.02)
    port = free_port()
    store = store_in(folder)
    versions = [store.version(MODEL, 1)]
    versions += [register(store, folder / "models", turn=i) for i in range(2, VERSIONS + 1)]
    expected = {
        f"{one.number}": float(load_scorer(folder / "models", one).probabilities([ROW])[0])
        for one in versions
    }
    with serving(folder, port, first=first), Callers(port).asking() as callers:
        for i in range(1, swaps + 1):
            version = versions[i % VERSIONS]
            put_into_service(store, version)
            callers.wait_for(version.number)
    return callers, expected, store


def disagreeing(callers: Callers, expected: dict[str, float]) -> int:
    """How many answers are not what their version says."""
    return sum(
        status == 200 and abs(expected[version] - score) > 1e-9
        for status, version, score in callers.answers
    )


def test_a_hundred_swaps_fail_no_request_and_mix_no_versions(tmp_path: Path) -> None:
    callers, expected, store = swap(tmp_path, SWAPS)
    with closing(store):
        held = ids_in(store)

    assert len(set(expected.values())) == VERSIONS
    assert {status for status, _, _ in callers.answers} == {200}
    assert {version for _, version, _ in callers.answers} == set(expected)
    assert disagreeing(callers, expected) == 0
    assert len(held) == len(callers.answers) > SWAPS


def test_an_answer_of_two_versions_is_found_out(tmp_path: Path) -> None:
    callers, expected, store = swap(tmp_path, 6, TORN)
    store.close()

    assert disagreeing(callers, expected) > 0


@contextmanager
def black_hole() -> Iterator[tuple[str, list[str]]]:
    """The address of a registry that takes connections and never answers, and who came."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.append(connection)
                came.append("somebody")

        thread = Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", came
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in kept:
                one.close()


def test_a_registry_that_is_away_is_not_even_asked(folder: Path) -> None:
    port = free_port()
    with black_hole() as (address, came):
        begun = time.monotonic()
        variables = {"MLFLOW_TRACKING_URI": address}
        with serving(folder, port, variables=variables), closing(to_server(port)) as connection:
            status, answer, _ = ask(connection, "a")
            took = time.monotonic() - begun

        assert (status, answer["model_version"]) == (200, "1")
        assert took < BACK_S
        assert not came
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))):
            pass  # the negative control: who asks is seen
        deadline = time.monotonic() + 10
        while not came:
            assert time.monotonic() < deadline


@pytest.mark.postgres
def test_without_its_database_the_service_lives_says_so_and_recovers(
    tmp_path: Path, server: Server
) -> None:
    server.wait()
    project(tmp_path, server.url)
    server.kill()
    port = free_port()
    begun = time.monotonic()
    with serving(tmp_path, port, healthy=False) as process:
        started = time.monotonic() - begun
        away = health(port)
        status, refusal, headers = once(port, "a")
        server.start()
        server.wait()
        recovered = until_healthy(port, process)
        answered = [once(port, f"{i}")[0] for i in range(3)]
        server.kill()  # and away again, while it serves
        gone = once(port, "x")[0]
        unhealthy = health(port)["status"]
        server.start()
        server.wait()
        again = until_healthy(port, process)
        answered.append(once(port, "x")[0])

    assert started < BACK_S
    assert (away["status"], away["model_loaded"]) == ("unhealthy", False)
    assert "did not answer" in away["message"]
    assert (status, refusal["error"], headers["retry-after"]) == (503, "Unavailable", "1")
    assert (gone, unhealthy) == (503, "unhealthy")
    assert recovered < BACK_S
    assert again < BACK_S
    assert answered == [200] * 4


def once(port: int, key: str) -> tuple[int, Any, Mapping[str, str]]:
    """The answer over a connection of its own, which no pause has closed."""
    with closing(to_server(port)) as connection:
        return ask(connection, key)


def until_healthy(port: int, process: "subprocess.Popen[bytes]") -> float:
    """Seconds until the service is."""
    begun = time.monotonic()
    while health(port)["status"] != "healthy":
        assert process.poll() is None
        assert time.monotonic() - begun < BACK_S
        time.sleep(0.05)
    return time.monotonic() - begun


def test_a_second_service_on_one_file_is_refused(folder: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "homeostat.cli.app", "serve", "--port", "0"]
    with serving(folder, port):
        second = subprocess.run(
            [*command, "--config", f"{folder / 'homeostat.yaml'}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert health(port)["status"] == "healthy"
    with serving(folder, port):  # and after the first is gone, another one may
        pass

    assert second.returncode == 2
    assert "another service answers out of" in second.stderr
