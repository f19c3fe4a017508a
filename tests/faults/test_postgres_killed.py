"""PostgreSQL is killed with all its processes: nothing acknowledged is lost, and it is back.

A commit that PostgreSQL does not write to its log dies with the process, so this tells a
store that waits from one that does not, without a loss of power.
"""

import time
from itertools import count
from threading import Event, Thread
from typing import Self

import pytest

from homeostat.errors import Unavailable
from homeostat.store import Store
from homeostat.testing.store_samples import BINS, DAY, START, count_minutes, sample_prediction
from tests.faults.server import Server, patiently

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

KILLS = 15
BACK_S = 10.0  #: until the store answers again once the server runs


class Writing:
    """Two threads that write as fast as they are answered, and go on when it is back."""

    def __init__(self, store: Store, *, durable: bool) -> None:
        self.store, self.durable = store, durable
        self.said: set[str] = set()
        self.refused = 0
        self.ended = Event()
        self.threads = [Thread(target=self._write, args=(i,)) for i in range(2)]

    def __enter__(self) -> Self:
        for one in self.threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for one in self.threads:
            one.join()

    def wait_for(self, more: int, timeout_s: float) -> None:
        """Until so many more are acknowledged."""
        goal, deadline = len(self.said) + more, time.monotonic() + timeout_s
        while len(self.said) < goal:
            assert time.monotonic() < deadline, f"{len(self.said)} of {goal}"
            self.ended.wait(0.005)

    def _write(self, caller: int) -> None:
        for i in count():
            if self.ended.is_set():
                return
            keys = [f"{caller}/{i}/{k}" for k in range(5)]
            try:
                batch = [sample_prediction(key) for key in keys]
                self.store.add_predictions(batch, count_minutes, durable=self.durable)
            except Unavailable:
                self.refused += 1
            else:
                self.said.update(keys)


def kill_again_and_again(server: Server, *, durable: bool, kills: int) -> tuple[int, int, Writing]:
    """How many were acknowledged, and how many of them are lost."""
    with patiently(server.url) as store:
        with Writing(store, durable=durable) as writing:
            for _ in range(kills):
                writing.wait_for(100, 60)
                server.kill()
                server.start()
                patiently(server.url).close()
                writing.wait_for(1, BACK_S)
            writing.wait_for(1, BACK_S)
            server.kill()
        server.start()
        patiently(server.url).close()
        held = {one.id for page in store.iterate_predictions("m") for one in page}
        assert store.window_profile("m", 1, BINS, START, START + DAY).n == len(held)
    return len(writing.said), len(writing.said - held), writing


def test_no_kill_of_the_server_loses_what_was_acknowledged(server: Server) -> None:
    said, lost, writing = kill_again_and_again(server, durable=True, kills=KILLS)

    assert said > 100 * KILLS
    assert writing.refused > 0
    assert lost == 0


def test_a_commit_that_does_not_wait_is_lost_with_the_server(server: Server) -> None:
    _, lost, _ = kill_again_and_again(server, durable=False, kills=3)

    assert lost > 0
