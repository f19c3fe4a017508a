"""Processes of the demo, all of them forked from one that has imported what they need.

Importing scikit-learn, skops and MLflow takes longer than most of what a process here does
with them, and there are a dozen processes.
"""

import contextlib
import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext
from pathlib import Path

from homeostat.errors import StateError, Unavailable

__all__ = ["forking", "run_command", "serving"]

PATIENCE_S = 60.0  #: for a service to start or to end


def forking() -> ForkServerContext:
    """Where processes are started from; its imports begin now, in the background."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["homeostat.demo.preloaded"])
    first = context.Process(target=int, daemon=True)
    threading.Thread(target=first.start, daemon=True).start()
    return context


def run_command(
    context: ForkServerContext | SpawnContext, home: Path, words: Sequence[str]
) -> None:
    """Run `homeostat <words>` in the folder `home`, as a process of its own.

    Raises
    ------
    StateError
        When it does not leave with 0; what it printed is in the message.
    """
    log = home / "commands.log"
    process = context.Process(target=_command, args=(home, list(words), log))
    process.start()
    process.join()
    if process.exitcode:
        said = log.read_text(encoding="utf-8")
        raise StateError(f"homeostat {' '.join(words)} left with {process.exitcode}:\n{said}")


@contextlib.contextmanager
def serving(context: ForkServerContext, home: Path, clock_file: Path) -> Iterator[str]:
    """The address of `homeostat serve` for the project in `home`, told to stop at the end."""
    log = home / "serve.log"
    words = ["serve", "--port", "0", "--clock-file", clock_file.name]
    process = context.Process(target=_command, args=(home, words, log), daemon=True)
    process.start()
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        process.join(PATIENCE_S)


def _command(home: Path, words: list[str], log: Path) -> None:
    from homeostat.cli.app import main

    with log.open("ab") as stream:
        for channel in (sys.stdout, sys.stderr):
            channel.flush()
            os.dup2(stream.fileno(), channel.fileno())
    os.chdir(home)
    main(words)


def _address(process: ForkServerProcess, log: Path) -> str:
    """Where the service listens, by its own log."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.is_alive():
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        for line in text.splitlines():
            if '"listening"' in line:
                event = json.loads(line)
                return f"http://{event['host']}:{event['port']}"
        time.sleep(0.02)
    raise Unavailable(f"the service did not start; see {log}")
