"""A small project, made with the real commands, and the traffic of its simulated world."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import yaml

from homeostat.cli.app import main
from homeostat.cli.project import Project, open_project
from homeostat.cli.serve import build_door, build_services
from homeostat.loop import Loop, Turn
from homeostat.plan import Deployment
from homeostat.prediction import Label, Prediction
from homeostat.registry import Scorer
from homeostat.schema import Row
from homeostat.serving.app import create_app
from homeostat.serving.counting import Counting

MODEL = "loans"
START = datetime(2026, 3, 2, tzinfo=UTC)  #: a Monday; everything is in service from here on
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LABEL_DELAY = timedelta(days=1)

#: What differs from the defaults: quick to train, and small enough for a few thousand rows.
SETTINGS: dict[str, dict[str, Any]] = {
    "mlflow": {"tracking_uri": ""},
    "training": {"algorithm": "logistic_regression", "min_rows": 800},
    "verification": {"days": 3.0},
    "quality": {"search_segments": False},  # a logistic regression fits no corner of this world
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How rows come about."""

    income: float = 1.0  #: factor on all incomes
    intercept: float = -1.6  #: of the logit of a bad loan
    cook: float = 0.5  #: what being a cook adds to the logit
    unit: float | None = 1.0  #: in which the feed tells incomes; None: it tells nothing

    def draw(self, random: np.random.Generator, n: int) -> pl.DataFrame:
        """Rows with their label."""
        income = 2000 * self.income * np.exp(0.5 * random.normal(size=n))
        wealth, age = np.log(income / 2000) / 0.5, random.integers(18, 80, n)
        debt = random.exponential(0.5, n)
        job = random.choice(["clerk", "cook", "pilot"], n, p=[0.5, 0.3, 0.2])
        unknown = random.random(n) < 0.05
        logit = self.intercept - 1.4 * wealth + 1.2 * debt + self.cook * (job == "cook")
        bad = random.random(n) < 1 / (1 + np.exp(-logit))
        return pl.DataFrame(
            {
                "income": [None] * n if self.unit is None else np.round(income * self.unit, 2),
                "age": age,
                "debt": np.round(debt, 4),
                "job": [None if gone else one for gone, one in zip(unknown, job, strict=True)],
                "bad": bad.astype(int),
            },
            schema_overrides={"income": pl.Float64},
        )


QUIET = World()
#: Other rows, and another relation: a model of the quiet world does badly here.
CHANGED = World(income=1.6, intercept=0.2, cook=1.2)
#: Other rows, the same relation.
SHIFTED = World(income=1.6)
SILENT = World(unit=None)
CENTS = World(unit=100.0)


def in_cents(row: Row) -> bool:
    """Whether a row is one of `CENTS`: in the others nobody earns so much."""
    income = row["income"]
    return isinstance(income, float) and income > 30_000


def command(folder: Path, *arguments: object) -> int:
    """The exit code of `homeostat <arguments>` for the project in `folder`."""
    given = [*map(str, arguments), "--config", f"{folder / 'homeostat.yaml'}"]
    return homeostat(*given)


def homeostat(*arguments: object) -> int:
    """The exit code of `homeostat <arguments>`."""
    try:
        main([str(one) for one in arguments])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def make_project(folder: Path) -> None:
    """A project with a frozen reference and version 1 in service, by the commands people give."""
    folder.mkdir(parents=True)
    data, config = folder / "loans.csv", folder / "homeostat.yaml"
    QUIET.draw(np.random.default_rng(1), 3000).write_csv(data)
    assert homeostat("init", data, "--target", "bad", "--model", MODEL, "--output", config) == 0
    change_settings(folder, SETTINGS)
    for step in ("reference freeze", "model train", "model promote 1"):
        assert command(folder, *step.split(), "--as-of", START.isoformat()) == 0


def change_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Merge some settings into the file of a project."""
    config = folder / "homeostat.yaml"
    plain = yaml.safe_load(config.read_text())
    for part, values in settings.items():
        known = plain.get(part)
        plain[part] = {**known, **values} if isinstance(known, dict) else values
    config.write_text(yaml.safe_dump(plain, sort_keys=False))


@dataclass(kw_only=True)
class Town:
    """A project in its simulated world, with a clock that only it moves."""

    folder: Path
    project: Project
    now: datetime = START
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    rows_per_hour: int = 40
    due: list[tuple[datetime, list[Label]]] = field(default_factory=list)
    served: int = 0  #: rows so far, for their ids
    counting: Counting = field(default_factory=Counting)
    scorers: dict[int, Scorer] = field(default_factory=dict)

    @cached_property
    def loop(self) -> Loop:
        """That of the project, without the files that it writes."""
        return replace(self.project.loop, monitor=replace(self.project.monitor, folder=None))

    @property
    def stand(self) -> Deployment:
        """Where the model stands."""
        held = self.project.store.deployment(MODEL)
        assert held is not None
        return held

    @property
    def actions(self) -> list[tuple[str, int | None]]:
        """What was decided and the champion after it, oldest first, that by hand too."""
        decided = reversed(self.project.store.decisions(MODEL))
        return [(one.action.value, one.version_after) for one in decided]

    def answer(self, rows: Sequence[Row], *, at: Sequence[datetime]) -> list[Prediction]:
        """The rows as the service would answer, count and store them."""
        asked = self.scored(rows, at=at)
        assert self.project.store.add_predictions(asked, self.counting) == asked
        return asked

    def scored(self, rows: Sequence[Row], *, at: Sequence[datetime]) -> list[Prediction]:
        """The rows with the champion's answers, not stored."""
        number = self.stand.champion
        assert number is not None
        if number not in self.scorers:
            scorer = self.scorers[number] = self.project.bench.scorer(number)
            reference = self.project.store.reference(MODEL, scorer.version.reference_digest)
            self.counting.learn(self.project.model, number, reference.bins)
        scorer = self.scorers[number]
        first, self.served = self.served, self.served + len(rows)
        scores = scorer.probabilities(rows).tolist()
        return [
            Prediction(
                id=f"p{i:07}",
                model=MODEL,
                version=number,
                received_at=when,
                features=row,
                prediction=int(p >= scorer.version.threshold),
                probability=float(p),
                body_digest="0" * 64,
            )
            for i, (row, p, when) in enumerate(zip(rows, scores, at, strict=True), first)
        ]

    def serve(self, world: World, n: int, *, label: bool = True) -> list[Prediction]:
        """Rows of the next hour; their labels come a day later."""
        frame = world.draw(self.random, n)
        quarters = [self.now + timedelta(minutes=15) * (4 * i // n) for i in range(n)]
        stored = self.answer(frame.drop("bad").to_dicts(), at=quarters)
        when = self.now + HOUR + LABEL_DELAY
        labels = [
            Label(prediction_id=one.id, value=value, received_at=when)
            for one, value in zip(stored, frame["bad"].to_list(), strict=True)
        ]
        if label:
            self.due.append((when, labels))
        return stored

    def pass_time(self, span: timedelta) -> None:
        """Move the clock; labels that are due by then come in."""
        self.now += span
        for _, labels in (one for one in self.due if one[0] <= self.now):
            self.project.store.add_labels(labels)
        self.due = [one for one in self.due if one[0] > self.now]

    def turn(self) -> Turn:
        """One turn of the loop, now."""
        return self.loop.turn(now=self.now)

    def live(self, world: World, hours: int, *, every: int = 4, label: bool = True) -> list[Turn]:
        """Some hours of this world, with a turn of the loop after every so many of them."""
        turns = []
        for i in range(hours):
            self.serve(world, self.rows_per_hour, label=label)
            self.pass_time(HOUR)
            if (i + 1) % every == 0:
                turns.append(self.turn())
        return turns

    def live_until(self, world: World, action: str, *, hours: int = 240) -> list[Turn]:
        """Hours of this world until the loop takes `action`, which the last turn did."""
        turns: list[Turn] = []
        for _ in range(hours // 4):
            turns += self.live(world, 4)
            if turns[-1].action.value == action:
                return turns
        seen = [f"{one.observation.at:%d %H}h {one.action.value}" for one in turns]
        raise AssertionError(f"no {action} in {hours} hours: {', '.join(seen)}")


@asynccontextmanager
async def asking(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the project's service, which runs on the town's clock."""
    settings = town.project.settings
    services = build_services(settings, town.project.store, lambda: town.now)
    app = create_app(
        services,
        refresh_s=3600.0,
        max_batch=settings.serving.max_batch,
        door=build_door(settings, town.project.store),
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A point of a story, from which tests go on, each with a copy."""

    folder: Path
    now: datetime = START
    due: tuple[tuple[datetime, list[Label]], ...] = ()
    served: int = 0

    @contextmanager
    def resumed(self, folder: Path) -> Iterator[Town]:
        """The town as it was then, in the new `folder`."""
        shutil.copytree(self.folder, folder)
        with open_project(folder / "homeostat.yaml") as project:
            yield Town(
                folder=folder,
                project=project,
                now=self.now,
                due=list(self.due),
                served=self.served,
            )

    def followed(self, folder: Path, tell: Callable[[Town], object]) -> "Stage":
        """The stage after what `tell` tells."""
        with self.resumed(folder) as town:
            tell(town)
        return Stage(folder=folder, now=town.now, due=tuple(town.due), served=town.served)


@dataclass(frozen=True)
class Stages:
    """The stages of the story in which the world changes and the loop heals the model."""

    root: Path

    @cached_property
    def start(self) -> Stage:
        """Version 1 is in service; no traffic so far."""
        make_project(self.root / "start")
        return Stage(folder=self.root / "start")

    @cached_property
    def two(self) -> Stage:
        """Version 2 is trained too, on the same rows with another algorithm."""
        train = ("model", "train", "--algorithm", "hist_gradient_boosting")
        return self.start.followed(self.root / "two", lambda town: command(town.folder, *train))

    @cached_property
    def quiet(self) -> Stage:
        """Two days of traffic, of which one is labelled."""
        return self.start.followed(self.root / "quiet", lambda town: town.live(QUIET, 48))

    @cached_property
    def candidate(self) -> Stage:
        """The world changed, and version 2 is offered to the gates."""
        return self.quiet.followed(
            self.root / "candidate", lambda town: town.live_until(CHANGED, "RETRAIN")
        )

    @cached_property
    def verifying(self) -> Stage:
        """Version 2 is in service and watched."""
        return self.candidate.followed(
            self.root / "verifying", lambda town: town.live_until(CHANGED, "PROMOTE")
        )
