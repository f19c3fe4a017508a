"""A hundred attacks at a time take neither the memory nor the places of a real service."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.faults.served import Served, make_project, serving, store_in
from tests.shell.serving.world import MODEL, ROW

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ATTACKS = 100
ALLOWED_MIB = 50
MIB = 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("attacked") / "project")


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    with serving(folder) as served:
        for _ in range(20):  # everything is imported and warm
            assert served.ask("POST", "/predict", json.dumps(ROW))[0] == 200
            assert served.ask("POST", "/predict", "{}")[0] == 422
        assert served.ask("POST", "/predict/batch", rows(1000))[0] == 200
        yield served


def rows(n: int) -> str:
    return json.dumps({"rows": [ROW] * n})


def filled(before: bytes, unit: bytes, after: bytes) -> bytes:
    n = (MIB - len(before) - len(after)) // len(unit)
    return before + (unit * n).removesuffix(b",") + after


BODIES = {
    "rows of nothing": ("/predict/batch", filled(b'{"rows":[', b"{},", b"]}")),
    "rows that are numbers": ("/predict/batch", filled(b'{"rows":[', b"1,", b"]}")),
    "labels of nothing": ("/labels", filled(b'{"labels":[', b"{},", b"]}")),
    "one key again and again": ("/predict", filled(b"{", b'"a":1,', b"}")),
    "many keys": ("/predict", b"{%b}" % b",".join(b'"%x":1' % i for i in range(90_000))),
    "a long key": ("/predict", filled(b'{"', b"k", b'":1}')),
    "lists in lists": ("/predict", b"[" * (MIB - 1)),
    "many rows with all wrong": (
        "/predict/batch",
        json.dumps({"rows": [{f"{i:x}": "x" for i in range(8)}] * 1000}).encode(),
    ),
}


def posted(served: Served, path: str, body: bytes) -> int:
    """The status of a post; 0 where the service closed before the end."""
    try:
        return served.ask("POST", path, body)[0]
    except OSError:
        return 0


def at_once(attack: Callable[[], int]) -> list[int]:
    with ThreadPoolExecutor(ATTACKS) as threads:
        return [one.result() for one in [threads.submit(attack) for _ in range(ATTACKS)]]


def test_bodies_that_cost_much_to_refuse(served: Served) -> None:
    before = served.memory_mib
    for name, (path, body) in BODIES.items():
        assert len(body) <= MIB
        statuses = set(at_once(partial(posted, served, path, body)))
        assert statuses <= {422, 503, 0}, name
        assert 422 in statuses, name
        assert served.most_memory_mib - before < ALLOWED_MIB, name

    assert served.ask("POST", "/predict", json.dumps(ROW))[0] == 200


def half_sent(served: Served, stack: ExitStack, size: int) -> list[socket.socket]:
    """Connections with a declared mebibyte of which only some came."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % MIB
    made = [stack.enter_context(served.connect()) for _ in range(ATTACKS)]
    for one in made:
        with suppress(OSError):
            one.sendall(head + b" " * size)
    return made


def answers(connections: Sequence[socket.socket]) -> list[bytes]:
    """What each connection hears until it is closed."""
    heard = []
    for one in connections:
        parts = []
        with suppress(ConnectionError):
            while part := one.recv(65536):
                parts.append(part)
        heard.append(b"".join(parts)[9:12])
    return heard


def test_bodies_that_never_end(served: Served) -> None:
    before = served.memory_mib
    with ExitStack() as stack:
        attackers = half_sent(served, stack, MIB - 1)
        meanwhile = served.ask("GET", "/health")[0]
        heard = answers(attackers)

    assert meanwhile == 200
    assert set(heard) <= {b"408", b"503", b""}
    assert {b"408", b"503"} <= set(heard)
    assert served.most_memory_mib - before < ALLOWED_MIB
    assert served.ask("POST", "/predict", json.dumps(ROW))[0] == 200


def test_heads_that_never_end(served: Served) -> None:
    before = served.memory_mib
    with ExitStack() as stack:
        attackers = [stack.enter_context(served.connect()) for _ in range(ATTACKS)]
        for one in attackers:
            one.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\na: " + b"b" * 10_000)
        meanwhile = served.ask("POST", "/predict", json.dumps(ROW))[0]
        heard = answers(attackers)

    assert meanwhile == 200
    assert set(heard) == {b"408"}
    assert served.most_memory_mib - before < ALLOWED_MIB


def test_more_connections_than_there_are_places(folder: Path) -> None:
    with (
        serving(folder, environ={"HOMEOSTAT_SERVING__MAX_CONNECTIONS": "50"}) as served,
        ExitStack() as stack,
    ):
        attackers = [stack.enter_context(served.connect()) for _ in range(ATTACKS)]
        heard = answers(attackers)  # the others are given up after 10 s
        after = served.ask("POST", "/predict", json.dumps(ROW))[0]

    assert sorted(set(heard)) == [b"408", b"503"]
    assert heard.count(b"408") in {49, 50}
    assert after == 200


def test_without_the_bound_the_memory_grows(folder: Path) -> None:
    """The control: what is measured does grow when bodies may be large."""
    environ = {"HOMEOSTAT_SERVING__MAX_BODY_BYTES": str(64 * MIB)}
    with serving(folder, environ=environ) as served:
        assert served.ask("POST", "/predict", json.dumps(ROW))[0] == 200
        before = served.memory_mib
        status = served.ask("POST", "/predict", b'{"%b":1}' % (b"k" * 40 * MIB))[0]

        assert status == 422
        assert served.most_memory_mib - before > ALLOWED_MIB


def test_nothing_of_an_attack_was_logged(folder: Path) -> None:
    with serving(folder) as served:
        with store_in(folder) as store:
            before = store.count_predictions(MODEL)
        for path, body in BODIES.values():
            assert posted(served, path, body) == 422
        with store_in(folder) as store:
            after = store.count_predictions(MODEL)

    assert before == after
    assert all("event" in json.loads(line) for line in served.log.splitlines())
