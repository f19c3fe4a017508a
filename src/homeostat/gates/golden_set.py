"""Does the candidate still know what was true before?"""

from dataclasses import dataclass

from scipy.special import ndtri

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["GoldenSet"]


@GATES.register("golden_set")
@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenSet:
    """Asks that the ranking of the frozen reference rows is kept, within a margin.

    These rows are not drawn from the window that is suspected, so whoever spoils that window
    does not spoil them.  Ranking is asked, not calibration: the share of positives may move.
    """

    at_most: float = 0.10  #: fall of the area under the ROC curve
    alpha: float = 0.05
    min_rows: int = 500

    def judge(self, evidence: Evidence) -> Verdict:
        """FAIL when the fall is over the margin, INCONCLUSIVE when it may be."""
        before, after = evidence.golden_champion, evidence.golden_candidate
        seen = 0 if before is None or after is None else min(before.n, after.n)
        if before is None or after is None or seen < self.min_rows:
            reason = f"{seen:,} golden rows of both classes, {self.min_rows:,} asked"
            return Verdict(question="golden_set", outcome=Outcome.INCONCLUSIVE, reason=reason)
        fall = before.auc - after.auc
        spread = max(before.standard_error, after.standard_error) * float(ndtri(1 - self.alpha))
        if fall > self.at_most:
            outcome = Outcome.FAIL
        else:
            outcome = Outcome.PASS if fall + spread <= self.at_most else Outcome.INCONCLUSIVE
        return Verdict(
            question="golden_set",
            outcome=outcome,
            reason=f"AUC {after.auc:.3f} against {before.auc:.3f} on {before.n:,} golden rows "
            f"(may be {fall + spread:.3f} lower), {self.at_most:.2f} lower allowed",
        )
