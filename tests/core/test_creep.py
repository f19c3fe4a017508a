"""Shifts too small for any window, added up."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.creep import (
    HORIZON,
    LEAST_WINDOWS,
    REFERENCE_Z,
    Creeping,
    Sum,
    crept,
    measured_creep,
)
from homeostat.policy import DriftPolicy, with_creep
from homeostat.profile import Profile
from homeostat.usual import Noise
from homeostat.verdict import Measurement, Outcome, Verdict
from homeostat.watch import Compared, WatchState, judge_windows
from tests.core.made import counted, fitted

ASKED, ALPHA = 0.05, 0.007
ROWS = 200  #: of a window

RNG = np.random.default_rng(0)
COLUMNS = {
    "normal": RNG.standard_normal(40_000),
    "skewed": RNG.lognormal(0, 1, 40_000),
    "rare": (RNG.random(40_000) < 0.02).astype(float),
}
BINS = fitted(COLUMNS)
REFERENCE = counted(BINS, COLUMNS)


def draw(rng: np.random.Generator, n: int = ROWS, *, shift: float = 0.0) -> Profile:
    """A window of the reference's law, with the first feature moved by so many deviations."""
    values = {
        "normal": rng.standard_normal(n) + shift,
        "skewed": rng.lognormal(0, 1, n),
        "rare": (rng.random(n) < 0.02).astype(float),
    }
    return counted(BINS, values)


class Days:
    """Window after window, none of which overlaps another."""

    def __init__(self, reference: Profile = REFERENCE, factor: float = 1.0) -> None:
        self.reference = reference
        self.known: dict[str, Creeping] = {}
        self.noise = {(name, "location"): Noise(factor) for name in COLUMNS}

    def add(self, window: Profile) -> dict[str, Measurement]:
        self.known = crept(
            self.known, (self.reference, window), self.noise, asked=ASKED, alpha=ALPHA
        )
        found = measured_creep(self.known, self.reference, asked=ASKED, alpha=ALPHA)
        return {one.subject: one for one in found}


def seen_after(days: Days, rng: np.random.Generator, shift: float, most: int = 100) -> int | None:
    """The first window at which the first feature creeps."""
    for i in range(1, most + 1):
        if days.add(draw(rng, shift=shift))["normal"].drifted:
            return i
    return None


@given(
    counts=st.lists(st.integers(1, 500), min_size=3, max_size=20),
    asked=st.floats(0.01, 0.25),
)
def test_what_a_row_adds_is_a_likelihood_ratio(counts: list[int], asked: float) -> None:
    """It is 1 on average over the reference, but for the bias of the reference that is taken off.

    Begun from so much evidence that no end of it is reached.
    """
    values = np.repeat(np.arange(len(counts), dtype=float), counts)
    reference = counted(fitted({"x": values}), {"x": values})
    begun = {"x": Creeping(Sum(100.0, 1, 1), Sum(100.0, 1, 1))}
    ratios = []
    for value in range(len(counts)):
        row = counted(reference.bins, {"x": np.array([float(value)])})
        after = crept(begun, (reference, row), {}, asked=asked, alpha=1e-200)["x"]
        ratios.append([np.exp(side.evidence - 100.0) for side in (after.up, after.down)])
    bias = np.exp(-2 * asked * REFERENCE_Z / sum(counts) ** 0.5)

    assert np.average(ratios, axis=0, weights=counts) == pytest.approx([bias, bias])


def test_quiet_windows_creep_no_more_often_than_the_level_allows() -> None:
    rng, days = np.random.default_rng(1), Days()
    begun = was = 0
    for _ in range(1_500):
        now = any(one.drifted for one in days.add(draw(rng)).values())
        begun += now and not was
        was = now
    assert begun <= 1_500 * ALPHA / 2


def test_the_error_of_a_small_reference_does_not_add_up() -> None:
    for seed in range(5):
        rng = np.random.default_rng([2, seed])
        few = draw(rng, 2_000)
        days = Days(few)
        for _ in range(200):
            assert not any(one.drifted for one in days.add(draw(rng)).values())


def test_a_small_shift_that_no_window_shows_adds_up() -> None:
    delays = [seen_after(Days(), np.random.default_rng([3, seed]), 0.12) for seed in range(20)]
    assert all(delay is not None and LEAST_WINDOWS <= delay <= 40 for delay in delays)
    assert np.median([delay or 0 for delay in delays]) <= 18


def test_the_stated_shift_is_seen_within_the_horizon_4_times_in_5() -> None:
    stated = Days().add(draw(np.random.default_rng(4)))["normal"].minimum_detectable_effect
    assert stated is not None
    assert stated == pytest.approx(0.1, abs=0.03)
    delays = [
        seen_after(Days(), np.random.default_rng([5, seed]), stated, most=HORIZON)
        for seed in range(100)
    ]
    assert 72 <= sum(delay is not None for delay in delays) <= 95


def test_a_shift_that_does_not_matter_never_adds_up() -> None:
    rng, days = np.random.default_rng(6), Days()
    for _ in range(40):
        assert not days.add(draw(rng, 20_000, shift=0.03))["normal"].drifted


def test_one_odd_window_is_no_creep_and_is_soon_forgotten() -> None:
    rng, days = np.random.default_rng(7), Days()
    for shift in (1.0, 1.0, 0.0, 0.0):
        assert not days.add(draw(rng, 20_000, shift=shift))["normal"].drifted


def test_a_mended_creep_is_over_as_soon_as_it_is_undone() -> None:
    rng, days = np.random.default_rng(8), Days()
    while not days.add(draw(rng, shift=0.15))["normal"].drifted:
        pass
    lasting = [days.add(draw(rng, shift=0.15))["normal"].drifted for _ in range(50)]
    assert sum(lasting) >= 45
    mended = [days.add(draw(rng))["normal"].drifted for _ in range(15)]
    assert not any(mended[8:])


def test_rows_that_depend_on_each_other_count_for_less() -> None:
    window = draw(np.random.default_rng(9), shift=0.3)
    alone, alike = (
        crept(
            {},
            (REFERENCE, window),
            {("normal", "location"): Noise(factor)},
            asked=ASKED,
            alpha=ALPHA,
        )["normal"]
        for factor in (1.0, 4.0)
    )
    assert alike.worth == alone.worth / 4
    assert alike.up.evidence == pytest.approx(alone.up.evidence / 4)


def test_a_feature_that_never_varied_or_has_no_value_is_left_out() -> None:
    columns = {"flat": np.ones(1_000), "gone": np.full(1_000, np.nan), "x": RNG.random(1_000)}
    columns["gone"][0] = 1.0
    bins = fitted(columns)
    reference = counted(bins, columns)
    empty = counted(bins, {name: np.full(300, np.nan) for name in columns})
    found = crept({}, (reference, empty), {}, asked=ASKED, alpha=ALPHA)
    assert found == {"x": Creeping()}
    assert measured_creep(found, reference, asked=ASKED, alpha=ALPHA) == []


def test_a_sum_says_over_how_many_rows_and_by_how_much() -> None:
    after = Sum().after(0.1, 100, 1.0, 10.0).after(0.2, 300, 2.0, 10.0)
    assert (after.evidence, after.windows, after.rows) == (3.0, 2, 400)
    assert after.shift == pytest.approx(0.175)
    assert after.after(-0.5, 100, -4.0, 10.0) == Sum()


def looked(policy: DriftPolicy, shifts: list[float]) -> tuple[list[Verdict], WatchState]:
    """The verdicts on windows of one look, of a stream that is known."""
    rng, state, verdicts = np.random.default_rng(13), WatchState(settled=True), []
    compared = Compared(lambda _: REFERENCE, lambda *_: None, REFERENCE)
    for look, shift in enumerate(shifts):
        verdict, state = judge_windows(
            compared, {1: draw(rng, shift=shift)}, policy, state, look=look
        )
        state = WatchState.from_dict(json.loads(json.dumps(state.to_dict())))
        verdicts.append(verdict)
    return verdicts, state


DAILY = DriftPolicy(interval_s=86_400.0, false_alarms_per_week=0.1)


def test_a_creep_fails_the_verdict_and_says_what_was_seen() -> None:
    verdicts, state = looked(DAILY, [0.0] * 5 + [0.12] * 40)
    assert all(one.outcome is Outcome.PASS for one in verdicts[:5])
    first = next(one for one in verdicts if one.outcome is Outcome.FAIL)
    assert "1 of 3 crept away from the reference (normal: " in first.reason
    assert "0.05 asked over" in first.reason
    assert first.details["drifted"] == ["normal"]
    assert "creep" in [one.statistic for one in first.measurements if one.drifted]
    assert state.creeping["normal"].up.windows >= LEAST_WINDOWS


def test_a_quiet_verdict_says_which_creep_it_would_have_seen() -> None:
    verdicts, _ = looked(DAILY, [0.0])
    assert f"would be seen within {HORIZON} windows" in verdicts[0].reason


def test_a_window_is_added_once_while_it_moves_on_by_its_length() -> None:
    rng = np.random.default_rng(11)
    compared = Compared(lambda _: REFERENCE, lambda *_: None, REFERENCE)
    state, added = WatchState(settled=True), []
    for look in range(10):
        windows = {1: draw(rng), 4: draw(rng, 4 * ROWS)}
        _, state = judge_windows(compared, windows, DriftPolicy(), state, look=look)
        added.append(state.crept_at)
    assert added == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]


def test_nothing_is_added_up_where_no_shift_matters_or_the_stream_is_young() -> None:
    window = {1: draw(np.random.default_rng(12), shift=0.3)}
    compared = Compared(lambda _: REFERENCE, lambda *_: None, REFERENCE)
    effects = {"missing": 0.004}
    for policy, settled in ((DriftPolicy(effects=effects), True), (DriftPolicy(), False)):
        verdict, state = judge_windows(
            compared, window, policy, WatchState(settled=settled), look=0
        )
        assert not state.creeping
        assert not any(one.statistic == "creep" for one in verdict.measurements)


def test_what_could_not_be_told_is_still_said_beside_a_creep() -> None:
    days = Days()
    rng = np.random.default_rng(3)
    while not days.add(draw(rng, shift=0.15))["normal"].drifted:
        pass
    found = measured_creep(days.known, REFERENCE, asked=ASKED, alpha=ALPHA)
    broken = Verdict(question="drift", outcome=Outcome.ERROR, reason="no p-value for age")
    verdict = with_creep(broken, found)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("no p-value for age; 1 of 3 crept away")


def test_a_feature_without_values_since_the_stream_is_known_tells_of_no_creep() -> None:
    gone = counted(BINS, dict.fromkeys(COLUMNS, np.full(ROWS, np.nan)))
    compared = Compared(lambda _: REFERENCE, lambda *_: None, REFERENCE)

    verdict, _ = judge_windows(compared, {1: gone}, DriftPolicy(), WatchState(settled=True), look=0)

    assert verdict.outcome is Outcome.FAIL
    assert {one.statistic for one in verdict.measurements if one.drifted} == {"missing"}
    assert "crept" not in verdict.reason
