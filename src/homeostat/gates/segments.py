"""Does the candidate fail a part of the rows?"""

from dataclasses import dataclass

from homeostat.gates import GATES, Evidence
from homeostat.verdict import Outcome, Verdict

__all__ = ["SegmentsKept"]


@GATES.register("segments")
@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentsKept:
    """Refuses a candidate whose F1 is shown to fall in a declared segment."""

    at_most_pct: float = 5.0  #: fall of the champion's F1 that is let pass
    min_rows: int = 100  #: a smaller segment is reported as unknown
    alpha: float = 0.05  #: shared among the segments

    def judge(self, evidence: Evidence) -> Verdict:
        """FAIL names each segment that fell; INCONCLUSIVE when none could be judged."""
        known = {k: v for k, v in evidence.segments.items() if v.n >= self.min_rows}
        unknown = sorted(set(evidence.segments) - set(known))
        fallen = {
            name: seen
            for name, seen in known.items()
            if -100 * seen.f1_gain_share > self.at_most_pct
            and seen.p_value_of_loss < self.alpha / len(known)
        }
        if not evidence.segments:
            outcome, reason = Outcome.PASS, "no segment is declared, so none was asked"
        elif fallen:
            outcome = Outcome.FAIL
            reason = "; ".join(
                f"{name}: F1 {seen.candidate.f1:.3f} against {seen.champion.f1:.3f} on "
                f"{seen.n:,} rows"
                for name, seen in sorted(fallen.items())
            )
            reason += f"; a fall of at most {self.at_most_pct:g} % is allowed"
        else:
            outcome = Outcome.PASS if known else Outcome.INCONCLUSIVE
            reason = f"no fall over {self.at_most_pct:g} % is shown in {len(known)} segments"
        if unknown:
            reason += f"; unknown, with under {self.min_rows:,} rows: {', '.join(unknown)}"
        return Verdict(question="segments", outcome=outcome, reason=reason)
