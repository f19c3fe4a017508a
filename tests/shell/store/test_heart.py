"""What loops promised and did is kept, and rows are counted beside those of weeks before."""

from dataclasses import replace
from datetime import timedelta

from homeostat.liveness import Beat
from homeostat.store import Store
from homeostat.store.beats import LONGEST
from homeostat.testing.store_samples import MINUTE, START, sample_prediction

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
LENGTHS = (10 * MINUTE, HOUR)


def beats(store: Store, model: str = "m") -> dict[str, Beat]:
    return {one.loop: one for one in store.heart.beats(model)}


def test_a_loop_promises_runs_succeeds_and_fails(store: Store) -> None:
    heart = store.heart
    heart.promised("m", "monitor", every_s=300.0, at=START)
    heart.seen("m", "monitor", at=START + MINUTE)
    heart.succeeded("m", "monitor", at=START + 2 * MINUTE)
    heart.failed("m", "monitor", at=START + 3 * MINUTE, problem="no disk")
    heart.failed("m", "monitor", at=START + 4 * MINUTE, problem="still none")

    assert beats(store)["monitor"] == Beat(
        loop="monitor",
        every_s=300.0,
        begun_at=START,
        seen_at=START + MINUTE,
        succeeded_at=START + 2 * MINUTE,
        failing_since=START + 3 * MINUTE,
        failures=2,
        problem="still none",
    )


def test_a_success_ends_the_failures_and_a_new_start_does_not(store: Store) -> None:
    heart = store.heart
    heart.promised("m", "monitor", every_s=300.0, at=START)
    heart.failed("m", "monitor", at=START, problem="no disk")
    heart.promised("m", "monitor", every_s=60.0, at=START + HOUR)
    started = beats(store)["monitor"]
    heart.succeeded("m", "monitor", at=START + HOUR)
    done = beats(store)["monitor"]

    assert (started.failures, started.every_s, started.begun_at) == (1, 60.0, START)
    assert (done.failures, done.failing_since, done.problem) == (0, None, "")


def test_loops_and_models_are_apart_and_can_be_forgotten(store: Store) -> None:
    for model, loop in (("m", "monitor"), ("m", "service"), ("other", "monitor")):
        store.heart.succeeded(model, loop, at=START)
    gone = store.heart.forget("m", "monitor")
    again = store.heart.forget("m", "monitor")

    assert (gone, again) == (True, False)
    assert list(beats(store)) == ["service"]
    assert list(beats(store, "other")) == ["monitor"]


def test_a_long_problem_is_cut(store: Store) -> None:
    store.heart.failed("m", "monitor", at=START, problem="x" * 9_999)

    assert len(beats(store)["monitor"].problem) == LONGEST


def rows(store: Store, moments: list[timedelta], name: str) -> None:
    """Rows before START + 5 weeks by so much."""
    now = START + 5 * WEEK
    store.add_predictions(
        [
            replace(sample_prediction(f"{name}-{i}"), model="m", received_at=now - one)
            for i, one in enumerate(moments)
        ]
    )


def test_no_rows_stand_beside_those_of_the_weeks_before(store: Store) -> None:
    for week in (1, 2, 3):
        for shift in (-HOUR, timedelta(), HOUR):
            n = 30 + week + (3 if shift else 0)
            rows(store, [week * WEEK + shift + 5 * MINUTE] * n, f"{week}{shift}")
    short, long = store.heart.lulls("m", LENGTHS, at=START + 5 * WEEK)

    assert (short.length, short.seen, short.weeks) == (10 * MINUTE, 0, 2)
    assert short.earlier == (31, 32)
    assert (long.length, long.seen) == (HOUR, 0)
    assert store.heart.lulls("other", LENGTHS, at=START)[0].weeks == 0


def test_rows_that_came_end_the_search(store: Store) -> None:
    rows(store, [30 * MINUTE, 3 * WEEK], "a")
    none, some = store.heart.lulls("m", (*LENGTHS, 6 * HOUR), at=START + 5 * WEEK)

    assert (none.seen, some.seen) == (0, 1)
    assert (none.earlier, some.earlier) == ((0, 0), ())


def test_a_window_is_half_open(store: Store) -> None:
    rows(store, [timedelta(), 10 * MINUTE], "a")
    short, *_ = store.heart.lulls("m", LENGTHS, at=START + 5 * WEEK)

    assert short.seen == 1
