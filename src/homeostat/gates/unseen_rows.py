"""Was the candidate scored on rows that it had not learnt?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["UnseenRows"]


@GATES.register("unseen_rows")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenRows:
    """Refuses evidence from rows that either model was trained on."""

    at_most: int = 0

    def judge(self, evidence: Evidence) -> Verdict:
        """FAIL when evaluation and training share more rows than allowed."""
        shared = evidence.shared_rows
        return Verdict(
            question="unseen_rows",
            outcome=Outcome.PASS if shared <= self.at_most else Outcome.FAIL,
            reason=f"{shared:,} of {evidence.rows:,} evaluated rows were trained on, "
            f"at most {self.at_most:,} allowed",
        )
