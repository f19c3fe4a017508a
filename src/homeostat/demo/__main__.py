"""`python -m homeostat.demo [DATA]`: four stories of a credit-risk model."""

import contextlib
import json
import multiprocessing
import os
import queue
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from homeostat.cli.settings_source import ALIASES
from homeostat.demo.credit import CREDIT_TARGET, credit_frame, read_credit
from homeostat.demo.processes import forking, run_command, serving
from homeostat.demo.rehearsal import set_clock
from homeostat.demo.screen import Screen
from homeostat.demo.stories import STORIES
from homeostat.demo.summary import Told
from homeostat.demo.telling import Scene, tell
from homeostat.errors import HomeostatError, StateError

__all__ = ["main"]

SEED = 7
START = datetime(2026, 1, 5, tzinfo=UTC)
FILE_ROWS = 50_000  #: rows that the model begins with; the others are its traffic
ROWS_A_DAY = 1_600
AT_ONCE = 2  #: stories told side by side
TRAFFIC = "traffic.parquet"

#: Settings of the demo that differ from what `homeostat init` writes: labels are plenty
#: and come after two days, so a promotion can be judged after three.
SETTINGS = {
    "HOMEOSTAT_TRAINING__MIN_ROWS": "4800",
    "HOMEOSTAT_TRAINING__REST_H": "36",
    "HOMEOSTAT_VERIFICATION__DAYS": "3",
    "LOG_LEVEL": "INFO",
    "OMP_NUM_THREADS": "1",
}


def main(arguments: list[str]) -> int:
    """Tell the stories, write demo/summary.json; 0 when each ended as it must."""
    _settle_environment()
    began = time.monotonic()
    folder = Path("demo")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    data = Path(arguments[0]) if arguments else None
    screen = Screen(Console(highlight=False))
    screen.open(data)
    context = forking()
    _prepare(context, folder, data, screen)
    tales = _tell_all(context, folder, screen)
    summary = {
        "data": data.name if data else "generated",
        "stories": [one.summary for one in tales],
        "reports": [one.summary["report"] for one in tales],
        "seconds": round(time.monotonic() - began, 1),
    }
    path = folder / "summary.json"
    path.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    problems = [problem for one in tales for problem in one.problems]
    screen.close(summary, problems, path)
    return 1 if problems else 0


def _settle_environment() -> None:
    """The settings of the demo, and none that somebody has set for a model of theirs."""
    for name in list(os.environ):
        if name in ALIASES or name.startswith("HOMEOSTAT_"):
            del os.environ[name]
    os.environ.update(SETTINGS)


def _prepare(context: ForkServerContext, folder: Path, data: Path | None, screen: Screen) -> None:
    """A deployed first version in demo/prepared, by the commands that a user would give."""
    rng = np.random.default_rng(SEED)
    frame = read_credit(data) if data else credit_frame(rng=rng)
    frame = frame[rng.permutation(len(frame)).tolist()]
    frame[:FILE_ROWS].write_csv(folder / "credit.csv")
    frame[FILE_ROWS:].write_parquet(folder / TRAFFIC)
    home = folder / "prepared"
    home.mkdir()
    at = ["--as-of", START.isoformat()]
    # The first two need little, so they do not wait for the imports of the others.
    spawning = multiprocessing.get_context("spawn")
    described = ["--target", CREDIT_TARGET, "--id", "Id", "--model", "credit"]
    for using, words in (
        (spawning, ["init", "../credit.csv", *described]),
        (spawning, ["reference", "freeze", *at]),
        (context, ["model", "train", *at]),
        (context, ["model", "promote", "1", "--reason", "the first version", *at]),
    ):
        with screen.step(f"homeostat {' '.join(words[:2])}"):
            run_command(using, home, words)


def _tell_all(context: ForkServerContext, folder: Path, screen: Screen) -> list[Told]:
    """Each story in its own copy of the project, with a service and a process of its own."""
    said: Any = context.Queue()
    ends: dict[int, Told] = {}
    waiting = [0, 2, 3, 1]  # the longest first
    running: dict[int, tuple[Any, contextlib.ExitStack]] = {}
    with _closing(running), screen.stories(STORIES) as show:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                number = waiting.pop(0)
                running[number] = _begin(context, folder, number, said)
                show.begin(number)
            _hear(said, show, ends)
            for number, (process, resources) in list(running.items()):
                if number in ends or not process.is_alive():
                    process.join()
                    _hear(said, show, ends)
                    resources.close()
                    del running[number]
                    show.end(number)
    lost = [STORIES[i].name for i in range(len(STORIES)) if i not in ends]
    if lost:
        raise StateError(f"broke off: {', '.join(lost)}; what is above says why")
    return [ends[i] for i in range(len(STORIES))]


@contextlib.contextmanager
def _closing(running: dict[int, tuple[Any, contextlib.ExitStack]]) -> Iterator[None]:
    """Stop the services of stories that are still under way at the end."""
    try:
        yield
    finally:
        for _, resources in running.values():
            resources.close()


def _begin(
    context: ForkServerContext, folder: Path, number: int, said: Any
) -> tuple[Any, contextlib.ExitStack]:
    home = folder / STORIES[number].name.replace(" ", "-")
    shutil.copytree(folder / "prepared", home)
    clock_file = home / "clock.txt"
    set_clock(clock_file, START)
    resources = contextlib.ExitStack()
    url = resources.enter_context(serving(context, home, clock_file))
    scene = Scene(
        number=number,
        home=home,
        url=url,
        clock_file=clock_file,
        start=START,
        traffic=folder / TRAFFIC,
        rows_a_day=ROWS_A_DAY,
        seed=SEED,
    )
    process = context.Process(target=tell, args=(scene, said), daemon=True)
    process.start()
    return process, resources


def _hear(said: Any, show: Any, ends: dict[int, Told]) -> None:
    """Show what was said meanwhile."""
    with contextlib.suppress(queue.Empty):
        while True:
            number, what, content = said.get(timeout=0.1)
            if what == "line":
                show.line(number, content)
            elif what == "day":
                show.day(number)
            else:
                ends[number] = content


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except HomeostatError as error:
        raise SystemExit(f"demo: {error}") from error
