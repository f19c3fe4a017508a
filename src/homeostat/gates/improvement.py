"""Is the candidate better, by enough to matter and by more than luck?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["Improvement"]


@GATES.register("improvement")
@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """Asks for a higher F1 on the same rows, shown by a paired test.

    The size alone would let an equally good model pass about two times in five at 200 rows.
    """

    at_least_pct: float = 2.0  #: of the champion's F1
    alpha: float = 0.05

    def judge(self, evidence: Evidence) -> Verdict:
        """FAIL when the gain is too small or not shown; INCONCLUSIVE without rows."""
        paired = evidence.paired
        if not paired.n:
            reason = "no labelled row that both models were scored on"
            return Verdict(question="improvement", outcome=Outcome.INCONCLUSIVE, reason=reason)
        gain_pct, p_value = 100 * paired.f1_gain_share, paired.p_value
        better = gain_pct >= self.at_least_pct and p_value < self.alpha
        return Verdict(
            question="improvement",
            outcome=Outcome.PASS if better else Outcome.FAIL,
            reason=f"F1 {paired.candidate.f1:.3f} against {paired.champion.f1:.3f} "
            f"({gain_pct:+.1f} %, {self.at_least_pct:+.1f} % asked; paired p = {p_value:.2g}, "
            f"under {self.alpha:g} asked) on {paired.n:,} rows",
            details={"f1_champion": paired.champion.f1, "f1_candidate": paired.candidate.f1},
        )
