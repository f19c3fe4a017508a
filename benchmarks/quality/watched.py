"""homeostat's own rule: looks at windows of many lengths, and what changes look like in them."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.quality.cases import REFERENCE_ROWS
from benchmarks.quality.changes import CHANGES, Change, draw_changed
from benchmarks.quality.counting import fit, profiles
from benchmarks.quality.streams import Stream, blocks, reference
from homeostat.policy import DriftPolicy
from homeostat.profile import Profile
from homeostat.verdict import Outcome, Verdict
from homeostat.watch import LENGTHS, Compared, WatchState, due, judge_windows

__all__ = ["MOST", "Branches", "Quiet", "Watcher", "quiet"]

LONGEST = max(LENGTHS)

#: Windows after a change until which one waits for it to be seen.
MOST = 40

RARELY = 4  #: a change that is hardly ever seen is planted once in so many times

AT_ONCE = 4  #: windows that are drawn while one waits

_PLACES = {one.name: i for i, one in enumerate(CHANGES)}


class Watcher:
    """Looks at a stream again and again, as the monitor does."""

    def __init__(self, before: Profile, policy: DriftPolicy) -> None:
        self._before, self._policy = before, policy
        self._sums = deque([Profile.empty(before.bins)], maxlen=2 * LONGEST + 1)
        self._state = WatchState()
        self._looks = 0
        self.failing = False  #: whether anything was called changed when last asked

    def branch(self) -> "Watcher":
        """Another that has seen the same so far."""
        other = Watcher(self._before, self._policy)
        other._sums, other._state = self._sums.copy(), self._state
        other._looks, other.failing = self._looks, self.failing
        return other

    def look(self, part: Profile) -> Verdict:
        """The verdict when the rows of one more interval have come in."""
        self._sums.append(self._sums[-1] + part)
        self._looks += 1
        asked = due(self._looks, LONGEST, self._state.failing)
        verdict, self._state = judge_windows(
            Compared(lambda _: self._before, self._window, self._before),
            {length: self._window(length) for length in asked},
            self._policy,
            self._state,
            look=self._looks,
        )
        self.failing = verdict.outcome is Outcome.FAIL
        return verdict

    def _window(self, length: int, ago: int = 0) -> Profile:
        """The rows of so many looks, of which the last was made so many looks ago."""
        last = len(self._sums) - 1
        until = max(0, last - ago)
        return self._sums[until] - self._sums[max(0, until - length)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """What is planted into copies of a quiet stream."""

    changes: tuple[str, ...]  #: names
    begin: int  #: the first look after which that is done
    every: int  #: and after how many more again
    most: int = MOST  #: windows for which one waits


@dataclass(slots=True)
class Quiet:
    """What came of a quiet stream, and of the changes planted into copies of it."""

    looks: int = 0
    failing: int = 0  #: looks at which something was called changed
    alarms: int = 0  #: those of them before which nothing was
    blamed: Counter[str] | None = None  #: what was called changed, by alarm
    delays: dict[str, list[int | None]] | None = None  #: windows until seen; None when not

    def to_dict(self) -> dict[str, Any]:
        """As plain data that JSON can hold."""
        return {
            "looks": self.looks,
            "failing": self.failing,
            "alarms": self.alarms,
            "blamed": dict(self.blamed or {}),
            "delays": self.delays or {},
        }


def quiet(
    stream: Stream, looks: int, branches: Branches | None, reference_rows: int = REFERENCE_ROWS
) -> Quiet:
    """So many looks at a stream in which nothing changes."""
    source = _Source.of(stream, reference_rows)
    watcher = Watcher(source.before, DriftPolicy())
    found = Quiet(blamed=Counter(), delays={})
    for number, part in enumerate(source.parts(looks), start=1):
        was = watcher.failing
        _note(found, watcher.look(part), was=was)
        if branches and _planted(number, branches) and not watcher.failing:
            _plant(found, watcher, source, branches, number)
    return found


@dataclass(frozen=True, slots=True)
class _Source:
    """A stream, counted in the bins of its reference."""

    stream: Stream
    before: Profile

    @classmethod
    def of(cls, stream: Stream, reference_rows: int) -> "_Source":
        rows = reference(stream, reference_rows)
        bins = fit(stream.population, rows)
        (before,) = profiles(rows, stream.population, bins)
        return cls(stream, before)

    def parts(self, windows: int) -> Iterator[Profile]:
        for block in blocks(self.stream, windows):
            yield from profiles(block, self.stream.population, self.before.bins)

    def changed(self, change: Change, number: int, most: int) -> Iterator[Profile]:
        """The windows after a change, a few drawn at a time."""
        seed = [self.stream.seed, number, _PLACES[change.name]]
        rng = np.random.default_rng(seed)
        for since in range(0, most, AT_ONCE):
            some = min(AT_ONCE, most - since)
            block = draw_changed(change, rng, some, self.stream.rows, since=since)
            yield from profiles(block, self.stream.population, self.before.bins)


def _planted(number: int, branches: Branches) -> bool:
    return number >= branches.begin and (number - branches.begin) % branches.every == 0


def _note(found: Quiet, verdict: Verdict, *, was: bool) -> None:
    found.looks += 1
    if verdict.outcome is not Outcome.FAIL:
        return
    found.failing += 1
    if not was and found.blamed is not None:
        found.alarms += 1
        worst = next(one for one in verdict.measurements if one.drifted)
        shape = worst.subject.partition("_")[2] or worst.subject
        found.blamed[f"{worst.statistic} of {shape}, {verdict.details['window_looks']} looks"] += 1


def _plant(
    found: Quiet, watcher: Watcher, source: _Source, branches: Branches, number: int
) -> None:
    rarely = (number - branches.begin) // branches.every % RARELY
    for change in CHANGES:
        skipped = change.rarely and rarely
        if change.name in branches.changes and not skipped and found.delays is not None:
            other = watcher.branch()
            looks = (other.look(part) for part in source.changed(change, number, branches.most))
            delay = next(
                (i for i, one in enumerate(looks, start=1) if one.outcome is Outcome.FAIL), None
            )
            found.delays.setdefault(change.name, []).append(delay)
