"""A PostgreSQL server that can be killed, and is started again."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

from homeostat.errors import Unavailable
from homeostat.store import Store, open_store
from tests.conftest import as_user, free_port


class Server:
    """A PostgreSQL server that waits for its disk, and can be killed."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries, self.folder, self.port = binaries, folder, free_port()
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None
        options = ["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        as_user(folder)([f"{binaries}/initdb", "-D", f"{folder}/data", *options])

    def start(self) -> None:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = {"user": "nobody", "extra_groups": []}
        # What is not written at a commit is written late, so that it is surely lost.
        settings = [
            *("-p", f"{self.port}", "-c", "wal_writer_delay=10s"),
            *("-c", "listen_addresses=127.0.0.1"),
            *("-c", f"unix_socket_directories={self.folder}", "-c", "shared_buffers=32MB"),
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [f"{self.binaries}/postgres", "-D", f"{self.folder}/data", *settings],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **user,
            )

    def wait(self) -> None:
        """Until it answers."""
        patiently(self.url).close()

    def kill(self) -> None:
        """All of its processes at once: the first is stopped, so that it starts no other."""
        assert self.process is not None
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGSTOP)
        children = children_of(self.process.pid)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait(30)
        for child in children:  # one that still holds the shared memory keeps the next from it
            while lives(child):
                Event().wait(0.005)


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in found.read_text().split()]


def lives(pid: int) -> bool:
    """Whether a process has not ended, whether or not anybody took note of its end."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def patiently(url: str) -> Store:
    """The store as soon as the server answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return open_store(url)
        except Unavailable:
            if time.monotonic() > deadline:
                raise
            Event().wait(0.02)
