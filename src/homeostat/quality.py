"""Labels to a verdict: whether the answers still hold, and whether a promotion was a mistake."""

from dataclasses import dataclass

import numpy as np

from homeostat.metrics.calibration import Calibration
from homeostat.metrics.confusion import PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "AftermathPolicy",
    "QualityPolicy",
    "fixed_look",
    "judge_aftermath",
    "judge_quality",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPolicy:
    """When a model's answers no longer hold."""

    alpha: float = 0.001
    min_rows: int = 200
    brier_excess: float = 0.10  #: Brier score above what the scores promise, as a share of that
    positives_excess: float = 0.20  #: positives off from what the scores promise, as a share


@dataclass(frozen=True, slots=True, kw_only=True)
class AftermathPolicy:
    """When a promotion was a mistake."""

    min_rows: int = 200  #: labelled rows since the promotion
    min_positives: int = 20
    worse_f1_pct: float = 5.0  #: fall of F1 that matters, of the version before
    worse_brier: float = 0.005  #: rise of the Brier score that matters
    alpha: float = 0.01  #: spent over all looks: half of what is left at each doubling of rows


def judge_quality(seen: Calibration, policy: QualityPolicy) -> Verdict:
    """Whether labels still agree with the probabilities that were given for them.

    FAIL when the Brier score, or the number of positives, is off from what the scores
    themselves promise, by Spiegelhalter's and the binomial z-test with Bonferroni's
    correction for the two, and by more than the size that matters.  A covariate shift alone
    does not fail it: the promise moves with the rows.

    References
    ----------
    Spiegelhalter (1986), Statistics in Medicine 5(5).
    """
    if seen.n < policy.min_rows:
        reason = f"{seen.n:,} labelled rows, {policy.min_rows:,} asked"
        return Verdict(question="quality", outcome=Outcome.INCONCLUSIVE, reason=reason)
    measured = _measured(seen, policy)
    outcome = Outcome.FAIL if any(one.drifted for one in measured) else Outcome.PASS
    reason = (
        f"Brier score {seen.brier:.4f} where the scores promise {seen.expected_brier:.4f} "
        f"({seen.brier_excess:+.0%}; {policy.brier_excess:+.0%} asked), positives "
        f"{seen.positive_share:.2%} where they promise {seen.expected_share:.2%} "
        f"({seen.positives_excess:+.0%}; {policy.positives_excess:.0%} asked), "
        f"{seen.n:,} labelled rows"
    )
    return Verdict(question="quality", outcome=outcome, reason=reason, measurements=measured)


def fixed_look(rows: int, least: int) -> int:
    """How many of `rows` to look at: `least`, or the largest doubling of it that there is.

    A question that is asked again and again while rows come in is asked at these sizes
    only, so that the looks can be counted.

    Examples
    --------
    >>> [fixed_look(rows, 200) for rows in (150, 200, 399, 400, 1700)]
    [150, 200, 200, 400, 1600]
    """
    if rows < least:
        return rows
    return int(least * 2 ** int(np.log2(rows / least)))


def judge_aftermath(paired: PairedConfusion, brier: PairedLoss, policy: AftermathPolicy) -> Verdict:
    """Whether a promoted version is worse than the one before, on rows served since.

    It is asked at `fixed_look` sizes while labels come in, and the level is spent over these
    looks: half of it at the first, half of what is left at the next, so all looks together
    keep it.

    Parameters
    ----------
    paired, brier
        With the version before as the champion and the promoted one as the candidate.

    Returns
    -------
    Verdict
        FAIL when it is shown to be worse by more than what matters, PASS when it is not and
        there were enough rows, INCONCLUSIVE before.
    """
    rows, positives = paired.n, paired.positives
    if rows < policy.min_rows or positives < policy.min_positives:
        reason = (
            f"{rows:,} labelled rows since the promotion, {policy.min_rows:,} asked; "
            f"{positives:,} positives, {policy.min_positives:,} asked"
        )
        return Verdict(question="aftermath", outcome=Outcome.INCONCLUSIVE, reason=reason)
    doublings = int(np.log2(rows / policy.min_rows))
    alpha = policy.alpha / 2 ** (doublings + 1)
    fall_pct = -100 * paired.f1_gain_share
    worse_f1 = fall_pct >= policy.worse_f1_pct and paired.p_value_of_loss < alpha / 2
    lower, _ = brier.bounds(alpha / 2)
    worse_brier = brier.mean >= policy.worse_brier and lower > 0
    reason = (
        f"F1 {paired.candidate.f1:.3f}, {paired.champion.f1:.3f} by the version before "
        f"({-fall_pct:+.1f} %, {-policy.worse_f1_pct:+.1f} % asked); Brier score changes by "
        f"{brier.mean:+.4f} ({policy.worse_brier:+.4f} asked) on {rows:,} rows since the promotion"
    )
    outcome = Outcome.FAIL if worse_f1 or worse_brier else Outcome.PASS
    return Verdict(question="aftermath", outcome=outcome, reason=reason)


def _measured(seen: Calibration, policy: QualityPolicy) -> tuple[Measurement, ...]:
    brier = (seen.brier, seen.brier_p_value, seen.brier_excess, policy.brier_excess)
    positives = (
        seen.positive_share,
        seen.positives_p_value,
        abs(seen.positives_excess),
        policy.positives_excess,
    )
    return tuple(
        Measurement(
            subject="labels",
            statistic=name,
            value=value,
            p_value=min(1.0, 2 * p_value),
            effect=effect,
            asked=asked,
            n_reference=0,
            n_current=seen.n,
            drifted=2 * p_value < policy.alpha and effect >= asked,
        )
        for name, (value, p_value, effect, asked) in (
            ("brier_excess", brier),
            ("positives_excess", positives),
        )
    )
