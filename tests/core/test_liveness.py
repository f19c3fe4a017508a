"""What is said of loops follows from timestamps alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from homeostat.liveness import Beat, LivenessPolicy, Lull, State, judge_liveness, state_of
from homeostat.verdict import Outcome

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = LivenessPolicy()


def beat(loop: str = "monitor", **change: Any) -> Beat:
    """One that did a round just now and promised the next one in five minutes."""
    well = {"every_s": 300.0, "begun_at": NOW, "seen_at": NOW, "succeeded_at": NOW}
    return Beat(loop=loop, **{**well, **change})


def quiet(length: timedelta = 10 * MINUTE, *earlier: int, seen: int = 0) -> Lull:
    return Lull(length=length, seen=seen, weeks=len(earlier), earlier=earlier)


@pytest.mark.parametrize(
    ("one", "state"),
    [
        pytest.param(beat(), State.ALIVE, id="just done"),
        pytest.param(beat(succeeded_at=NOW - 10 * MINUTE), State.ALIVE, id="just within"),
        pytest.param(beat(succeeded_at=NOW - 11 * MINUTE), State.STALLED, id="no round"),
        pytest.param(
            beat(succeeded_at=None, begun_at=NOW - 11 * MINUTE), State.STALLED, id="never one"
        ),
        pytest.param(beat(succeeded_at=None), State.ALIVE, id="only begun"),
        pytest.param(beat(seen_at=NOW - 5 * MINUTE), State.ALIVE, id="just silent"),
        pytest.param(beat(seen_at=NOW - 6 * MINUTE), State.DEAD, id="silent"),
        pytest.param(
            beat(seen_at=NOW - 6 * MINUTE, succeeded_at=NOW - 60 * MINUTE), State.DEAD, id="both"
        ),
        pytest.param(beat(seen_at=None), State.ALIVE, id="made by somebody's schedule"),
        pytest.param(
            beat(seen_at=None, succeeded_at=NOW - 11 * MINUTE), State.STALLED, id="not called"
        ),
        pytest.param(beat(failing_since=NOW, failures=1), State.ALIVE, id="one failure"),
        pytest.param(beat(failing_since=NOW, failures=2), State.ERRING, id="two"),
        pytest.param(
            beat(failing_since=NOW - 11 * MINUTE, failures=1, every_s=3600.0),
            State.ERRING,
            id="one that stands",
        ),
        pytest.param(
            beat(failing_since=NOW, failures=9, succeeded_at=NOW - 11 * MINUTE),
            State.STALLED,
            id="failing for too long",
        ),
        pytest.param(beat(every_s=None, seen_at=NOW - 60 * MINUTE), State.FREE, id="no promise"),
        pytest.param(
            beat(every_s=None, failing_since=NOW, failures=2), State.ERRING, id="free and failing"
        ),
        pytest.param(beat(seen_at=NOW + 3 * MINUTE), State.ALIVE, id="a clock that is ahead"),
    ],
)
def test_the_state_of_a_loop(one: Beat, state: State) -> None:
    assert state_of(one, POLICY, now=NOW).state is state


@pytest.mark.parametrize("every_s", [0.01, 1.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 86_400.0])
def test_what_hangs_is_told_within_fifteen_minutes_of_when_it_was_due(every_s: float) -> None:
    """A minute is left for the look of whoever asks."""
    due = NOW - timedelta(seconds=every_s)
    dead = beat(every_s=every_s, seen_at=NOW - 14 * MINUTE)
    stalled = beat(every_s=every_s, succeeded_at=due - 14 * MINUTE)
    well = beat(every_s=every_s, succeeded_at=due - timedelta(seconds=50))
    erring = beat(every_s=every_s, failing_since=NOW - 14 * MINUTE, failures=1)

    assert state_of(dead, POLICY, now=NOW).state is State.DEAD
    assert state_of(stalled, POLICY, now=NOW).state is State.STALLED
    assert state_of(erring, POLICY, now=NOW).state is State.ERRING
    assert state_of(well, POLICY, now=NOW).state is State.ALIVE


def test_a_round_that_may_take_longer_is_waited_for() -> None:
    training = beat("loop", succeeded_at=NOW - 120 * MINUTE)
    still, over = NOW + MINUTE, NOW - MINUTE

    assert state_of(training, POLICY, now=NOW, busy_until=still).state is State.ALIVE
    assert state_of(training, POLICY, now=NOW, busy_until=over).state is State.STALLED
    dead = beat("loop", succeeded_at=NOW - 120 * MINUTE, seen_at=NOW - 120 * MINUTE)
    assert state_of(dead, POLICY, now=NOW, busy_until=still).state is State.DEAD


@pytest.mark.parametrize(
    ("lull", "outcome"),
    [
        pytest.param(quiet(10 * MINUTE, 900, 20, 450, 60), Outcome.FAIL, id="every week had some"),
        pytest.param(quiet(10 * MINUTE, 900, 19, 450, 60), Outcome.PASS, id="one had few"),
        pytest.param(quiet(10 * MINUTE, 900, 0, 450, 60), Outcome.PASS, id="one had none"),
        pytest.param(quiet(10 * MINUTE, 20), Outcome.FAIL, id="one week is enough"),
        pytest.param(quiet(10 * MINUTE), Outcome.PASS, id="no week yet"),
        pytest.param(quiet(10 * MINUTE, 900, seen=1), Outcome.PASS, id="rows come"),
    ],
)
def test_rows_are_missed_where_every_week_had_some(lull: Lull, outcome: Outcome) -> None:
    verdict = judge_liveness([beat()], [lull], POLICY, now=NOW)

    assert verdict.outcome is outcome
    assert ("traffic" in verdict.details["troubled"]) is (outcome is Outcome.FAIL)


def test_rows_that_come_seldom_are_missed_over_a_longer_time() -> None:
    lulls = [quiet(10 * MINUTE, 2, 3), quiet(60 * MINUTE, 14, 12), quiet(360 * MINUTE, 80, 95)]

    verdict = judge_liveness([], lulls, POLICY, now=NOW)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason == (
        "0 rows in the last 6 h; at least 80 in these hours of the 2 weeks before"
    )


def test_what_is_seen_and_what_is_asked_stands_in_the_reason() -> None:
    dead = beat(seen_at=NOW - 12 * MINUTE)
    erring = beat("loop", failing_since=NOW - 3 * MINUTE, failures=2, problem="no disk")

    verdict = judge_liveness([dead, erring, beat("service")], [], POLICY, now=NOW)

    assert (verdict.question, verdict.outcome) == ("liveness", Outcome.FAIL)
    assert "monitor is dead: its process said nothing for 12 min, 5 min allowed" in verdict.reason
    assert "loop is erring: 2 in a row failed since 3 min: no disk" in verdict.reason
    assert verdict.details["troubled"] == ["monitor", "loop"]
    assert [one.drifted for one in verdict.measurements] == [True, True, False]
    assert (verdict.measurements[0].value, verdict.measurements[0].asked) == (720.0, 300.0)


@pytest.mark.parametrize(
    ("beats", "outcome"),
    [
        pytest.param([], Outcome.INCONCLUSIVE, id="nobody promised anything"),
        pytest.param([beat(every_s=None)], Outcome.INCONCLUSIVE, id="looked once by hand"),
        pytest.param([beat()], Outcome.PASS, id="alive"),
        pytest.param([beat(failing_since=NOW, failures=2)], Outcome.ERROR, id="erring"),
        pytest.param(
            [beat(failing_since=NOW, failures=2), beat("loop", seen_at=NOW - 6 * MINUTE)],
            Outcome.FAIL,
            id="erring and dead",
        ),
    ],
)
def test_four_states_are_told_apart(beats: list[Beat], outcome: Outcome) -> None:
    assert judge_liveness(beats, [], POLICY, now=NOW).outcome is outcome
