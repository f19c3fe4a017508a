"""Are there enough labelled rows to tell?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["MinRows"]


@GATES.register("min_rows")
@dataclass(frozen=True, slots=True, kw_only=True)
class MinRows:
    """Waits until there are enough labelled rows, of each class too."""

    at_least: int = 200
    at_least_rarest: int = 50  #: of the rarer class

    def judge(self, evidence: Evidence) -> Verdict:
        """INCONCLUSIVE while there are too few; the question is asked again with more."""
        positives = evidence.paired.positives
        rarest = min(positives, evidence.rows - positives)
        enough = evidence.rows >= self.at_least and rarest >= self.at_least_rarest
        return Verdict(
            question="min_rows",
            outcome=Outcome.PASS if enough else Outcome.INCONCLUSIVE,
            reason=f"{evidence.rows:,} labelled rows, {self.at_least:,} asked; {rarest:,} of "
            f"the rarer class, {self.at_least_rarest:,} asked",
        )
