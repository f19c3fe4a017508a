"""Can the candidate's probabilities be trusted as much?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["CalibrationKept"]


@GATES.register("calibration")
@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationKept:
    """Asks that the Brier score is shown to be no worse than allowed."""

    at_most: float = 0.01  #: rise of the Brier score
    alpha: float = 0.05

    def judge(self, evidence: Evidence) -> Verdict:
        """PASS when the upper bound stays under the margin, FAIL when the mean is over it."""
        mean, (_, upper) = evidence.brier.mean, evidence.brier.bounds(self.alpha)
        if evidence.brier.n and mean > self.at_most:
            outcome = Outcome.FAIL
        else:
            outcome = Outcome.PASS if upper <= self.at_most else Outcome.INCONCLUSIVE
        return Verdict(
            question="calibration",
            outcome=outcome,
            reason=f"Brier score changes by {mean:+.4f} (at most {upper:+.4f} with "
            f"{1 - self.alpha:.0%} confidence), {self.at_most:+.4f} allowed, on "
            f"{evidence.brier.n:,} rows",
        )
