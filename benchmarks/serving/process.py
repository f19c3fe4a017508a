"""A server as a process of its own, with what it and its children use."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import QUIET, ROOT, last_line

__all__ = ["Running", "free_port", "running"]

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
STOP_S = 30.0

#: A row is answered by one thread in all servers.
SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Running:
    """A process group that serves."""

    pid: int
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """User and system seconds of the process and all that descend from it."""
        return sum(_stat(pid)[0] for pid in _tree(self.pid))

    def memory_mib(self) -> float:
        """Resident memory of all of them."""
        return sum(_stat(pid)[1] for pid in _tree(self.pid))

    def files(self) -> int:
        """Open files of all of them, connections not counted."""
        return sum(not one.startswith("socket:") for one in self._open())

    def sockets(self) -> int:
        """Open connections of all of them, and what they listen on."""
        return sum(one.startswith("socket:") for one in self._open())

    def _open(self) -> list[str]:
        return [one for pid in _tree(self.pid) for one in _handles(pid)]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str | Path],
    port: int,
    *,
    ready: str,
    environment: Mapping[str, str],
    wait_s: float = 120.0,
) -> Iterator[Running]:
    """The server, once `ready` answers with 200; stopped at the end, its children too."""
    log = ROOT / "build" / "bench-serving" / f"server-{port}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as said, _on_its_core():
        process = subprocess.Popen(
            [str(one) for one in command],
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **QUIET, **SINGLE, "PYTHONPATH": str(ROOT), **environment},
            start_new_session=True,
        )
    server = Running(process.pid, port, log)
    try:
        _wait(process, f"{server.url}{ready}", log, wait_s)
        yield server
    finally:
        _stop(process)
        os.sched_setaffinity(0, CORES)


@contextlib.contextmanager
def _on_its_core() -> Iterator[None]:
    """What is started here gets one core, and whoever loads it is left with the others.

    Else the load takes turns with the threads of the server, and how the kernel places them
    is what is measured.
    """
    if len(CORES) < 2:
        yield
        return
    os.sched_setaffinity(0, CORES[:1])
    try:
        yield
    except BaseException:
        os.sched_setaffinity(0, CORES)
        raise
    os.sched_setaffinity(0, CORES[1:])


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path, wait_s: float) -> None:
    end = time.monotonic() + wait_s
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1.0) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    why = f"ended with {process.returncode}" if process.returncode is not None else "is not ready"
    raise RuntimeError(f"{why}: {last_line(log.read_text(encoding='utf-8', errors='replace'))}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """First the server alone, as its operator would; then whatever is left of its group."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tree(root: int) -> list[int]:
    """The process and its descendants."""
    found, left = [], [root]
    while left:
        pid = left.pop()
        found.append(pid)
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                left += map(int, task.read_text(encoding="ascii").split())
    return found


def _stat(pid: int) -> tuple[float, float]:
    """Processor seconds, those of children that ended included, and resident MiB."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0, 0.0
    held = text.rpartition(")")[2].split()
    return sum(map(int, held[11:15])) * TICK_S, int(held[21]) * PAGE_MIB


def _handles(pid: int) -> list[str]:
    """What the open files of a process are."""
    found = []
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):  # closed meanwhile
            found.append(str(link.readlink()))
    return found
