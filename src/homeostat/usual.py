"""What noise is usual in a stream: how far apart its windows are while nothing changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from homeostat.battery import weights
from homeostat.power import POWER
from homeostat.verdict import Measurement

__all__ = [
    "INDEPENDENT",
    "LOG_QUANTILE",
    "Name",
    "Noise",
    "Usual",
    "deviate",
    "learnt",
    "tempered",
]

Name: TypeAlias = tuple[str, str]  #: subject and statistic

#: The quantile of the deviates that is followed: far enough out to tell of the tail, near
#: enough to be known after some dozen windows.
QUANTILE = 0.9

#: The logarithm of this quantile for normal deviates, without their sign.
LOG_QUANTILE = float(np.log(ndtri((1 + QUANTILE) / 2)))

#: One over the density of the logarithm of such deviates at the quantile, 0.339: the step of
#: Robbins and Monro that makes the running quantile as exact as the quantile of all.
STEP = 2.95

#: Windows that the first of them is counted after: the less, the sooner a noise a hundred
#: times as large is reached.
HEAD_START = 5

#: Windows that are worth what shorter ones say of a question's usual noise, beforehand.
PRIOR_WINDOWS = 10

#: Of the variance of the logarithm of an estimate by this quantile, the share that the mean
#: of squares would have.
EFFICIENCY = 0.64

#: A question is noisier than independent rows make it when so many standard errors say so,
#: and all are as noisy as they seem when this share of them is: a stream depends on itself
#: or it does not.
SHOWN_FROM_Z, MANY = 6.0, 0.1

#: Degrees of freedom of what is usual in a stream that depends on itself: no mix of users
#: moves by a normal law.  On 3,300 looks at simulated streams (those of benchmarks/quality)
#: no alarm came after the first hundred with 10, and up to nine with 20; 8 leaves a margin.
FREEDOM = 8.0

#: An answer beyond it is as good as impossible.
IMPOSSIBLE_Z = 37.0

#: While nothing is known yet of a stream, its windows may differ by so many times the effect
#: that is asked for (one standard deviation) before that means anything.
UNKNOWN = 3.0

#: Standard errors that a change has to be away to be seen in 80 of 100 windows, at the levels
#: that some dozens of questions are asked at.
NEEDED_Z = 5.7


@dataclass(frozen=True, slots=True)
class Usual:
    """How far apart a question finds two windows of one length, where nothing is wrong.

    The running quantile of its normal deviates: a change stands between two windows for a
    short while only, which moves a quantile little.

    References
    ----------
    Robbins and Monro (1951), Annals of Mathematical Statistics 22(3).
    """

    windows: int = 0
    log_quantile: float = LOG_QUANTILE

    def after(self, p_value: float) -> "Usual":
        """With one more window, which was compared with an earlier one."""
        above = deviate(p_value) > np.exp(self.log_quantile)
        step = STEP / (HEAD_START + self.windows + 1) * (QUANTILE if above else QUANTILE - 1)
        return Usual(self.windows + 1, max(LOG_QUANTILE, self.log_quantile + step))


@dataclass(frozen=True, slots=True)
class Noise:
    """How much noisier than independent rows a question is."""

    factor: float = 1.0  #: of the variance: so many rows are worth one, the design effect
    freedom: float = float("inf")  #: degrees of freedom of what is usual

    def p_value(self, p_value: float) -> float:
        """The p-value of the question in rows that are so noisy.

        Examples
        --------
        >>> round(Noise(4.0).p_value(0.0455), 3)
        0.317
        """
        if self.factor <= 1.0:
            return p_value
        z = deviate(p_value) / self.factor**0.5
        tail = stdtr(self.freedom, -z) if np.isfinite(self.freedom) else ndtr(-z)
        return min(1.0, float(2 * tail))


INDEPENDENT = Noise()  #: that of independent rows


def deviate(p_value: float) -> float:
    """The size of the normal deviate with this two-sided p-value."""
    return min(IMPOSSIBLE_Z, float(-ndtri(p_value / 2))) if p_value > 0 else IMPOSSIBLE_Z


def learnt(
    usual: Mapping[int, Mapping[Name, Usual]], lengths: Sequence[int]
) -> dict[int, dict[Name, Noise]]:
    """How noisy each question is in windows of these lengths; all others are as independent.

    What the next shorter windows say counts as `PRIOR_WINDOWS` windows, made larger as the
    noise grew from the ones before to them, and by no more than rows that are all alike would.

    Examples
    --------
    >>> seen = {("age", "ks"): Usual(300, 1.5)}
    >>> round(learnt({1: seen}, [1, 2])[2]["age", "ks"].factor, 1)
    7.2
    """
    names = sorted({name for seen in usual.values() for name in seen})
    factor = before = np.ones(len(names))
    last = previous = 0
    found = {}
    for length in sorted({*usual, *lengths} if names else ()):
        expected = factor * _growth(factor, before, (length, last, previous))
        now, windows = _factors([usual.get(length, {}).get(name, Usual()) for name in names])
        worth = PRIOR_WINDOWS + windows
        mixed = np.maximum(1.0, (PRIOR_WINDOWS * expected + windows * now) / worth)
        shown = np.log(mixed) > SHOWN_FROM_Z * np.sqrt(2 / (EFFICIENCY * worth))
        shown |= (factor > 1) | bool(shown.mean() >= MANY)
        before, previous, last = factor, last, length
        factor = np.where(shown, mixed, 1.0)
        found[length] = {
            name: Noise(float(one), FREEDOM)
            for name, one in zip(names, factor.tolist(), strict=True)
            if one > 1
        }
    return {length: found.get(length, {}) for length in lengths}


def tempered(
    measured: Sequence[Measurement], noise: Mapping[Name, Noise], *, settled: bool, alpha: float
) -> list[Measurement]:
    """The measurements with p-values for rows that are so noisy.

    Parameters
    ----------
    settled
        Whether the stream was seen for long enough to know how noisy it is.  As long as it is
        not, windows may differ by `UNKNOWN` times the effect asked.
    alpha
        The level of all questions together, by which follows what could have been seen.
    """
    parts = weights([one.statistic for one in measured])
    whole = sum(part for one, part in zip(measured, parts, strict=True) if one.asked is not None)
    return [
        _tempered(one, noise, settled=settled, level=alpha * part / (whole or 1.0))
        for one, part in zip(measured, parts, strict=True)
    ]


def _tempered(
    one: Measurement, noise: Mapping[Name, Noise], *, settled: bool, level: float
) -> Measurement:
    if one.asked is None or one.p_value is None:
        return one
    known = noise.get((one.subject, one.statistic), INDEPENDENT)
    unknown = 0.0 if settled else UNKNOWN * one.asked
    factor = known.factor + (unknown / _error(one, one.p_value)) ** 2
    if factor <= 1.0 and settled:
        return one
    seen = one.minimum_detectable_effect
    if seen is not None:
        seen = float(np.hypot(seen * known.factor**0.5, NEEDED_Z * unknown))
        seen *= _farther(known.freedom, level)
    return replace(
        one,
        p_value=Noise(factor, known.freedom).p_value(one.p_value),
        minimum_detectable_effect=seen,
    )


def _farther(freedom: float, level: float) -> float:
    """How many times as far a change has to be away to be seen, for so heavy a tail.

    Examples
    --------
    >>> _farther(float("inf"), 1e-6), round(_farther(8.0, 1e-6), 1)
    (1.0, 2.5)
    """
    if not np.isfinite(freedom):
        return 1.0
    power = float(ndtri(POWER))
    return (float(-stdtrit(freedom, level / 2)) + power) / (float(-ndtri(level / 2)) + power)


def _error(one: Measurement, p_value: float) -> float:
    """The standard error of an effect; endless where it is within one, and nothing to temper."""
    z = deviate(p_value)
    return one.effect / z if z > 1 and one.effect > 0 else float("inf")


def _factors(seen: Sequence[Usual]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The variances as multiples of those of independent rows, and how many windows say so."""
    logs = np.array([one.log_quantile for one in seen], dtype=float)
    return np.exp(2 * (logs - LOG_QUANTILE)), np.array([one.windows for one in seen], dtype=float)


def _growth(
    factor: NDArray[np.float64], before: NDArray[np.float64], lengths: tuple[int, int, int]
) -> NDArray[np.float64]:
    """What to multiply the factor of the last length with, by the way it grew to it."""
    now, last, previous = lengths
    if not previous:
        return np.ones_like(factor)
    slope = np.clip(np.log(factor / before) / np.log(last / previous), 0.0, 1.0)
    return np.asarray((now / last) ** slope, dtype=float)
