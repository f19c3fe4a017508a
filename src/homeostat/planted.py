"""A drift planted in a copy of the newest rows, which must be seen."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from homeostat.canary import CANARY, judge_canary
from homeostat.policy import DriftPolicy
from homeostat.store import Store
from homeostat.verdict import Outcome, Verdict
from homeostat.windows import Longest, Stream

__all__ = ["Planted"]

log = structlog.get_logger()

#: After a canary that was not seen, or could not be planted, the next comes so much sooner.
SOONER = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Asks once in a while whether the monitor would see the smallest drift that it says it does.

    Nothing of the stream is touched: what is changed is a copy of its profile in memory, and
    what the judge learns from it is thrown away.
    """

    store: Store
    model: str
    drift: DriftPolicy = field(default_factory=DriftPolicy)
    lookback: timedelta = timedelta(hours=24)
    every: timedelta = timedelta(hours=24)

    def look(self, *, now: datetime) -> Verdict | None:
        """The verdict, which is written down; None when it is not time, or nothing is served."""
        if not self.due(now=now):
            return None
        verdict = self.judge(now=now)
        if verdict is None:
            return None
        self.store.add_verdict(self.model, verdict, now)
        if verdict.outcome is Outcome.FAIL:
            log.error("a planted drift was not seen", model=self.model, reason=verdict.reason)
        return verdict

    def due(self, *, now: datetime) -> bool:
        """Whether the last one is old enough; one that was not seen is old sooner."""
        held = self.store.verdicts(self.model, CANARY, limit=1, until=now)
        if not held:
            return True
        at, last = held[0]
        wait = self.every if last.outcome is Outcome.PASS else self.every / SOONER
        return now - at >= wait

    def judge(self, *, now: datetime) -> Verdict | None:
        """The verdict, written down nowhere; None when no version is in service."""
        deployment = self.store.deployment(self.model)
        if deployment is None or deployment.champion is None:
            return None
        version = self.store.version(self.model, deployment.champion)
        reference = self.store.reference(self.model, version.reference_digest)
        stream = Stream(
            store=self.store, model=self.model, version=version.number, reference=reference
        )
        judge = Longest(stream=stream, policy=self.drift, lookback=self.lookback, at=now)
        verdict = judge_canary(
            judge,
            judge.reference,
            stream.window(self.lookback, until=now),
            turn=int(now.timestamp() // self.every.total_seconds()),
        )
        details = {**verdict.details, "version": version.number}
        return replace(verdict, details=details, window=(now - self.lookback, now))
