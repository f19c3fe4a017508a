"""The four stories: what befalls the model, and what is to come of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from homeostat.actions import Order
from homeostat.decision import Action
from homeostat.demo.credit import CREDIT_TARGET, broken_units, changed_world, poisoned_labels
from homeostat.demo.rehearsal import Labels, Rehearsal
from homeostat.diagnosis import Cause
from homeostat.training import file_rows
from homeostat.verdict import Outcome

__all__ = [
    "STORIES",
    "Chapters",
    "Span",
    "Story",
    "Traffic",
    "bad_promotion",
    "feed_breaks",
    "labels_are_poisoned",
    "world_changes",
]

QUIET_DAYS = 2
BROKEN_DAYS = 2
HEALED_DAYS = 2
LONGEST_DAYS = 30  #: a story that has not come to its end by then has failed
POISONED = 0.35  #: share of labels flipped in the third story


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Rows that no version was trained on, and how many of them come in a day."""

    rows: pl.DataFrame
    rows_a_day: int
    seed: int

    def days(self) -> Iterator[pl.DataFrame]:
        """Day after day of rows drawn from the pool, without end."""
        rng = np.random.default_rng(self.seed)
        while True:
            picked = rng.choice(len(self.rows), self.rows_a_day, replace=False)
            yield self.rows[picked.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Rows served in [since, until), with the labels known at `as_of`; all UTC."""

    since: datetime
    until: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapters:
    """The parts of a story in which quality is measured."""

    before: Span
    during: Span
    after: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story with the end that it must come to."""

    name: str
    title: str
    tell: Callable[[Rehearsal, Traffic], Chapters]
    drift_outcome: Outcome
    diagnosis: frozenset[Cause]
    actions: tuple[Action, ...]  #: the loop's, in order
    champion_after: int


def world_changes(scene: Rehearsal, traffic: Traffic) -> Chapters:
    """The world changes and labels come late: a candidate is trained, proved, promoted."""
    days, rng = traffic.days(), np.random.default_rng(traffic.seed + 1)
    start, changed = _quiet(scene, days)
    for _ in _until(scene, Action.PROMOTE, Action.DISCARD):
        _day(scene, changed_world(next(days), rng=rng))
    remedied = scene.turned(Action.PROMOTE, Action.DISCARD)
    for _ in _until(scene, Action.SETTLE, Action.ROLL_BACK):
        _day(scene, changed_world(next(days), rng=rng))
    return _chapters(start, changed, remedied, scene.after)


def feed_breaks(scene: Rehearsal, traffic: Traffic) -> Chapters:
    """Incomes arrive in thousands for some days, then the feed is repaired."""
    days = traffic.days()
    start, changed = _quiet(scene, days)
    for _ in range(BROKEN_DAYS):
        _day(scene, broken_units(next(days)).with_columns(pl.col("MonthlyIncome").round()))
    remedied = scene.after
    for _ in range(HEALED_DAYS):
        _day(scene, next(days))
    scene.wait_for_labels()
    return _chapters(start, changed, remedied, scene.after)


def labels_are_poisoned(scene: Rehearsal, traffic: Traffic) -> Chapters:
    """The world changes, and a third of the labels are wrong until they are corrected."""
    days, rng = traffic.days(), np.random.default_rng(traffic.seed + 1)
    start, changed = _quiet(scene, days)
    truth: dict[str, int] = {}
    for _ in _until(scene, Action.PROMOTE, Action.DISCARD):
        frame = changed_world(next(days), rng=rng)
        labels = _labels(frame)
        ids = scene.day(frame, poisoned_labels(labels, share=POISONED, rng=rng))
        truth |= dict(zip(ids, labels.tolist(), strict=False))
    refused, told = scene.after, scene.now
    scene.let_pass(timedelta(hours=1))
    scene.label({key: value for key, value in truth.items() if key in scene.posted})
    return Chapters(
        before=Span(since=start, until=changed, as_of=told),
        during=Span(since=changed, until=refused, as_of=told),
        after=Span(since=changed, until=refused, as_of=scene.now),
    )


def bad_promotion(scene: Rehearsal, traffic: Traffic) -> Chapters:
    """Somebody trains on spoilt data and promotes by hand: it is noticed and taken back."""
    days = traffic.days()
    start, changed = _quiet(scene, days)
    _promote_spoilt(scene, next(days), seed=traffic.seed)
    for _ in _until(scene, Action.ROLL_BACK, Action.SETTLE):
        _day(scene, next(days))
    remedied = scene.turned(Action.ROLL_BACK, Action.SETTLE)
    for _ in range(HEALED_DAYS):
        _day(scene, next(days))
    scene.wait_for_labels()
    return _chapters(start, changed, remedied, scene.after)


STORIES = (
    Story(
        name="the world changes",
        title="The world changes, labels come two days late",
        tell=world_changes,
        drift_outcome=Outcome.FAIL,
        diagnosis=frozenset({Cause.COVARIATE_SHIFT, Cause.CONCEPT_DRIFT}),
        actions=(Action.RETRAIN, Action.PROMOTE, Action.SETTLE),
        champion_after=2,
    ),
    Story(
        name="a feed breaks",
        title="A feed breaks: incomes arrive in thousands",
        tell=feed_breaks,
        drift_outcome=Outcome.FAIL,
        diagnosis=frozenset({Cause.DATA_FAULT}),
        actions=(),
        champion_after=1,
    ),
    Story(
        name="labels are poisoned",
        title="The world changes, and a third of the labels are wrong",
        tell=labels_are_poisoned,
        drift_outcome=Outcome.FAIL,
        diagnosis=frozenset({Cause.COVARIATE_SHIFT, Cause.CONCEPT_DRIFT}),
        actions=(Action.RETRAIN, Action.DISCARD),
        champion_after=1,
    ),
    Story(
        name="a bad version is promoted",
        title="Somebody promotes a bad version by hand",
        tell=bad_promotion,
        drift_outcome=Outcome.PASS,
        diagnosis=frozenset({Cause.BAD_VERSION}),
        actions=(Action.ROLL_BACK,),
        champion_after=1,
    ),
)


def _quiet(scene: Rehearsal, days: Iterator[pl.DataFrame]) -> tuple[datetime, datetime]:
    start = scene.now
    for _ in range(QUIET_DAYS):
        _day(scene, next(days))
    return start, scene.after


def _day(scene: Rehearsal, frame: pl.DataFrame) -> None:
    scene.day(frame, _labels(frame))


def _labels(frame: pl.DataFrame) -> Labels:
    return frame[CREDIT_TARGET].to_numpy().astype(np.int64)


def _until(scene: Rehearsal, *ends: Action) -> Iterator[int]:
    """Days, until the loop has taken one of these actions or the story is too long."""
    seen = len(scene.turns)
    for day in range(LONGEST_DAYS):
        if any(turn.action in ends for turn in scene.turns[seen:]):
            return
        yield day


def _chapters(start: datetime, changed: datetime, remedied: datetime, end: datetime) -> Chapters:
    return Chapters(
        before=Span(since=start, until=changed, as_of=end),
        during=Span(since=changed, until=remedied, as_of=end),
        after=Span(since=remedied, until=end, as_of=end),
    )


def _promote_spoilt(scene: Rehearsal, frame: pl.DataFrame, *, seed: int) -> None:
    """Train a version on rows with shuffled targets, and put it into service by hand."""
    project = scene.project
    rows = project.baseline.training_frame()[-10_000:]
    rng = np.random.default_rng(seed)
    spoilt = rows.with_columns(rows[CREDIT_TARGET].shuffle(int(rng.integers(2**31))))
    made = file_rows(project.baseline, spoilt, "spoilt.csv")
    version = project.workshop.make(made, project.recipe(), now=scene.now)
    reason = "promoted by hand, without a look at the gates"
    project.actor.promote(version.number, Order(by="somebody", now=scene.now, reasons=(reason,)))
    scene.told(f"{scene.now:%d %b %H:%M}  version {version.number} promoted by hand")
    scene.wait_for(version.number, frame)
