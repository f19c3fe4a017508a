"""One story in a process of its own."""

import os
import sys
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import httpx
import polars as pl

from homeostat.cli.project import open_project
from homeostat.demo.rehearsal import Rehearsal
from homeostat.demo.stories import STORIES, Traffic
from homeostat.demo.summary import told

__all__ = ["Scene", "tell"]

TIMEOUT_S = 60.0  #: of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where a story takes place."""

    number: int  #: place in `STORIES`
    home: Path  #: folder of the project
    url: str  #: of the service
    clock_file: Path
    start: datetime  #: simulated, UTC
    traffic: Path  #: Parquet file of rows
    rows_a_day: int
    seed: int


def tell(scene: Scene, said: "Queue[tuple[int, str, Any]]") -> None:
    """Tell a story; every line, every day and the end of it go to `said`."""
    with (scene.home / "loop.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    story = STORIES[scene.number]
    traffic = Traffic(
        rows=pl.read_parquet(scene.traffic), rows_a_day=scene.rows_a_day, seed=scene.seed
    )
    with (
        httpx.Client(base_url=scene.url, timeout=TIMEOUT_S) as http,
        open_project(scene.home / "homeostat.yaml") as project,
    ):
        rehearsal = Rehearsal(
            project=project,
            http=http,
            clock_file=scene.clock_file,
            now=scene.start,
            told=lambda line: said.put((scene.number, "line", line)),
            passed=lambda: said.put((scene.number, "day", None)),
        )
        chapters = story.tell(rehearsal, traffic)
        said.put((scene.number, "end", told(story, rehearsal, chapters, scene.home)))
