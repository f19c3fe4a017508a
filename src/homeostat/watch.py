"""The stream looked at again and again: windows of many lengths, and what noise is usual."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from homeostat.battery import Asked, measure
from homeostat.policy import DriftPolicy, judge_at, with_reported
from homeostat.profile import Profile
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "LENGTHS",
    "Compared",
    "Learnt",
    "Usual",
    "WatchState",
    "due",
    "judge_windows",
    "learnt",
    "lengths",
]

#: Lengths of the windows, in looks: 5, 10, 15, 25, 40 minutes, 1, 1.7, 2.7, 4, 8 and 24 hours
#: where a look is made every five minutes.
LENGTHS = (1, 2, 3, 5, 8, 12, 20, 32, 48, 96, 288)

#: A window is asked about so many times while it moves on by its own length.
ASKED_PER_LENGTH = 8

#: So many independent windows all the overlapping ones are worth, counted in alarms: 4.9 to
#: 5.9 were simulated for the default lengths and critical values of 4.25 to 5 standard errors
#: (benchmarks/quality).
OVERLAP = 6.0

#: What is usual is learnt by comparing a window with one that ended so many looks before, or
#: by its own length if that is more: long enough for a swing of the mix to have gone on, and
#: the same on both sides of a change but for the looks right after it.
LAG = 24

#: Windows that are worth what shorter ones say of a question's usual noise, beforehand.
PRIOR_WINDOWS = 10

#: A question is noisier than independent rows make it when so many standard errors say so.
SHOWN_FROM_Z = 4.0

#: Logarithm of the median of a squared normal deviate, and how far an estimate of such a
#: median is from it, as a multiple of one over the windows: one over the density there.
LOG_MEDIAN, STEP = -0.7877, 4.67

#: Of the variance of an estimate by the median, the share that squares would have had.
EFFICIENCY = 0.37

#: An answer beyond it is as good as impossible.
IMPOSSIBLE_Z = 37.0

#: And one this small is as good as none.
TINY = 1e-9

_Name = tuple[str, str]  #: subject and statistic
_ByLength = Mapping[int, Mapping[_Name, "Usual"]]  #: of windows, in looks


@dataclass(frozen=True, slots=True)
class Usual:
    """How far apart a question finds two windows of one length, where nothing is wrong.

    The running median of its squared normal deviates: a change stands between two windows
    for a short while only, which moves a median little.

    References
    ----------
    Robbins and Monro (1951), Annals of Mathematical Statistics 22(3).
    """

    windows: int = 0
    log_median: float = LOG_MEDIAN

    @property
    def factor(self) -> float:
        """The variance as a multiple of that of independent rows, by these windows alone."""
        return float(np.exp(self.log_median - LOG_MEDIAN))

    def after(self, p_value: float) -> "Usual":
        """With one more window, which was compared with an earlier one."""
        above = 2 * np.log(max(_deviate(p_value), TINY)) > self.log_median
        step = STEP / (PRIOR_WINDOWS + self.windows + 1) * (0.5 if above else -0.5)
        return Usual(self.windows + 1, max(LOG_MEDIAN, self.log_median + step))


@dataclass(frozen=True, slots=True)
class Learnt:
    """How much noisier than independent rows a question is."""

    factor: float = 1.0  #: of the variance: so many rows are worth one, the design effect
    freedom: float = float("inf")  #: degrees of freedom of that estimate

    def p_value(self, p_value: float) -> float:
        """The p-value of the question in rows that are so noisy.

        Examples
        --------
        >>> round(Learnt(4.0).p_value(0.0455), 3)
        0.317
        """
        if self.factor <= 1.0:
            return p_value
        z = _deviate(p_value) / self.factor**0.5
        tail = stdtr(self.freedom, -z) if np.isfinite(self.freedom) else ndtr(-z)
        return min(1.0, float(2 * tail))


@dataclass(frozen=True, slots=True)
class Compared:
    """What a window is compared with."""

    reference: Callable[[int], Profile]  #: by the length of the window
    #: By its length and how many looks ago it ended; None when there was nothing yet.
    earlier: Callable[[int, int], Profile | None]


@dataclass(frozen=True, slots=True)
class WatchState:
    """What the looks at one version have left behind; plain numbers that can be stored."""

    usual: "_ByLength" = field(default_factory=dict)  #: what is learnt
    failing: tuple[int, ...] = ()  #: lengths of the windows that were changed when last asked

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data that JSON can hold."""
        return {
            "failing": list(self.failing),
            "usual": {
                str(length): [
                    [*name, one.windows, round(one.log_median, 4)] for name, one in usual.items()
                ]
                for length, usual in self.usual.items()
            },
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "WatchState":
        """The state that `to_dict` wrote."""
        return cls(
            usual={
                int(length): {(a, b): Usual(n, median) for a, b, n, median in usual}
                for length, usual in plain["usual"].items()
            },
            failing=tuple(plain["failing"]),
        )


def lengths(longest: int) -> tuple[int, ...]:
    """The lengths of the windows up to the longest, all in looks.

    Examples
    --------
    >>> lengths(24)
    (1, 2, 3, 5, 8, 12, 20, 24)
    """
    return (*(one for one in LENGTHS if one < longest), max(1, longest))


def due(look: int, longest: int, failing: Collection[int] = ()) -> tuple[int, ...]:
    """The lengths that are asked about at this look, the shortest first.

    Long windows hardly change from look to look, so each is asked about eight times while
    it moves on by its length; one that is changed is asked about until it no longer is, and
    the longest, which sees the most, at every look.

    Examples
    --------
    >>> due(0, 288) == lengths(288), due(1, 288), due(1, 288, failing=[48])[-2:]
    (True, (1, 2, 3, 5, 8, 12, 288), (48, 288))
    """
    return tuple(
        one
        for one in lengths(longest)
        if one == longest or one in failing or look % max(1, one // ASKED_PER_LENGTH) == 0
    )


def judge_windows(
    compared: Compared,
    windows: Mapping[int, Profile],
    policy: DriftPolicy,
    state: WatchState,
    *,
    look: int,
) -> tuple[Verdict, WatchState]:
    """Whether any of the windows that end now differs from the reference.

    The false alarms that the policy allows are split among the overlapping windows and
    their questions.  How far apart two windows usually are is learnt from the stream, for
    each question and length apart: rows that depend on each other, and hours that differ
    from the mean of the day, make a question noisier than its p-value says, and it is taken
    for so much less.

    Parameters
    ----------
    windows
        By length in looks; those that are `due`.
    look
        Its number; a window is learnt from once while it moves on by its length.

    Returns
    -------
    tuple
        The verdict of the shortest window that changed, or else of the longest that could be
        judged, and the state to give to the next look.  ``details["windows"]`` has the
        outcome by length; ``details["budget"]`` what false alarms are allowed.
    """
    alpha = policy.alpha / OVERLAP
    verdicts: dict[int, Verdict] = {}
    usual = dict(state.usual)
    for length in sorted(windows):
        tempered = partial(_tempered, learnt=learnt(usual, length))
        verdicts[length] = judge_at(
            compared.reference(length), windows[length], policy, alpha, tempered
        )
        if (
            look % length < max(1, length // ASKED_PER_LENGTH)
            and windows[length].n >= policy.min_rows
        ):
            before = compared.earlier(length, max(length, LAG))
            usual[length] = _after(usual.get(length, {}), before, windows[length], policy)
    failing = [one for one, verdict in verdicts.items() if verdict.outcome is Outcome.FAIL]
    shown = _shown(verdicts)
    details = {
        **verdicts[shown].details,
        "window_looks": shown,
        "windows": {str(one): verdict.outcome.value for one, verdict in verdicts.items()},
        "budget": {"false_alarms_per_week": policy.false_alarms_per_week, "alpha": alpha},
    }
    verdict = with_reported(verdicts[shown], compared.reference(shown), windows[shown], policy)
    learned = {length: held for length, held in usual.items() if held}
    return replace(verdict, details=details), WatchState(learned, tuple(failing))


def learnt(usual: Mapping[int, Mapping[_Name, Usual]], length: int) -> Callable[[_Name], Learnt]:
    """How noisy each question is in windows of this length.

    What the next shorter windows say counts as `PRIOR_WINDOWS` windows of this length, made
    larger as the noise grew from the ones before to them, and by no more than rows that are
    all alike would.
    """
    shorter = [one for one in sorted(usual) if one < length]

    @cache
    def of(name: _Name) -> Learnt:
        chain: list[tuple[int, float]] = []
        for one in shorter:
            seen = usual[one].get(name, Usual())
            chain.append((one, _learnt(seen, _expected(chain, one)).factor))
        return _learnt(usual.get(length, {}).get(name, Usual()), _expected(chain, length))

    return of


def _learnt(seen: Usual, expected: float) -> Learnt:
    worth = PRIOR_WINDOWS + seen.windows
    factor = (PRIOR_WINDOWS * expected + seen.windows * seen.factor) / worth
    shown = factor > 1 + SHOWN_FROM_Z * (2 / (EFFICIENCY * worth)) ** 0.5
    return Learnt(factor, EFFICIENCY * worth) if shown or expected > 1 else Learnt()


def _expected(chain: Sequence[tuple[int, float]], length: int) -> float:
    """The factor that shorter windows let expect, by the way it grew so far."""
    if not chain:
        return 1.0
    last, factor = chain[-1]
    if len(chain) == 1 or factor <= 1:
        return factor
    before, was = chain[-2]
    slope = np.log(factor / was) / np.log(last / before)
    return float(factor * (length / last) ** np.clip(slope, 0.0, 1.0))


def _tempered(
    measured: Sequence[Measurement], learnt: Callable[[_Name], Learnt]
) -> list[Measurement]:
    """The measurements with p-values for rows that are so noisy."""
    return [_tempered_one(one, learnt) for one in measured]


def _tempered_one(one: Measurement, learnt: Callable[[_Name], Learnt]) -> Measurement:
    if one.asked is None or one.p_value is None:
        return one
    noise = learnt((one.subject, one.statistic))
    seen = one.minimum_detectable_effect
    return replace(
        one,
        p_value=noise.p_value(one.p_value),
        minimum_detectable_effect=None if seen is None else seen * noise.factor**0.5,
    )


def _after(
    usual: Mapping[_Name, Usual], before: Profile | None, now: Profile, policy: DriftPolicy
) -> Mapping[_Name, Usual]:
    """What is usual, with these two windows compared; as it was if there is none before."""
    if before is None or before.n < policy.min_rows:
        return usual
    asked = Asked(effects=policy.effects, min_rows=policy.min_rows, alpha=policy.alpha)
    after = dict(usual)
    for one in measure(before, now, asked):
        if one.p_value is not None:
            name = (one.subject, one.statistic)
            after[name] = usual.get(name, Usual()).after(one.p_value)
    return after


def _shown(verdicts: Mapping[int, Verdict]) -> int:
    """The window that speaks for all: the shortest that changed, else the longest judged."""
    by_outcome = {
        outcome: [one for one, verdict in verdicts.items() if verdict.outcome is outcome]
        for outcome in Outcome
    }
    if by_outcome[Outcome.FAIL]:
        return min(by_outcome[Outcome.FAIL])
    return max(by_outcome[Outcome.ERROR] or by_outcome[Outcome.PASS] or verdicts)


def _deviate(p_value: float) -> float:
    """The size of the normal deviate with this two-sided p-value."""
    return min(IMPOSSIBLE_Z, float(-ndtri(p_value / 2))) if p_value > 0 else IMPOSSIBLE_Z
