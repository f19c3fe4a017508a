"""The stream looked at again and again: windows of many lengths, and what noise is usual."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from homeostat.policy import DriftPolicy, judge_at, with_reported
from homeostat.profile import Profile
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = ["LENGTHS", "Learnt", "Usual", "WatchState", "due", "judge_windows", "lengths"]

#: Lengths of the windows, in looks: 5, 10, 15, 25, 40 minutes, 1, 1.7, 2.7, 4, 8 and 24 hours
#: where a look is made every five minutes.
LENGTHS = (1, 2, 3, 5, 8, 12, 20, 32, 48, 96, 288)

#: A window is asked about so many times while it moves on by its own length.
ASKED_PER_LENGTH = 8

#: So many independent windows all the overlapping ones are worth, counted in alarms: 4.9 to
#: 5.9 were simulated for the default lengths and critical values of 4.25 to 5 standard errors
#: (benchmarks/quality).
OVERLAP = 6.0

#: Windows that are worth what shorter ones say of a question's usual noise, beforehand.
PRIOR_WINDOWS = 10

#: In its first looks a stream is learnt from whatever it looks like.
CALIBRATION_LOOKS = 20

#: Afterwards what was seen waits for so many looks, and as many again at most, before it is
#: learnt, and windows that changed never are: a change must not become usual while it is
#: still too small to be shown.
WAITING_LOOKS = 288

#: A question is noisier than independent rows make it when so many standard errors say so.
SHOWN_FROM_Z = 4.0

#: One window counts for at most so many usual deviations when it is learnt from.
LARGEST_Z = 5.0

#: An answer beyond it is as good as impossible.
IMPOSSIBLE_Z = 37.0

_Name = tuple[str, str]  #: subject and statistic
_ByLength = Mapping[int, Mapping[_Name, "Usual"]]  #: of windows, in looks


@dataclass(frozen=True, slots=True)
class Usual:
    """How a question was answered in windows of one length in which nothing was wrong."""

    windows: int = 0
    squares: float = 0.0  #: sum of squared normal deviates of its p-values


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
class WatchState:
    """What the looks at one version have left behind; plain numbers that can be stored."""

    usual: "_ByLength" = field(default_factory=dict)  #: what is learnt
    waiting: Mapping[int, "_ByLength"] = field(default_factory=dict)  #: what is not yet
    failing: tuple[int, ...] = ()  #: lengths of the windows that were changed when last asked
    started: int | None = None  #: the number of the first look

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data that JSON can hold."""
        return {
            "failing": list(self.failing),
            "started": self.started,
            "usual": _plain(self.usual),
            "waiting": {str(bucket): _plain(held) for bucket, held in self.waiting.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "WatchState":
        """The state that `to_dict` wrote."""
        return cls(
            usual=_by_length(plain["usual"]),
            waiting={int(bucket): _by_length(one) for bucket, one in plain["waiting"].items()},
            failing=tuple(plain["failing"]),
            started=plain["started"],
        )

    def settled(self, look: int) -> "WatchState":
        """The state at this look, with what has waited long enough learnt."""
        ripe = [one for one in self.waiting if one < look // WAITING_LOOKS - 1]
        usual = self.usual
        for bucket in ripe:
            usual = _merged(usual, self.waiting[bucket])
        waiting = {k: held for k, held in self.waiting.items() if k not in ripe}
        started = look if self.started is None else self.started
        return replace(self, usual=usual, waiting=waiting, started=started)

    def after(self, look: int, seen: "_ByLength") -> "WatchState":
        """The state when these windows have been seen at this look."""
        if look < (self.started or 0) + CALIBRATION_LOOKS:
            return replace(self, usual=_merged(self.usual, seen))
        bucket = look // WAITING_LOOKS
        waiting = {**self.waiting, bucket: _merged(self.waiting.get(bucket, {}), seen)}
        return replace(self, waiting=waiting)


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
    reference: Callable[[int], Profile],
    windows: Mapping[int, Profile],
    policy: DriftPolicy,
    state: WatchState,
    *,
    look: int,
) -> tuple[Verdict, WatchState]:
    """Whether any of the windows that end now differs from the reference.

    The false alarms that the policy allows are split among the overlapping windows and
    their questions.  What a question says when nothing is wrong is learnt from the windows
    before, for each length apart: rows that depend on each other, and hours that differ from
    the mean of the day, make it noisier than its p-value says, and it is taken for so much
    less.

    Parameters
    ----------
    reference
        What the window of a length is compared with.
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
    state = state.settled(look)
    verdicts: dict[int, Verdict] = {}
    seen: dict[int, Mapping[_Name, Usual]] = {}
    for length in sorted(windows):
        held: list[Measurement] = []
        of = learnt(state.usual, length)
        tempered = partial(_tempered, learnt=of, into=held)
        verdict = judge_at(reference(length), windows[length], policy, alpha, tempered)
        verdicts[length] = verdict
        calibrating = look < (state.started or 0) + CALIBRATION_LOOKS
        if look % length < max(1, length // ASKED_PER_LENGTH) and (
            calibrating or verdict.outcome is not Outcome.FAIL
        ):
            seen[length] = _seen(held, of)
    failing = [one for one, verdict in verdicts.items() if verdict.outcome is Outcome.FAIL]
    shown = _shown(verdicts)
    details = {
        **verdicts[shown].details,
        "window_looks": shown,
        "windows": {str(one): verdict.outcome.value for one, verdict in verdicts.items()},
        "budget": {"false_alarms_per_week": policy.false_alarms_per_week, "alpha": alpha},
    }
    verdict = with_reported(verdicts[shown], reference(shown), windows[shown], policy)
    after = state.after(look, seen) if any(seen.values()) else state
    return replace(verdict, details=details), replace(after, failing=tuple(failing))


def learnt(usual: Mapping[int, Mapping[_Name, Usual]], length: int) -> Callable[[_Name], Learnt]:
    """How noisy each question is in windows of this length.

    What the next shorter windows say counts as `PRIOR_WINDOWS` windows of this length, made
    larger as the noise grew from the ones before to them, and by no more than rows that are
    all alike would.
    """
    shorter = [one for one in sorted(usual) if one < length]

    def of(name: _Name) -> Learnt:
        chain: list[tuple[int, float]] = []
        for one in shorter:
            seen = usual[one].get(name, Usual())
            chain.append((one, _learnt(seen, _expected(chain, one)).factor))
        return _learnt(usual.get(length, {}).get(name, Usual()), _expected(chain, length))

    return of


def _learnt(seen: Usual, expected: float) -> Learnt:
    worth = PRIOR_WINDOWS + seen.windows
    factor = (PRIOR_WINDOWS * expected + seen.squares) / worth
    shown = factor > 1 + SHOWN_FROM_Z * (2 / worth) ** 0.5
    return Learnt(factor, float(worth)) if shown or expected > 1 else Learnt()


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
    measured: Sequence[Measurement],
    learnt: Callable[[_Name], Learnt],
    into: list[Measurement],
) -> list[Measurement]:
    """The measurements with p-values for rows that are so noisy; the raw ones go `into`."""
    into.extend(one for one in measured if one.asked is not None and one.p_value is not None)
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


def _seen(measured: Sequence[Measurement], learnt: Callable[[_Name], Learnt]) -> dict[_Name, Usual]:
    """One window of each question; it counts for no more than is likely by what is learnt."""
    most = {
        (one.subject, one.statistic): LARGEST_Z**2
        * max(1.0, learnt((one.subject, one.statistic)).factor)
        for one in measured
    }
    return {
        name: Usual(1, min(_deviate(one.p_value or 0.0) ** 2, most[name]))
        for name, one in (((one.subject, one.statistic), one) for one in measured)
    }


def _merged(one: _ByLength, other: _ByLength) -> _ByLength:
    return {
        length: {
            name: Usual(sum(part.windows for part in parts), sum(part.squares for part in parts))
            for name in {**one.get(length, {}), **other.get(length, {})}
            for parts in [
                [held[length][name] for held in (one, other) if name in held.get(length, {})]
            ]
        }
        for length in {**one, **other}
    }


def _plain(held: _ByLength) -> dict[str, Any]:
    return {
        str(length): [[*name, one.windows, round(one.squares, 6)] for name, one in usual.items()]
        for length, usual in held.items()
    }


def _by_length(plain: Mapping[str, Any]) -> _ByLength:
    return {
        int(length): {(a, b): Usual(n, squares) for a, b, n, squares in usual}
        for length, usual in plain.items()
    }


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
