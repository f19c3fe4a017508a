"""Looking whether all loops of a model are alive; written down when it changes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from homeostat.liveness import LIVENESS, LivenessPolicy, judge_liveness
from homeostat.plan import Phase
from homeostat.store import Store
from homeostat.verdict import Verdict

__all__ = ["HEALING", "HEARTBEAT", "LENGTHS", "MONITOR", "SERVICE", "Told", "Vigil"]

log = structlog.get_logger()

MONITOR, HEALING, SERVICE, HEARTBEAT = "monitor", "loop", "service", "heartbeat"

#: Times in which rows are missed, from what is seen soonest to what a slow stream needs.
LENGTHS = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)

#: How long a training may take before the loop counts as stalled in it.
TRAINING_LIMIT = timedelta(hours=6)

#: After which an answer that did not change is written down again.
AGAIN_AFTER = timedelta(hours=1)


#: Is told what a look says.
Told = Callable[[Sequence[Verdict]], Any]


def _to_nobody(_: Sequence[Verdict]) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vigil:
    """Whether the loops of a model do what they promised, whoever asks."""

    store: Store
    model: str
    policy: LivenessPolicy = field(default_factory=LivenessPolicy)
    #: Is told of every answer, written down or not; the alerts begin here.
    told: Told = _to_nobody

    def judge(self, *, now: datetime, without: Collection[str] = ()) -> Verdict:
        """The answer at this moment, written down nowhere.

        Parameters
        ----------
        without
            Loops that are not asked about, such as that of the one who asks.
        """
        beats = [one for one in self.store.heart.beats(self.model) if one.loop not in without]
        lulls = self.store.heart.lulls(self.model, LENGTHS, at=now)
        return judge_liveness(beats, lulls, self.policy, now=now, busy=self._busy())

    def look(self, *, now: datetime) -> Verdict:
        """The answer, written down when it is another one than the last, or an hour later."""
        verdict = self.judge(now=now)
        held = self.store.verdicts(self.model, LIVENESS, limit=1)
        if not (held and _same(held[0][1], verdict) and now - held[0][0] < AGAIN_AFTER):
            self._write_down(verdict, now)
        self.told((verdict,))
        return verdict

    def _write_down(self, verdict: Verdict, now: datetime) -> None:
        if verdict.details["troubled"]:
            # First of all: one that was stopped amid a write may hold the lock of the file.
            log.error(
                "not all loops are alive",
                model=self.model,
                outcome=verdict.outcome.value,
                reason=verdict.reason,
            )
        self.store.add_verdict(self.model, verdict, now)

    def _busy(self) -> dict[str, datetime]:
        """Until when the healing loop may be at work on one round."""
        held = self.store.deployment(self.model)
        if held is None or held.phase is not Phase.TRAINING:
            return {}
        return {HEALING: held.since + TRAINING_LIMIT}


def _same(before: Verdict, now: Verdict) -> bool:
    """Whether two answers say the same of the same loops; figures differ from look to look."""
    return (before.outcome, _wrong(before)) == (now.outcome, _wrong(now))


def _wrong(verdict: Verdict) -> dict[str, str]:
    """What is in trouble, and how."""
    states = verdict.details["states"]
    return {name: states.get(name, "") for name in verdict.details["troubled"]}
