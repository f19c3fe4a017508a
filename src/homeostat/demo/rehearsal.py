"""A real service and a real loop on a simulated calendar."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.cli.project import Project
from homeostat.decision import Action
from homeostat.demo.credit import CREDIT_FEATURES
from homeostat.errors import Unavailable
from homeostat.loop import Turn

__all__ = ["LABEL_DELAY", "Labels", "Rehearsal", "set_clock"]

BATCH = 500  #: rows in one request
SINGLES = 1  #: rows of a quarter that are asked for one by one
QUARTERS = 4  #: parts of a day; the loop takes a turn after every second one
LABEL_DELAY = timedelta(days=2)  #: until the truth about a row is known
TICK = timedelta(microseconds=1)  #: between two times that the store tells apart
PATIENCE_S = 60.0  #: for the service to take up a version

Labels = NDArray[np.int64]


@dataclass
class Rehearsal:
    """A deployed model with its service, its traffic and its loop."""

    project: Project
    http: httpx.Client
    clock_file: Path
    now: datetime  #: simulated, UTC
    told: Callable[[str], None]  #: takes a line on what happens
    passed: Callable[[], None]  #: is called at the end of each day
    requests: int = 0
    failed_requests: int = 0
    turns: list[Turn] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)  #: ids of the labelled rows
    _due: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)

    def day(self, frame: pl.DataFrame, labels: Labels) -> list[str]:
        """One day of traffic, the labels that are due, and two turns of the loop; the ids."""
        asked = []
        size = -(-len(frame) // QUARTERS)
        for quarter in range(QUARTERS):
            self.let_pass(timedelta(days=1) / QUARTERS)
            part = slice(quarter * size, (quarter + 1) * size)
            ids = self.ask(frame[part].select(CREDIT_FEATURES).to_dicts())
            asked += ids
            truth = dict(zip(ids, labels[part].tolist(), strict=False))
            self._due.append((self.now + LABEL_DELAY, truth))
            self._label_what_is_due()
            if quarter % 2:
                self._turn(frame)
        self.passed()
        return asked

    def ask(self, rows: list[dict[str, Any]]) -> list[str]:
        """Have rows answered, a few one by one and the rest in batches; their ids."""
        ids = []
        for row in rows[:SINGLES]:
            answer = self._post("/predict", row)
            ids += [answer["prediction_id"]] if answer else []
        for i in range(SINGLES, len(rows), BATCH):
            answer = self._post("/predict/batch", {"rows": rows[i : i + BATCH]})
            ids += [one["prediction_id"] for one in answer["predictions"]] if answer else []
        return ids

    def label(self, truth: dict[str, int]) -> None:
        """Post labels now; another value than before is a correction."""
        labels = [{"prediction_id": key, "label": value} for key, value in truth.items()]
        for i in range(0, len(labels), BATCH):
            self._post("/labels", {"labels": labels[i : i + BATCH]})
        self.posted |= set(truth)

    @property
    def after(self) -> datetime:
        """Just after all that was served so far."""
        return self.now + TICK

    def turned(self, *actions: Action) -> datetime:
        """Just after the loop last took one of these actions; or now, when it never did."""
        times = [one.observation.at for one in self.turns if one.action in actions]
        return times[-1] + TICK if times else self.after

    def wait_for_labels(self) -> None:
        """Let the time pass without traffic until all labels are in."""
        self.let_pass(LABEL_DELAY)
        self._label_what_is_due()

    def let_pass(self, span: timedelta) -> None:
        """Let time pass without traffic."""
        self.now += span
        set_clock(self.clock_file, self.now)

    def _label_what_is_due(self) -> None:
        for when, truth in self._due:
            if when <= self.now:
                self.label(truth)
        self._due = [one for one in self._due if one[0] > self.now]

    def _turn(self, frame: pl.DataFrame) -> None:
        turn = self.project.loop.turn(now=self.now)
        self.turns.append(turn)
        day = f"{self.now:%d %b %H:%M}"
        for alert, change in turn.alerts:
            if change.value != "updated":
                self.told(
                    f"{day}  alert {change.value}: {turn.diagnosis.cause.value} ({alert.key})"
                )
        if turn.decision is not None:
            self.told(f"{day}  {turn.decision.action.value}")
            if turn.decision.version_after != turn.decision.version_before:
                self.wait_for(turn.decision.version_after, frame)

    def wait_for(self, version: int | None, frame: pl.DataFrame) -> None:
        """Ask row after row until `version` answers: simulated days are shorter than seconds."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for row in frame[:20].select(CREDIT_FEATURES).to_dicts():
                answer = self._post("/predict", row)
                if answer and answer["model_version"] == str(version):
                    return
        raise Unavailable(f"the service did not take up version {version} in {PATIENCE_S:g} s")

    def _post(self, path: str, body: object) -> dict[str, Any]:
        """The answer; empty when the request failed, which is counted."""
        self.requests += 1
        try:
            response = self.http.post(path, json=body)
        except httpx.TransportError as error:
            return self._failed(path, f"{type(error).__name__}: {error}")
        if not response.is_success:
            return self._failed(path, f"{response.status_code}: {response.text[:300]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _failed(self, path: str, why: str) -> dict[str, Any]:
        self.failed_requests += 1
        self.told(f"[red]{path} failed: {why}[/]")
        return {}


def set_clock(path: Path, now: datetime) -> None:
    """Write the simulated time, so that no reader sees half of it."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(now.isoformat(), encoding="utf-8")
    temporary.replace(path)
