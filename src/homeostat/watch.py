"""The stream looked at again and again: windows of many lengths, and what noise is usual."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from homeostat.battery import Asked, measure
from homeostat.creep import LOCATION, Creeping, crept, measured_creep
from homeostat.policy import (
    MOST_ALPHA,
    DriftPolicy,
    Level,
    judge_at,
    with_creep,
    with_reported,
)
from homeostat.profile import Profile
from homeostat.usual import Name, Noise, Usual, learnt, tempered
from homeostat.verdict import Outcome, Verdict

__all__ = [
    "ASKED_PER_LENGTH",
    "CREEP_SHARE",
    "LENGTHS",
    "OVERLAP",
    "SETTLED_AFTER",
    "Compared",
    "WatchState",
    "due",
    "judge_windows",
    "lengths",
]

#: Lengths of the windows, in looks: 5, 10, 15, 25, 40 minutes, 1, 1.7, 2.7, 4, 8 and 24 hours
#: where a look is made every five minutes.
LENGTHS = (1, 2, 3, 5, 8, 12, 20, 32, 48, 96, 288)

#: A window is asked about so many times while it moves on by its own length.
ASKED_PER_LENGTH = 20

#: So many independent windows all the overlapping ones are worth, counted in alarms.  Most
#: effects are too small to matter in windows of more than about five times the least rows,
#: and the four lengths up to there are worth 3.0 to 3.8 (simulated for critical values of 4
#: to 4.75 standard errors, benchmarks/quality).  Of what the level of a window allows, 0.5 to
#: 0.85 comes: questions about one feature go together, and whole rows cannot use up a small
#: level.  Together 1.5 to 3.2; alarms counted in 18,000 looks at a higher level gave 0.8 to
#: 2.6, by the kind of stream, the most where there are heavy ties.
OVERLAP = 2.5

#: What is usual is learnt by comparing a window with one that ended so many looks before, or
#: by its own length if that is more: long enough for a swing of the mix to have gone on, and
#: the same on both sides of a change but for the looks right after it.
LAG = 24

#: Age in looks from which on a stream counts as known: a third of a day where they are made
#: every five minutes.  Until then only changes that no mix of users makes count.
SETTLED_AFTER = 96

#: The part of the budget for what is added up over days.
CREEP_SHARE = 0.05

UNSETTLED = "the stream is too young to know its usual noise, so only large changes count"

_ByLength = Mapping[int, Mapping[Name, Usual]]  #: of windows, in looks


@dataclass(frozen=True, slots=True)
class Compared:
    """What a window is compared with."""

    reference: Callable[[int], Profile]  #: by the length of the window
    #: By its length and how many looks ago it ended; None when there was nothing yet.
    earlier: Callable[[int, int], Profile | None]
    original: Profile  #: of the version, from which nothing may creep away


@dataclass(frozen=True, slots=True)
class WatchState:
    """What the looks at one version have left behind; plain numbers that can be stored."""

    usual: "_ByLength" = field(default_factory=dict)  #: what is learnt
    failing: tuple[int, ...] = ()  #: lengths of the windows that were changed when last asked
    settled: bool = False  #: whether the stream is so old that what is usual counts as known
    creeping: Mapping[str, Creeping] = field(default_factory=dict)  #: added up, by feature
    crept_at: int | None = None  #: the look at which that was last done

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data that JSON can hold."""
        return {
            "settled": self.settled,
            "failing": list(self.failing),
            "creeping": {name: one.to_list() for name, one in self.creeping.items()},
            "crept_at": self.crept_at,
            "usual": {
                str(length): [
                    [*name, one.windows, round(one.log_quantile, 4)] for name, one in usual.items()
                ]
                for length, usual in self.usual.items()
            },
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "WatchState":
        """The state that `to_dict` wrote, also before anything was added up over days."""
        return cls(
            usual={
                int(length): {(a, b): Usual(n, log) for a, b, n, log in usual}
                for length, usual in plain["usual"].items()
            },
            failing=tuple(plain["failing"]),
            settled=plain["settled"],
            creeping={
                name: Creeping.from_list(one) for name, one in plain.get("creeping", {}).items()
            },
            crept_at=plain.get("crept_at"),
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

    Long windows hardly change from look to look, so each is asked about twenty times while
    it moves on by its length; one that is changed is asked about until it no longer is, and
    the longest, which sees the most, at every look.

    Examples
    --------
    >>> due(0, 288) == lengths(288), due(1, 288), due(1, 288, failing=[48])[-2:]
    (True, (1, 2, 3, 5, 8, 12, 20, 32, 288), (48, 288))
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
    """Whether any of the windows that end now differs from the reference, or all add up to it.

    The false alarms that the policy allows are split among the overlapping windows and
    their questions.  How far apart two windows usually are is learnt from the stream, for
    each question and length apart: rows that depend on each other, and hours that differ
    from the mean of the day, make a question noisier than its p-value says, and it is taken
    for so much less.  Longest windows that do not overlap are added up too, so that a slow
    creep is seen (see `homeostat.creep`).

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
    now = _Look(
        compared=compared,
        windows=windows,
        policy=policy,
        noise=learnt(state.usual, sorted(windows)),
        settled=state.settled or _settled(compared, max(windows), policy),
    )
    verdicts = {length: now.judged(length, detectable=False) for length in sorted(windows)}
    after = WatchState(
        usual=_usual_after(now, verdicts, state.usual, look),
        failing=tuple(one for one, seen in verdicts.items() if seen.outcome is Outcome.FAIL),
        settled=now.settled,
        **_creep_after(now, state, look),
    )
    return now.told(verdicts, after.creeping), after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What is known at one look."""

    compared: Compared
    windows: Mapping[int, Profile]
    policy: DriftPolicy
    noise: Mapping[int, Mapping[Name, Noise]]
    settled: bool

    @property
    def alpha(self) -> float:
        """The level of each window."""
        return self.policy.alpha * (1 - CREEP_SHARE) / OVERLAP

    @property
    def creep_alpha(self) -> float:
        """The level of what is added up, for each of the longest windows."""
        return min(MOST_ALPHA, self.policy.alpha * CREEP_SHARE * max(self.windows))

    def judged(self, length: int, *, detectable: bool) -> Verdict:
        """The verdict on one window alone."""
        noisy = partial(tempered, noise=self.noise[length], settled=self.settled, alpha=self.alpha)
        level = Level(alpha=self.alpha, tempered=noisy, detectable=detectable)
        return judge_at(self.compared.reference(length), self.windows[length], self.policy, level)

    def told(self, verdicts: Mapping[int, Verdict], creeping: Mapping[str, Creeping]) -> Verdict:
        """The verdict on all of them."""
        shown = _shown(verdicts)
        reference, window = self.compared.reference(shown), self.windows[shown]
        verdict = with_reported(self.judged(shown, detectable=True), reference, window, self.policy)
        if not self.settled and verdict.outcome is Outcome.PASS:
            verdict = replace(verdict, reason=f"{verdict.reason}; {UNSETTLED}")
        if creeping and verdict.measurements:
            asked = self.policy.effects[LOCATION]
            verdict = with_creep(
                verdict,
                measured_creep(
                    creeping, self.compared.original, asked=asked, alpha=self.creep_alpha
                ),
            )
        details = {
            **verdict.details,
            "window_looks": shown,
            "windows": {str(one): seen.outcome.value for one, seen in verdicts.items()},
            "settled": self.settled,
            "budget": {
                "false_alarms_per_week": self.policy.false_alarms_per_week,
                "alpha": self.alpha,
            },
        }
        return replace(verdict, details=details)


def _creep_after(now: _Look, state: WatchState, look: int) -> dict[str, Any]:
    """What is added up, with the longest window if none that was added overlaps it."""
    longest = max(now.windows)
    asked = now.policy.effects.get(LOCATION)
    if asked is None or not now.settled:
        return {}
    overlaps = state.crept_at is not None and 0 <= look - state.crept_at < longest
    if overlaps or now.windows[longest].n < now.policy.min_rows:
        return {"creeping": state.creeping, "crept_at": state.crept_at}
    creeping = crept(
        state.creeping,
        (now.compared.original, now.windows[longest]),
        now.noise[longest],
        asked=asked,
        alpha=now.creep_alpha,
    )
    return {"creeping": creeping, "crept_at": look}


def _usual_after(
    now: _Look, verdicts: Mapping[int, Verdict], usual: "_ByLength", look: int
) -> "_ByLength":
    """What is usual, with the windows that are to be learnt from at this look."""
    after = dict(usual)
    for length, window in now.windows.items():
        moved = look % length < max(1, length // ASKED_PER_LENGTH)
        if moved and window.n >= now.policy.min_rows:
            before = now.compared.earlier(length, max(length, LAG))
            if before is not None and before.n >= now.policy.min_rows:
                after[length] = _after(
                    after.get(length, {}), (before, window), now.policy, _changed(verdicts[length])
                )
    return after


def _settled(compared: Compared, longest: int, policy: DriftPolicy) -> bool:
    """Whether there were rows to judge so long ago."""
    before = compared.earlier(longest, SETTLED_AFTER)
    return before is not None and before.n >= policy.min_rows


def _after(
    usual: Mapping[Name, Usual],
    sides: tuple[Profile, Profile],
    policy: DriftPolicy,
    changed: Collection[Name],
) -> Mapping[Name, Usual]:
    """What is usual, with these two windows compared, but for what has changed."""
    asked = Asked(
        effects=policy.effects, min_rows=policy.min_rows, alpha=policy.alpha, detectable=False
    )
    after = dict(usual)
    for one in measure(*sides, asked):
        name = (one.subject, one.statistic)
        if one.p_value is not None and name not in changed:
            after[name] = usual.get(name, Usual()).after(one.p_value)
    return after


def _changed(verdict: Verdict) -> set[Name]:
    return {(one.subject, one.statistic) for one in verdict.measurements if one.drifted}


def _shown(verdicts: Mapping[int, Verdict]) -> int:
    """The window that speaks for all: the shortest that changed, else the longest judged."""
    by_outcome = {
        outcome: [one for one, verdict in verdicts.items() if verdict.outcome is outcome]
        for outcome in Outcome
    }
    if by_outcome[Outcome.FAIL]:
        return min(by_outcome[Outcome.FAIL])
    return max(by_outcome[Outcome.ERROR] or by_outcome[Outcome.PASS] or verdicts)
