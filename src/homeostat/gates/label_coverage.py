"""Do the labelled rows stand for all?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["LabelCoverage"]


@GATES.register("label_coverage")
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCoverage:
    """Waits until enough predictions of the evaluation window have their label."""

    at_least: float = 0.3  #: share, in [0, 1]

    def judge(self, evidence: Evidence) -> Verdict:
        """INCONCLUSIVE while too few have one."""
        share = evidence.rows / evidence.due if evidence.due else 0.0
        return Verdict(
            question="label_coverage",
            outcome=Outcome.PASS if share >= self.at_least else Outcome.INCONCLUSIVE,
            reason=f"{share:.0%} of {evidence.due:,} predictions are labelled, "
            f"{self.at_least:.0%} asked",
        )
