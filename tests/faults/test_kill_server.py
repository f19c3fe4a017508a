"""A service that is killed again and again loses nothing that it answered.

This finds faults of the process.  It proves nothing about the disk: what the kernel holds
survives the death of a process.
"""

import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest

from homeostat.store import Store
from tests.conftest import free_port
from tests.faults.service import START_S, post, serving, store_in, to_server
from tests.shell.serving.world import MODEL

pytestmark = pytest.mark.slow

ROUNDS = 20
ANSWERS = 60  #: rows answered in a round before the kill
BATCH = 7


class Load:
    """Callers that ask as fast as they are answered, until the service is gone."""

    def __init__(self, port: int, turn: int) -> None:
        self.port, self.turn = port, turn
        self.answers: dict[str, Any] = {}
        self.broken = 0  #: requests that were sent and never answered
        self.changed = Condition()
        self.threads = [Thread(target=self._ask, args=(i, 1 if i < 3 else BATCH)) for i in range(5)]

    def run_until_killed(self, process: "subprocess.Popen[bytes]") -> None:
        for one in self.threads:
            one.start()
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.answers) >= ANSWERS, START_S)
        process.send_signal(signal.SIGKILL)
        for one in self.threads:
            one.join()

    def _ask(self, caller: int, size: int) -> None:
        connection = to_server(self.port)
        try:
            for i in range(1_000_000):
                ids = [f"{self.turn}-{caller}-{i}-{j}" for j in range(size)]
                answers = post(connection, ids)
                with self.changed:
                    self.answers |= {one["prediction_id"]: one for one in answers}
                    self.changed.notify()
        except (OSError, HTTPException):
            with self.changed:
                self.broken += 1
        finally:
            connection.close()


def test_nothing_that_was_answered_is_lost(folder: Path) -> None:
    port = free_port()
    answered: dict[str, Any] = {}
    broken = 0
    for turn in range(ROUNDS):
        with serving(folder, port) as process:
            load = Load(port, turn)
            load.run_until_killed(process)
        answered |= load.answers
        broken += load.broken

    with store_in(folder) as store:
        stored = [one for some in store.iterate_predictions(MODEL) for one in some]
        counted = rows_counted(store)
    by_id = {one.id: one for one in stored}
    assert len(answered) >= ROUNDS * ANSWERS
    assert broken >= ROUNDS, "no request was under way when the service was killed"
    assert not answered.keys() - by_id.keys()
    assert len(by_id) == len(stored)
    assert {key: by_id[key].probability for key in answered} == {
        key: one["probability"] for key, one in answered.items()
    }
    assert counted == len(stored)
    assert whole_batches(by_id)
    with closing(sqlite3.connect(folder / "homeostat.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_sigterm_ends_in_good_order(folder: Path) -> None:
    port = free_port()
    with serving(folder, port) as process:
        with closing(to_server(port)) as connection:
            answers = [post(connection, [f"{i}"])[0] for i in range(10)]
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    with store_in(folder) as store:
        stored = {one.id for some in store.iterate_predictions(MODEL) for one in some}
    log = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    assert code == 0
    assert stored == {one["prediction_id"] for one in answers}
    assert all("event" in one for one in log)


def rows_counted(store: Store) -> int:
    """How many rows the profiles hold, over all time."""
    version = store.version(MODEL, 1)
    bins = store.reference(MODEL, version.reference_digest).bins
    [newest] = store.recent_predictions(MODEL, 1)
    since, until = newest.received_at - timedelta(days=1), newest.received_at + timedelta(days=1)
    return store.window_profile(MODEL, 1, bins, since, until).n


def whole_batches(stored: dict[str, Any]) -> bool:
    """Whether of each batch all rows are stored, or none."""
    parts: dict[str, int] = {}
    for key in stored:
        request, _, _ = key.rpartition("-")
        parts[request] = parts.get(request, 0) + 1
    return set(parts.values()) == {1, BATCH}
