"""Was the last promotion long enough ago to see its effect?"""

from dataclasses import dataclass
from datetime import timedelta

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["Cooldown"]


@GATES.register("cooldown")
@dataclass(frozen=True, slots=True, kw_only=True)
class Cooldown:
    """Holds back a promotion too soon after the last one, so that its effect can be seen."""

    at_least: timedelta = timedelta(days=7)

    def judge(self, evidence: Evidence) -> Verdict:
        """INCONCLUSIVE until the time is up: waiting mends it."""
        last = evidence.last_promoted_at
        if last is None:
            return Verdict(question="cooldown", outcome=Outcome.PASS, reason="first promotion")
        waited = evidence.now - last
        outcome = Outcome.PASS if waited >= self.at_least else Outcome.INCONCLUSIVE
        return Verdict(
            question="cooldown",
            outcome=outcome,
            reason=f"{_days(waited)} days since the last promotion, {_days(self.at_least)} asked",
        )


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):.1f}"
