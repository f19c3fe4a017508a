"""The windows that end now: which are due, read from the store, and judged."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from homeostat.diagnosis import LEAST_ROWS
from homeostat.policy import DriftPolicy
from homeostat.profile import Profile
from homeostat.reference import Reference
from homeostat.store import Store
from homeostat.verdict import Verdict
from homeostat.watch import Compared, WatchState, due, judge_windows

__all__ = ["Longest", "Stream", "judge_stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What one version was asked, as the store has it."""

    store: Store
    model: str
    version: int
    reference: Reference

    def window(self, length: timedelta, *, until: datetime) -> Profile:
        """The profile of the rows received in that time."""
        return self.store.window_profile(
            self.model, self.version, self.reference.bins, until - length, until
        )

    def newest(self, *, step: timedelta, longest: timedelta, until: datetime) -> Profile:
        """The shortest window with `LEAST_ROWS` rows, looked for in doublings of `step`."""
        length = step
        while (held := self.window(length, until=until)).n < LEAST_ROWS and length < longest:
            length = min(2 * length, longest)
        return held


@dataclass(frozen=True, slots=True, kw_only=True)
class Longest:
    """The judge of a stream, asked about any profile in the place of the longest window.

    It knows what noise is usual, learns nothing, and leaves no trace.
    """

    stream: Stream
    policy: DriftPolicy
    lookback: timedelta
    at: datetime

    @property
    def reference(self) -> Profile:
        """What the longest window is compared with."""
        return _compared(self.stream, self.policy, at=self.at).reference(self._length)

    def __call__(self, whole: Profile) -> Verdict:
        """The verdict on this profile alone; what adds up over days is left out."""
        look = int(self.at.timestamp() // self.policy.interval_s)
        verdict, _ = judge_windows(
            _compared(self.stream, self.policy, at=self.at),
            {self._length: whole},
            self.policy,
            replace(_before(self.stream), creeping={}, crept_at=look),
            look=look,
        )
        return verdict

    @property
    def _length(self) -> int:
        """In looks."""
        return max(1, round(self.lookback / timedelta(seconds=self.policy.interval_s)))


def judge_stream(
    stream: Stream, whole: Profile, policy: DriftPolicy, *, lookback: timedelta, at: datetime
) -> tuple[Verdict, Profile]:
    """The verdict on the windows that are due at a look, and the window that it speaks of.

    What is learnt of the usual noise is kept in the store.

    Parameters
    ----------
    whole
        The profile of the whole `lookback`.
    """
    step = timedelta(seconds=policy.interval_s)
    longest = max(1, round(lookback / step))

    def window(length: int) -> Profile:
        return whole if length == longest else stream.window(length * step, until=at)

    name = f"watch:{stream.model}:{stream.version}"
    before = _before(stream)
    look = int(at.timestamp() // policy.interval_s)
    windows = _read(due(look, longest, before.failing), window, policy.min_rows)
    verdict, after = judge_windows(
        _compared(stream, policy, at=at),
        windows,
        policy,
        before,
        look=look,
    )
    if after != before:
        stream.store.set_flag(name, json.dumps(after.to_dict(), separators=(",", ":")))
    shown = int(verdict.details["window_looks"])
    return replace(verdict, window=(at - shown * step, at)), windows[shown]


def _compared(stream: Stream, policy: DriftPolicy, *, at: datetime) -> Compared:
    step = timedelta(seconds=policy.interval_s)

    def seasonal(length: int) -> Profile:
        weeks = (timedelta(weeks=1 + one) for one in range(policy.seasonal_weeks))
        earlier = (stream.window(length * step, until=at - week) for week in weeks)
        return sum(earlier, Profile.empty(stream.reference.bins))

    return Compared(
        seasonal if policy.seasonal_weeks else lambda _: stream.reference.profile,
        lambda length, ago: stream.window(length * step, until=at - ago * step),
        stream.reference.profile,
    )


def _before(stream: Stream) -> WatchState:
    """What was left behind by the looks at this version, or at the last one that has any.

    Another version is asked by the same users, so the noise that is usual stays; its
    reference is another, so nothing is added up yet.
    """
    for version in range(stream.version, 0, -1):
        held = stream.store.flag(f"watch:{stream.model}:{version}")
        if held:
            state = WatchState.from_dict(json.loads(held))
            if version == stream.version:
                return state
            return replace(state, failing=(), creeping={}, crept_at=None)
    return WatchState()


def _read(asked: Sequence[int], window: Callable[[int], Profile], least: int) -> dict[int, Profile]:
    """The windows that are asked about, from the longest to the first with too few rows.

    The shorter ones have still fewer and need not be read.
    """
    windows: dict[int, Profile] = {}
    for length in reversed(asked):
        windows[length] = window(length)
        if windows[length].n < least:
            break
    return windows
