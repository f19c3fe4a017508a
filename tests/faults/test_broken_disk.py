"""A disk that fails, is full or slow: refused in time, nothing lost, and well again by itself."""

import os
import re
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port
from tests.faults.disk import need_strace
from tests.faults.service import ask, health, ids_in, project, serving, store_in, to_server

pytestmark = pytest.mark.slow

SYNCS = "fsync,fdatasync"


def waited(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether it holds in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def strace(log: Path, *inject: str) -> list[str]:
    """A command that runs another one and breaks some of its calls."""
    calls = ["-e", f"trace=openat,sendto,sendmsg,write,writev,{SYNCS}", "-e", "signal=none"]
    options = ["-D", "-f", "--seccomp-bpf", "-qq", "-o", f"{log}", *calls]
    return [need_strace(), *options, *(part for one in inject for part in ("-e", one))]


# A sync that fails.

KEEPS_ITS_FILES = """
from homeostat.store.engine import Database
Database._hang_up = lambda self: None
"""


def opened_anew(log: Path) -> bool:
    """Whether the log of the store was opened between a failed sync and the next answer."""
    lines = iter(log.read_text().splitlines())
    for line in lines:
        if "EIO" in line and "INJECTED" in line:
            break
    else:
        pytest.fail("no sync failed")
    opened = False
    for line in lines:
        opened = opened or bool(re.search(r"openat\(.*homeostat\.db-wal", line))
        if '"HTTP/1.1 200' in line:
            return opened
    return pytest.fail("nothing was answered after the sync that failed")


def failing_syncs(folder: Path, first: str) -> tuple[list[int], list[str]]:
    """The statuses of rows while one sync fails, and the ids that were answered 200."""
    port, log = free_port(), folder / "calls"
    command = strace(log, f"inject={SYNCS}:error=EIO:when=25")
    statuses: list[int] = []
    answered = []
    with (
        serving(folder, port, within=command, first=first),
        closing(to_server(port)) as connection,
    ):
        for i in range(60):
            status, _, _ = ask(connection, f"{i}")
            statuses.append(status)
            if status != 200:
                status, _, _ = ask(connection, f"{i}")  # the same id again
            answered += [f"{i}"] * (status == 200)
        assert health(port)["status"] == "healthy"
    return statuses, answered


def test_after_a_failed_sync_the_file_is_opened_anew(folder: Path) -> None:
    statuses, answered = failing_syncs(folder, "")

    assert 503 in statuses
    assert set(statuses) == {200, 503}
    assert answered == [f"{i}" for i in range(60)]
    assert opened_anew(folder / "calls")
    with store_in(folder) as store:
        assert sorted(ids_in(store)) == sorted(answered)


def test_a_store_that_keeps_its_files_open_is_found_out(folder: Path) -> None:
    failing_syncs(folder, KEEPS_ITS_FILES)

    assert not opened_anew(folder / "calls")


# A full disk.


@dataclass
class Room:
    """A folder that can be filled up and freed."""

    folder: Path
    fill: Callable[["subprocess.Popen[bytes]"], None]
    free: Callable[["subprocess.Popen[bytes]"], None]


@contextmanager
def small_disk(folder: Path) -> Iterator[Room]:
    """A disk of 8 MiB of memory."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    filler = folder / "filler"

    def fill(_: "subprocess.Popen[bytes]") -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    try:
        yield Room(folder, fill, lambda _: filler.unlink())
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def limited_files(folder: Path) -> Iterator[Room]:
    """A limit on the size of files, for which nobody needs to be root."""
    unlimited = resource.RLIM_INFINITY

    def fill(process: "subprocess.Popen[bytes]") -> None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, unlimited))

    def free(process: "subprocess.Popen[bytes]") -> None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))

    yield Room(folder, fill, free)


@pytest.mark.parametrize("kind", [small_disk, limited_files])
def test_a_full_disk_is_503_and_well_again_when_it_has_room(
    tmp_path: Path, kind: Callable[[Path], Any]
) -> None:
    if kind is small_disk and os.geteuid() != 0:
        pytest.skip("only root mounts a disk; the other case needs no root")
    data = tmp_path / "data"
    data.mkdir()
    port = free_port()
    with kind(data) as room:
        project(tmp_path, f"sqlite:///{data / 'homeostat.db'}")
        answered: list[str] = []
        refused: list[str] = []
        with serving(tmp_path, port) as process, closing(to_server(port)) as connection:
            answered += [key for key in map(str, range(50)) if ask(connection, key)[0] == 200]
            room.fill(process)
            for i in range(50, 3000):
                begun = time.monotonic()
                status, _, headers = ask(connection, f"{i}")
                (answered if status == 200 else refused).append(f"{i}")
                if status != 200:
                    assert (status, headers["retry-after"]) == (503, "1")
                    assert time.monotonic() - begun < 1
                if len(refused) == 5:
                    break
            assert waited(lambda: health(port)["status"] == "unhealthy", 10)
            why = health(port)["message"]
            room.free(process)
            assert waited(lambda: health(port)["status"] == "healthy", 30)
            again = [ask(connection, key)[0] for key in refused]
            assert process.poll() is None
        with store_in(data) as store:
            held = ids_in(store)
            missing = store.flag("store:missing")

    assert len(answered) >= 50
    assert re.search("full|disk I/O", why)
    assert again == [200] * len(refused) == [200] * 5
    assert sorted(held) == sorted(answered + refused)
    assert missing is None


# A slow disk.


def under_load(folder: Path, queue: int) -> tuple[list[tuple[int, float, str | None]], list[str]]:
    """Status, seconds and Retry-After of 600 rows of 40 callers, and what is stored."""
    project(folder, queue=queue)
    port = free_port()
    command = strace(folder / "calls", f"inject={SYNCS}:delay_enter=200000")

    def call(caller: int) -> list[tuple[int, float, str | None]]:
        with closing(to_server(port)) as connection:
            seen = []
            for i in range(15):
                begun = time.monotonic()
                status, _, headers = ask(connection, f"{caller}/{i}")
                seen.append((status, time.monotonic() - begun, headers.get("retry-after")))
            return seen

    with serving(folder, port, within=command), ThreadPoolExecutor(40) as callers:
        seen = [one for some in callers.map(call, range(40)) for one in some]
    with store_in(folder) as store:
        return seen, ids_in(store)


def test_a_slow_disk_refuses_in_time_and_drops_nothing(tmp_path: Path) -> None:
    seen, held = under_load(tmp_path, queue=8)
    refused = [one for one in seen if one[0] != 200]

    assert len(refused) > 20
    assert {(status, retry) for status, _, retry in refused} == {(503, "1")}
    assert max(took for _, took, _ in refused) < 1
    assert len(held) == len(set(held)) == len(seen) - len(refused)


def test_without_a_limit_nobody_is_refused_and_all_wait(tmp_path: Path) -> None:
    seen, held = under_load(tmp_path, queue=5000)

    assert {status for status, _, _ in seen} == {200}
    assert len(held) == len(seen) == 600


def test_no_more_than_5000_may_wait_by_default() -> None:
    from homeostat.cli.settings_serving import ServingSettings

    assert ServingSettings().queue <= 5000
