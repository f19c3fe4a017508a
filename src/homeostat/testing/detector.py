# ruff: noqa: S101 (a check asserts)
"""What every detector must do.

Run each check on a detector of your own and a stream of what it takes; it raises
AssertionError where the detector fails:

```
@pytest.mark.parametrize("check", list(detector_checks()), ids=lambda c: c.__name__)
def test_detector(check):
    check(MyDetector(), NUMBERS)
```
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from math import inf, isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from homeostat.detectors import Detector, State, fold
from homeostat.errors import UserError

__all__ = ["ERRORS", "NUMBERS", "Stream", "binned", "detector_checks"]

Check = Callable[[Detector[Any], "Stream"], None]
Draw = Callable[[np.random.Generator, int], NDArray[Any]]  #: generator and n to values

STREAMS = 20  #: with other seeds, wherever chance plays a part
QUIET = 2_500  #: values of a quiet stream
BEFORE, AFTER = 1_000, 500  #: values before a large change, and in which it is to be seen
UNSTATED = 1_000.0  #: run length that is asked where a detector states none
SURE = 0.999  #: of a detector that does as promised, so many pass the count of false alarms
SEEN = 0.9  #: share of large changes to be seen
CUTS = 100  #: of a replay into parts
LARGEST_STATE = 32_768  #: bytes of JSON
GROWTH = 1.5  #: of the state while the values become five times as many


@dataclass(frozen=True, slots=True)
class Stream:
    """A source of independent values, before and after a large change."""

    name: str
    quiet: Draw
    changed: Draw
    still: float | None  #: a value that is no change when it stands still; None: each is one
    refused: tuple[Any, ...] = (nan, inf, -inf, None, "1")  #: what is no value

    def values(self, seed: int, *parts: tuple[Draw, int]) -> list[float]:
        """So many of each, one after the other."""
        random = np.random.default_rng(seed)
        return [one for draw, n in parts for one in draw(random, n).tolist()]

    def calm(self, seed: int, n: int = QUIET) -> list[float]:
        """Values in which nothing changes."""
        return self.values(seed, (self.quiet, n))

    def story(self, seed: int) -> list[float]:
        """Three changes, each followed by a return."""
        return self.values(seed, *[(self.quiet, BEFORE), (self.changed, AFTER)] * 3)


#: Standard normal numbers that rise by three standard deviations.
NUMBERS = Stream(
    "numbers",
    quiet=lambda random, n: random.normal(size=n),
    changed=lambda random, n: random.normal(3, size=n),
    still=0.0,
)

#: Errors of a model, 1, and successes, 0: one in ten is wrong, then every second.
ERRORS = Stream(
    "errors",
    quiet=lambda random, n: (random.random(n) < 0.1).astype(float),
    changed=lambda random, n: (random.random(n) < 0.5).astype(float),
    still=0.0,
    refused=(nan, inf, -inf, None, "1", 0.5, 2, -1),
)


def binned(shares: NDArray[np.float64]) -> Stream:
    """Bins of rows with these shares, which a change turns round: the first becomes the last.

    A column that stands still is a change here.
    """
    k = len(shares)
    return Stream(
        f"{k} bins",
        quiet=lambda random, n: random.choice(k, size=n, p=shares),
        changed=lambda random, n: random.choice(k, size=n, p=shares[::-1]),
        still=None,
        refused=(nan, inf, -inf, None, "1", 0.5, k, -1),
    )


def detector_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_the_state_is_plain_and_comes_back
    yield check_the_state_stays_small
    yield check_nothing_given_is_changed
    yield check_a_replay_gives_the_same_state
    yield check_what_is_no_value_is_refused
    yield check_a_still_stream_never_alarms
    yield check_false_alarms_are_as_promised
    yield check_a_large_change_is_seen
    yield check_an_alarm_is_told_once_and_can_come_again


def check_the_state_is_plain_and_comes_back(detector: Detector[Any], stream: Stream) -> None:
    """Through strict JSON, at every n; what all states tell is told and agrees."""
    state = detector.start()
    assert (state.n, state.alarmed_at, state.alarm) == (0, None, False), f"it starts as {state}"
    for n, value in enumerate(stream.story(1), start=1):
        state = detector.update(state, value)

        assert state.n == n, f"n is {state.n} after {n} values"
        assert state.alarm == (state.alarmed_at == n), f"alarm and alarmed_at differ: {state}"
        assert isfinite(state.statistic), f"the statistic is {state.statistic} after {n} values"
        assert not state.alarm or state.statistic >= state.threshold, f"an alarm below: {state}"
        if n % 97 == 0 or state.alarm:
            again = detector.from_dict(json.loads(_text(state)))
            assert again == state, f"JSON made {again} of {state}"


def check_the_state_stays_small(detector: Detector[Any], stream: Stream) -> None:
    """At most 32 KiB of JSON, and no growth with the values."""
    values = stream.calm(2, 5 * QUIET)
    state, _ = fold(detector, values[:QUIET])
    early = len(_text(state))
    state, _ = fold(detector, values[QUIET:], state)
    late = len(_text(state))

    assert late <= LARGEST_STATE, f"{late:,} bytes after {5 * QUIET:,} values"
    assert late <= GROWTH * early, f"{early:,} bytes grew to {late:,} with {QUIET:,} values"


def check_nothing_given_is_changed(detector: Detector[Any], stream: Stream) -> None:
    """The same state and value give the same next state, whatever came in between."""
    state = detector.start()
    for i, value in enumerate(stream.story(3)):
        looking = i % 25 == 0 or state.alarm
        before = _text(state) if looking else ""
        following = detector.update(state, value)
        if looking:
            after = _text(following)
            fold(detector, stream.calm(i, 40), state)
            again = _text(detector.update(state, value))

            assert _text(state) == before, f"an update changed {before} to {_text(state)}"
            assert again == after, f"the same update gave {after}, and {again} later"
        state = following


def check_a_replay_gives_the_same_state(detector: Detector[Any], stream: Stream) -> None:
    """In one go, or in parts with JSON and another process in between."""
    values = stream.story(4)
    cuts = sorted(np.random.default_rng(5).integers(0, len(values), CUTS).tolist())
    fresh, whole, state = deepcopy(detector), detector.start(), detector.start()
    for start, end in zip([0, *cuts], [*cuts, len(values)], strict=True):
        elsewhere = deepcopy(fresh)
        whole, alarms = fold(detector, values[start:end], whole)
        state = elsewhere.from_dict(json.loads(_text(state)))
        state, found = fold(elsewhere, values[start:end], state)

        assert found == alarms, f"alarms at {list(found)} in parts, at {list(alarms)} in one go"
        assert state == whole, f"{state} in parts, {whole} in one go"


def check_what_is_no_value_is_refused(detector: Detector[Any], stream: Stream) -> None:
    """With a UserError that names it, and what is huge or tiny too, or else it is borne."""
    state, _ = fold(detector, stream.calm(6, 50))
    for value in stream.refused:
        refusal = _refusal(detector, state, value)
        assert refusal is not None, f"it takes {value!r} for a value"
        assert repr(value) in refusal, f"{value!r} is refused without being named: {refusal}"
    for value in (1.7e308, -1.7e308, 5e-324):
        if _refusal(detector, state, value) is None:
            borne, _ = fold(detector, [value, -value, value, *stream.calm(7, 50)], state)
            assert _text(borne), f"{value!r} spoils the state"


def check_a_still_stream_never_alarms(detector: Detector[Any], stream: Stream) -> None:
    """Where nothing moves there is nothing to tell; not asked where that is a change."""
    if stream.still is None:
        return
    _, alarms = fold(detector, [stream.still] * QUIET)

    assert not alarms, f"alarms at {list(alarms)} while all values were {stream.still}"


def check_false_alarms_are_as_promised(detector: Detector[Any], stream: Stream) -> None:
    """In 20 quiet streams of 2,500 values: no more than chance allows at the stated rate.

    A detector that states none is allowed one in 1,000 values.
    """
    stated = detector.run_length
    assert stated is None or stated > 1, f"it states a run length of {stated}"
    n = STREAMS * QUIET
    seen = sum(len(fold(detector, stream.calm(seed + 100))[1]) for seed in range(STREAMS))
    expected = n / (stated or UNSTATED)
    allowed = next(k for k in range(n + 1) if pdtr(k, expected) >= SURE)

    assert seen <= allowed, (
        f"{seen} false alarms in {n:,} values; {expected:.3g} stated, at most {allowed} by chance"
    )


def check_a_large_change_is_seen(detector: Detector[Any], stream: Stream) -> None:
    """Within 500 values, after 1,000 quiet ones, in at least 18 of 20 streams."""
    seen = 0
    for seed in range(STREAMS):
        parts = (stream.quiet, BEFORE), (stream.changed, AFTER)
        _, alarms = fold(detector, stream.values(seed + 200, *parts))
        seen += any(n > BEFORE for n in alarms)

    assert seen >= SEEN * STREAMS, f"a large change of {stream.name} seen in {seen} of {STREAMS}"


def check_an_alarm_is_told_once_and_can_come_again(detector: Detector[Any], stream: Stream) -> None:
    """It restarts: the next value is no alarm, the alarm is remembered, another can follow."""
    seen, streams = 0, STREAMS // 2
    for seed in range(streams):
        told = None
        state = detector.start()
        for value in stream.story(seed + 300):
            state = detector.update(state, value)
            if told is not None and state.n == told.n + 1:
                assert not state.alarm, f"alarms at {told.n} and at {state.n}"
                assert state.alarmed_at == told.n, f"the alarm at {told.n} is forgotten: {state}"
                assert state.statistic < told.statistic, f"after {told} it goes on as {state}"
            told = state if state.alarm else told
        seen += told is not None and told.n > 2 * (BEFORE + AFTER)

    assert seen >= SEEN * streams, f"the third change was seen in {seen} of {streams} streams"


def _text(state: State) -> str:
    """The state as strict JSON."""
    try:
        return json.dumps(state.to_dict(), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"the state is no plain data: {error}; {state}") from error


def _refusal(detector: Detector[Any], state: State, value: Any) -> str | None:
    try:
        detector.update(state, value)
    except UserError as error:
        return str(error)
    return None
