"""What the rows of a version so far say: looked at once a second at most, not once a request."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field

from homeostat.errors import HomeostatError
from homeostat.policy import DriftPolicy, Severity, judge_drift, severity
from homeostat.profile import Profile
from homeostat.store import Store, minute_of
from homeostat.verdict import Outcome, Verdict

__all__ = ["Judged", "Judgement", "Judging", "JudgingPolicy", "Stream"]

MINUTE = timedelta(minutes=1)

FRESH_S = 1.0  #: age up to which a judgement is not made again

#: Age up to which it is answered while the next one is made; beyond, the caller waits for it.
STALE_S = 10.0

#: Judgements that are kept: of all versions that are told apart, and the rest.
MOST_HELD = 101

_RANK = {Severity.NONE: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class Judgement(BaseModel):
    """What the rows of one version so far look like beside the baseline."""

    drift_detected: bool | None = Field(description="null when it cannot be told (yet)")
    drift_score: float | None = Field(description="the largest of the features; null as above")
    severity: str = Field(description="none, warning or critical, by the PSI of what drifted")
    feature_scores: Mapping[str, float | None] = Field(
        description="PSI of each feature; null where it was not measured"
    )
    timestamp: datetime = Field(description="UTC, when the rows were looked at")
    outcome: str = Field(description="PASS, FAIL, INCONCLUSIVE (too few rows) or ERROR")
    reason: str = Field(description="with the number seen and the number asked")
    n: int | None = Field(description="rows looked at; null when they could not be")
    model_version: str = Field(description="that the rows were counted under")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgingPolicy:
    """What is looked at, and when it is a drift."""

    drift: DriftPolicy = field(default_factory=DriftPolicy)
    lookback: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Stream:
    """The rows of one version, as they are counted."""

    name: str  #: under which the profiles are kept
    number: int
    version: str  #: as it is told


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement with how bad it is, and when it was made."""

    told: Judgement
    severity: Severity
    made_at: float  #: seconds of the monotonic clock


class Judging:
    """Judges the windows of versions, each at most once in `FRESH_S`.

    Parameters
    ----------
    store
        Where the profiles are.
    clock
        The time, UTC.
    policy
        When a difference is a drift.
    changed
        Is told of each judgement that is not as bad as the one before, or worse.
    monotonic
        Seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], datetime],
        policy: JudgingPolicy,
        changed: Callable[[Judged], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._policy = store, clock, policy
        self._changed, self._monotonic = changed, monotonic
        self._tasks: dict[Stream, asyncio.Task[Judged]] = {}
        self._compacted: datetime | None = None
        self.held: dict[Stream, Judged] = {}

    async def of(self, stream: Stream, reference: Profile) -> Judgement:
        """What the rows of a version so far say; up to `FRESH_S` old.

        After a pause of under `STALE_S` the last one is told while the next is made.
        """
        held = self.held.get(stream)
        age_s = self._monotonic() - held.made_at if held else STALE_S
        if held and age_s < FRESH_S:
            return held.told
        task = self._tasks.get(stream)
        if task is None:
            task = asyncio.create_task(self._make(stream, reference))
            self._tasks[stream] = task
            task.add_done_callback(lambda done: self._keep(stream, done))
        if held and age_s < STALE_S:
            return held.told
        return (await asyncio.shield(task)).told

    async def stop(self) -> None:
        """Return when nothing is being looked at any more."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    def _keep(self, stream: Stream, done: "asyncio.Task[Judged]") -> None:
        del self._tasks[stream]
        if done.cancelled() or done.exception() is not None:
            return  # who waits for it is told
        before, now = self.held.pop(stream, None), done.result()
        self.held[stream] = now  # the newest stand at the end
        for old in [one for one in self.held if one.name != stream.name]:
            del self.held[old]
        for old in list(self.held)[:-MOST_HELD]:
            del self.held[old]
        if _badness(now) != (_badness(before) if before else None):
            self._changed(now)

    async def _make(self, stream: Stream, reference: Profile) -> Judged:
        at = self._clock()
        verdict, n = await asyncio.to_thread(self._look, stream, reference, at)
        policy = self._policy.drift
        found = [severity(verdict, one.name, policy) for one in reference.bins.features]
        worst = max(found, key=_RANK.__getitem__, default=Severity.NONE)
        told = _told(verdict, reference, worst)
        judgement = Judgement(timestamp=at, n=n, model_version=stream.version, **told)
        return Judged(judgement, worst, self._monotonic())

    def _look(self, stream: Stream, reference: Profile, at: datetime) -> tuple[Verdict, int | None]:
        try:
            self._compact(stream.name, at)
            window = self._store.window_profile(
                stream.name,
                stream.number,
                reference.bins,
                at - self._policy.lookback,
                at + MINUTE,  # the minute that has begun counts, too
            )
            return judge_drift(reference, window, self._policy.drift), window.n
        except HomeostatError as error:
            reason = f"the rows could not be looked at: {error}"
            return Verdict(question="drift", outcome=Outcome.ERROR, reason=reason), None

    def _compact(self, name: str, at: datetime) -> None:
        minute = minute_of(at)
        if minute != self._compacted:
            self._store.compact_profiles(name, minute)
            self._compacted = minute


def _told(verdict: Verdict, reference: Profile, worst: Severity) -> dict[str, Any]:
    """What a verdict says, in the words of the answer."""
    psi = {one.subject: one.value for one in verdict.measurements if one.statistic == "psi"}
    scores = {one.name: psi.get(one.name) for one in reference.bins.features}
    measured = [one for one in scores.values() if one is not None]
    known = verdict.outcome in {Outcome.PASS, Outcome.FAIL}
    return {
        "drift_detected": verdict.outcome is Outcome.FAIL if known else None,
        "drift_score": max(measured, default=None) if known else None,
        "severity": worst.value,
        "feature_scores": scores,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
    }


def _badness(one: Judged) -> tuple[bool, Severity]:
    return one.told.drift_detected is True, one.severity
