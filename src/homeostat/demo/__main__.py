"""`python -m homeostat.demo [DATA]`: four stories of a credit-risk model."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from homeostat.demo.credit import CREDIT_TARGET, credit_frame, read_credit
from homeostat.demo.rehearsal import rehearse
from homeostat.demo.screen import Screen
from homeostat.demo.stories import STORIES, Story, Traffic
from homeostat.demo.summary import Told, told

__all__ = ["main"]

SEED = 7
START = datetime(2026, 1, 5, tzinfo=UTC)
FILE_ROWS = 100_000  #: rows that the model begins with; the others are its traffic
ROWS_A_DAY = 2_000

#: Settings of the demo that differ from what `homeostat init` writes: labels are plenty
#: and come after three days, so a promotion can be judged after five.
SETTINGS = {
    "HOMEOSTAT_TRAINING__MIN_ROWS": "4000",
    "HOMEOSTAT_VERIFICATION__DAYS": "5",
    "LOG_LEVEL": "ERROR",
    "OMP_NUM_THREADS": "2",
}


def main(arguments: list[str]) -> int:
    """Tell the stories, write demo/summary.json; 0 when each ended as it must."""
    os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})
    began = time.monotonic()
    folder = Path("demo")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    data = Path(arguments[0]) if arguments else None
    screen = Screen(Console(highlight=False))
    screen.open(data)
    traffic = _prepare(folder, data, screen)
    tales = [_tell(story, folder, traffic, screen) for story in STORIES]
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


def _prepare(folder: Path, data: Path | None, screen: Screen) -> Traffic:
    """A deployed first version in demo/prepared, by the commands that a user would give."""
    rng = np.random.default_rng(SEED)
    frame = read_credit(data) if data else credit_frame(rng=rng)
    frame = frame[rng.permutation(len(frame)).tolist()]
    frame[:FILE_ROWS].write_csv(folder / "credit.csv")
    home = folder / "prepared"
    home.mkdir()
    at = ["--as-of", START.isoformat()]
    for words in (
        ["init", "../credit.csv", "--target", CREDIT_TARGET, "--id", "Id", "--model", "credit"],
        ["reference", "freeze", *at],
        ["model", "train", *at],
        ["model", "promote", "1", "--reason", "the first version", *at],
    ):
        with screen.step(f"homeostat {' '.join(words[:2])}"):
            _command(home, words)
    return Traffic(rows=frame[FILE_ROWS:], rows_a_day=ROWS_A_DAY, seed=SEED)


def _command(home: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "homeostat.cli.app", *words]
    done = subprocess.run(  # noqa: S603  # our own command
        command, cwd=home, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"homeostat {' '.join(words)} failed:\n{done.stdout}{done.stderr}")


def _tell(story: Story, folder: Path, traffic: Traffic, screen: Screen) -> Told:
    home = folder / story.name.replace(" ", "-")
    shutil.copytree(folder / "prepared", home)
    with (
        screen.story(story) as said,
        rehearse(home, start=START, told=said) as scene,
    ):
        chapters = story.tell(scene, traffic)
        return told(story, scene, chapters, home)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
