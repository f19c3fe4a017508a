"""Processes that write are killed 100 times, and four of them write at once.

As with a killed service this finds faults of the process, not of the disk.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from homeostat.store import open_store
from homeostat.testing.store_samples import BINS, DAY, START

pytestmark = pytest.mark.slow

#: Forks a writer each time it is told to, and says when that one is dead.
WRITERS = """
import os, sys
from homeostat.store import open_store
from homeostat.testing.store_samples import count_minutes, sample_prediction

url, early = sys.argv[1], sys.argv[2] == "early"

def say(text):
    os.write(1, f"{text}\\n".encode())

def write(turn):
    store = open_store(url)
    for i in range(100_000):
        batch = [sample_prediction(f"{turn}/{i}/{k}") for k in range(3)]
        if early:
            say(f"{turn}/{i}/2")
        store.add_predictions(batch, count_minutes)
        if not early:
            say(f"{turn}/{i}/2")

for turn, _ in enumerate(sys.stdin):
    child = os.fork()
    if not child:
        say(f"pid {os.getpid()}")
        write(turn)
    os.waitpid(child, 0)
    say("dead")
"""


def kill(url: str, times: int, *, early: bool) -> set[str]:
    """What was acknowledged by writers that were killed at any moment."""
    chance = random.Random(7)
    said: set[str] = set()
    command = [sys.executable, "-c", WRITERS, url, "early" if early else "late"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for _ in range(times):
            writers.stdin.write(b"go\n")
            writers.stdin.flush()
            pid = int(writers.stdout.readline().split()[1])
            for _ in range(chance.randrange(40)):
                said.add(writers.stdout.readline().decode().strip())
            os.kill(pid, signal.SIGKILL)
            while (line := writers.stdout.readline()) != b"dead\n":
                said.add(line.decode().strip())
        writers.stdin.close()
        assert writers.wait(60) == 0
    return said


def test_no_kill_loses_what_was_acknowledged(store_url: str) -> None:
    times = 100 if store_url.startswith("sqlite") else 25
    said = kill(store_url, times, early=False)
    with open_store(store_url, create=False) as store:
        held = {one.id for page in store.iterate_predictions("m") for one in page}
        counted = store.window_profile("m", 1, BINS, START, START + DAY).n

    assert len(said) > 10 * times
    assert said <= held
    assert len(held) == counted == 3 * len({one.rpartition("/")[0] for one in held})


def test_a_writer_that_acknowledges_too_early_is_found_out(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'homeostat.db'}"
    open_store(url).close()
    said = kill(url, 30, early=True)
    with open_store(url, create=False) as store:
        held = {one.id for page in store.iterate_predictions("m") for one in page}

    assert said - held


#: 300 transactions of one process.
ONE_OF_FOUR = """
import sys
from homeostat.store import open_store
from homeostat.testing.store_samples import count_minutes, sample_prediction

with open_store(sys.argv[1]) as store:
    for i in range(300):
        store.add_predictions([sample_prediction(f"{sys.argv[2]}/{i}")], count_minutes)
"""

#: The same without homeostat: reads first and writes then, as a plain BEGIN allows.
DEFERRED = """
import sqlite3, sys

database = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
refused = 0
for i in range(300):
    try:
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM predictions").fetchall()
        database.execute("INSERT INTO flags VALUES (?, '')", [f"{sys.argv[2]}/{i}"])
        database.execute("COMMIT")
    except sqlite3.OperationalError:
        refused += 1
        database.execute("ROLLBACK") if database.in_transaction else None
print(refused)
"""


def four(code: str, where: str) -> list[str]:
    """What four processes print that run at the same time."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, where, f"{i}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(4)
    ]
    ended = [one.communicate(timeout=300) for one in running]
    assert [one.returncode for one in running] == [0] * 4, ended
    return [out for out, _ in ended]


def test_four_processes_write_without_one_refusal(store_url: str) -> None:
    open_store(store_url).close()
    four(ONE_OF_FOUR, store_url)

    with open_store(store_url) as store:
        assert store.count_predictions("m") == 1200
        assert store.window_profile("m", 1, BINS, START, START + DAY).n == 1200


def test_transactions_that_read_first_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    open_store(f"sqlite:///{file}").close()
    refused = sum(map(int, four(DEFERRED, str(file))))

    assert refused > 0
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM flags").fetchone() == (1200 - refused,)
