"""The windows of a stream, read from a real store."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from homeostat.policy import DriftPolicy
from homeostat.prediction import Prediction
from homeostat.profile import Profile
from homeostat.reference import Reference
from homeostat.store import MinuteProfile, Store, open_store
from homeostat.verdict import Outcome, Verdict
from homeostat.watch import due
from homeostat.windows import Stream, judge_stream
from tests.core.made import counted, fitted

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP, LOOKBACK, WEEK = timedelta(minutes=5), timedelta(hours=5), timedelta(weeks=1)
POLICY = DriftPolicy()


def values(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    return {"income": np.random.default_rng([seed, n]).standard_normal(n) + shift}


BINS = fitted(values(20_000, 0))
REFERENCE = Reference(
    model="loans",
    created_at=NOON - 4 * WEEK,
    source="made",
    data_fingerprint="0" * 64,
    profile=counted(BINS, values(20_000, 0)),
)


class Looks:
    """A store in which one look after the other is counted and judged."""

    def __init__(self, store: Store, version: int = 1) -> None:
        self.store = store
        self.stream = Stream(store=store, model="loans", version=version, reference=REFERENCE)

    def fill(self, until: datetime, *, looks: int, shift: float = 0.0, n: int = 200) -> None:
        """Rows before each of so many looks, of which the last is made at `until`."""
        starts = [until - STEP * i for i in range(looks, 0, -1)]
        parts = [
            MinuteProfile(
                "loans",
                self.stream.version,
                start,
                counted(BINS, values(n, int(start.timestamp()) // 60, shift)).sparse(),
            )
            for start in starts
        ]
        stored = Prediction(
            id=f"{self.stream.version} until {until.isoformat()}",
            model="loans",
            version=self.stream.version,
            received_at=starts[0],
            features={},
            prediction=0,
            probability=0.0,
            body_digest="0" * 64,
        )
        self.store.add_predictions([stored], lambda _: parts)

    def judge(self, at: datetime, policy: DriftPolicy = POLICY) -> tuple[Verdict, Profile]:
        whole = self.stream.window(LOOKBACK, until=at)
        return judge_stream(self.stream, whole, policy, lookback=LOOKBACK, at=at)

    @property
    def learnt(self) -> dict[str, list[list[object]]]:
        """What is kept of the usual noise, by length of the window."""
        held = self.store.flag(f"watch:loans:{self.stream.version}")
        return json.loads(held)["usual"] if held else {}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        yield store


def test_the_verdict_says_which_window_it_speaks_of(store: Store) -> None:
    looks = Looks(store)
    looks.fill(NOON - STEP, looks=150)
    looks.fill(NOON, looks=1, shift=1.0)
    verdict, shown = looks.judge(NOON)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.window == (NOON - STEP, NOON)
    assert shown.n == 200
    assert verdict.details["drifted"] == ["income"]


def test_hours_that_differ_from_the_day_are_compared_with_the_same_hours_of_weeks_before(
    store: Store,
) -> None:
    looks = Looks(store)
    looks.fill(NOON - WEEK, looks=150, shift=0.6)
    looks.fill(NOON, looks=150, shift=0.6)
    by_reference, _ = looks.judge(NOON)
    by_season, _ = looks.judge(NOON, DriftPolicy(seasonal_weeks=1))
    too_early, _ = looks.judge(NOON - WEEK, DriftPolicy(seasonal_weeks=1))

    assert by_reference.outcome is Outcome.FAIL
    assert by_season.outcome is Outcome.PASS
    assert too_early.outcome is Outcome.INCONCLUSIVE
    assert "0 in the reference" in too_early.reason


def test_a_change_shows_against_the_same_hours_too(store: Store) -> None:
    looks = Looks(store)
    looks.fill(NOON - WEEK, looks=150, shift=0.6)
    looks.fill(NOON, looks=150, shift=0.9)
    verdict, _ = looks.judge(NOON, DriftPolicy(seasonal_weeks=1))
    [shift] = [one for one in verdict.measurements if one.statistic == "location"]

    assert verdict.outcome is Outcome.FAIL
    assert shift.drifted
    assert shift.n_reference == shift.n_current
    assert shift.effect == pytest.approx(0.3, abs=0.1)


def test_the_next_version_goes_on_from_what_was_learnt_of_the_stream(store: Store) -> None:
    first, second = Looks(store, 1), Looks(store, 2)
    first.fill(NOON, looks=150)
    for i in range(12, 0, -1):
        first.judge(NOON - STEP * i)
    second.fill(NOON + STEP, looks=150)
    verdict, _ = second.judge(NOON + STEP)
    names, counts = zip(*((name, n) for _, name, n, _ in second.learnt["1"]), strict=True)

    assert verdict.outcome is Outcome.PASS
    assert verdict.details["settled"] is True
    assert "location" in names
    assert set(counts) == {13}
    assert {n for _, _, n, _ in first.learnt["1"]} == {12}


def test_what_failed_in_one_version_is_not_failing_in_the_next(store: Store) -> None:
    first, second = Looks(store, 1), Looks(store, 2)
    first.fill(NOON, looks=150, shift=1.0)
    verdict, _ = first.judge(NOON)
    second.fill(NOON + STEP, looks=150)
    after, _ = second.judge(NOON + STEP)
    look = int((NOON + STEP).timestamp() / STEP.total_seconds())

    assert verdict.outcome is Outcome.FAIL
    assert 48 not in due(look, 60)
    assert {int(one) for one in after.details["windows"]} == set(due(look, 60))


@pytest.mark.parametrize(("n", "rows"), [(10, 40), (50, 50), (0, 0)])
def test_the_newest_rows_are_looked_for_in_doublings(store: Store, n: int, rows: int) -> None:
    looks = Looks(store)
    looks.fill(NOON, looks=24, n=n)
    found = looks.stream.newest(step=STEP, longest=LOOKBACK, until=NOON)

    assert found.n == rows


def test_a_creep_is_added_up_over_windows_and_anew_for_the_next_version(store: Store) -> None:
    hour = 12 * STEP
    first, second = Looks(store, 1), Looks(store, 2)

    def judged(looks: Looks, at: datetime, shift: float) -> Verdict:
        looks.fill(at, looks=12, shift=shift, n=17)
        whole = looks.stream.window(hour, until=at)
        return judge_stream(looks.stream, whole, POLICY, lookback=hour, at=at)[0]

    quiet = [judged(first, NOON + i * hour, 0.0) for i in range(12)]
    creeping = [judged(first, NOON + (12 + i) * hour, 0.12) for i in range(40)]
    seen = next(i for i, one in enumerate(creeping) if one.outcome is Outcome.FAIL)
    after = judged(second, NOON + 52 * hour, 0.12)

    assert {one.outcome for one in quiet} == {Outcome.PASS}
    assert 3 <= seen <= 25
    assert creeping[seen].details["drifted"] == ["income"]
    assert "crept away from the reference" in creeping[seen].reason
    assert creeping[-1].outcome is Outcome.FAIL
    assert after.outcome is Outcome.PASS
