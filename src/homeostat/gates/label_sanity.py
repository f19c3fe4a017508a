"""Can the labels be believed?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.metrics.confusion import Confusion
from homeostat.verdict import Outcome, Verdict

__all__ = ["LabelSanity"]


@GATES.register("label_sanity")
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSanity:
    """Refuses labels of which so many are wrong that no group of rows is safe any more.

    When a share f of negatives is labelled positive at random, even the rows that the
    candidate itself finds safest, on data it has not seen, hold at least a share f of
    positives; a real change of the world leaves some group that is safe.  The same group of
    the golden rows says how safe the safest were.

    References
    ----------
    Anchor points of label noise: Patrini et al. (2017), CVPR, theorem 3.
    """

    at_most_rise: float = 0.10  #: of the positive share in the safest fifth
    min_rows: int = 40

    def judge(self, evidence: Evidence) -> Verdict:
        """FAIL when the safest fifth is no longer safe; INCONCLUSIVE without enough rows."""
        if evidence.safest is None or evidence.safest_golden is None:
            reason = "no rows to look for a safe group in"
            return Verdict(question="label_sanity", outcome=Outcome.INCONCLUSIVE, reason=reason)
        n, share = _positive_share(evidence.safest)
        golden_n, usual = _positive_share(evidence.safest_golden)
        if min(n, golden_n) < self.min_rows:
            outcome = Outcome.INCONCLUSIVE
        else:
            outcome = Outcome.PASS if share - usual <= self.at_most_rise else Outcome.FAIL
        return Verdict(
            question="label_sanity",
            outcome=outcome,
            reason=f"{share:.1%} of the {n:,} safest rows are labelled positive, {usual:.1%} "
            f"of {golden_n:,} in the golden rows; a rise of {self.at_most_rise:.0%} is allowed",
        )


def _positive_share(seen: Confusion) -> tuple[int, float]:
    positives = seen.true_positives + seen.false_negatives
    n = positives + seen.false_positives + seen.true_negatives
    return n, positives / n if n else 0.0
