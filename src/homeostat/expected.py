"""Whether means and spreads are still those that somebody expects, given as plain numbers."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from homeostat.profile import FeatureProfile
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = ["Expected", "ExpectedPolicy", "Moments", "judge_expected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a quantity should look like."""

    mean: float
    deviation: float  #: above 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What a quantity looks like."""

    n: int
    mean: float
    deviation: float  #: dividing by n
    kurtosis: float = 3.0  #: fourth central moment over the squared variance

    @classmethod
    def of(cls, side: FeatureProfile) -> "Moments | None":
        """Those of a numeric feature; None when no row has a value.

        The kurtosis is that of the bins' middles.
        """
        n, first, second = side.moments.tolist()
        if not n:
            return None
        mean = first / n
        variance = max(0.0, second / n - mean * mean)
        held = np.flatnonzero(side.present)
        x, share = side.bins.positions[held], side.present[held] / side.present.sum()
        apart = x - share @ x
        spread = float(share @ apart**2)
        kurtosis = float(share @ apart**4) / spread**2 if spread > 0 else 3.0
        return cls(n=int(n), mean=mean, deviation=variance**0.5, kurtosis=kurtosis)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPolicy:
    """When a difference from what is expected counts."""

    alpha: float = 0.001  #: chance of a false alarm, over all that is asked
    min_rows: int = 100
    mean_effect: float = 0.05  #: shift that matters, in expected deviations
    spread_effect: float = 0.10  #: log of the ratio of the deviations that matters
    latency_effect: float = 0.20  #: rise of the mean latency that matters, in its deviations


def judge_expected(
    scores: tuple[Moments, Expected] | None,
    latency: tuple[Moments, Expected] | None,
    policy: ExpectedPolicy,
) -> Verdict:
    r"""Whether scores and latencies are still as expected.

    A mean of n rows scatters by the deviation over the root of n, of which the larger of the
    expected and the seen one is taken:

    .. math:: z = \frac{\bar x - \mu}{\max(s, \sigma) / \sqrt n}, \qquad
              z = \frac{\ln (s^2 / \sigma^2)}{\sqrt{(\kappa - 1) / n}}

    for the mean and, with the kurtosis of the rows, for the variance.  A question is failed
    when its p-value is under ``policy.alpha`` after Bonferroni's correction, and the effect
    is as large as the one that matters.  A latency is asked about its rise only.

    Parameters
    ----------
    scores, latency
        What is seen beside what is expected; None where either is not known.

    Returns
    -------
    Verdict
        ``question`` "expected", with the measurements ``mean_shift`` and ``variance_change``
        of "probability" and ``latency_anomaly`` of "latency", whose values are z.
        INCONCLUSIVE where nothing could be asked.

    References
    ----------
    The variance of a variance: Kendall and Stuart, The Advanced Theory of Statistics, volume
    1, section 10.5, with the delta method.
    """
    asked: list[Measurement] = []
    if scores is not None and scores[0].n >= policy.min_rows:
        asked += [
            _mean("probability", "mean_shift", *scores, policy.mean_effect),
            _variance(*scores, policy.spread_effect),
        ]
    if latency is not None and latency[0].n >= policy.min_rows:
        asked.append(_rise(*latency, policy.latency_effect))
    if not asked:
        n = max((one[0].n for one in (scores, latency) if one is not None), default=0)
        reason = f"{n:,} rows, {policy.min_rows:,} asked, and something to compare them with"
        return Verdict(question="expected", outcome=Outcome.INCONCLUSIVE, reason=reason)
    measured = tuple(_decided(one, len(asked), policy.alpha) for one in asked)
    outcome = Outcome.FAIL if any(one.drifted for one in measured) else Outcome.PASS
    reason = "; ".join(
        f"{one.statistic} z {one.value:+.1f}, effect {one.effect:.3g} ({one.asked:.3g} asked)"
        for one in measured
    )
    n = max(one.n_current for one in measured)
    return Verdict(
        question="expected",
        outcome=outcome,
        reason=f"{reason}; {n:,} rows",
        measurements=measured,
    )


def _mean(
    subject: str, statistic: str, seen: Moments, expected: Expected, asked: float
) -> Measurement:
    error = max(seen.deviation, expected.deviation) / seen.n**0.5
    z = (seen.mean - expected.mean) / error
    effect = abs(seen.mean - expected.mean) / expected.deviation
    return _measurement((subject, statistic), z, effect, seen.n, asked)


def _rise(seen: Moments, expected: Expected, asked: float) -> Measurement:
    one = _mean("latency", "latency_anomaly", seen, expected, asked)
    if one.value > 0:
        return one
    return _measurement(("latency", "latency_anomaly"), one.value, 0.0, seen.n, asked)


def _variance(seen: Moments, expected: Expected, asked: float) -> Measurement:
    name = ("probability", "variance_change")
    if not seen.deviation:  # all rows have one score
        return _measurement(name, float("-inf"), float("inf"), seen.n, asked)
    log_ratio = float(np.log(seen.deviation / expected.deviation))
    error = float(np.sqrt(max(seen.kurtosis - 1.0, 1.0 / seen.n) / seen.n))
    return _measurement(name, 2 * log_ratio / error, abs(log_ratio), seen.n, asked)


def _measurement(
    name: tuple[str, str], z: float, effect: float, n: int, asked: float
) -> Measurement:
    return Measurement(
        subject=name[0],
        statistic=name[1],
        value=z,
        p_value=float(2 * ndtr(-abs(z))),
        effect=effect,
        asked=asked,
        n_reference=0,
        n_current=n,
    )


def _decided(one: Measurement, questions: int, alpha: float) -> Measurement:
    p_value = min(1.0, questions * (one.p_value or 0.0))
    drifted = p_value < alpha and one.effect >= (one.asked or 0.0)
    return replace(one, p_value=p_value, drifted=drifted)
