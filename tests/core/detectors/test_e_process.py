"""The e-process: its bets are fair, its promise holds, and it sees what it should."""

from collections.abc import Callable
from dataclasses import replace
from math import exp, expm1
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from homeostat.bins import fit_category, fit_numeric
from homeostat.detectors import fold
from homeostat.detectors.e_process import EDGES, GAINS, GROUPS, EProcess, EProcessState
from homeostat.errors import StateError, UserError
from homeostat.profile import FeatureProfile
from tests.core.made import feature

#: Three bins of which one is rare, so that a reference of a few rows misleads.
SHARES = np.array([0.68, 0.3, 0.02])
FEW = 12

Rows = NDArray[Any]


def quiet(seed: int, n: int, **asked: Any) -> tuple[EProcess, list[int]]:
    """A detector with a reference of few rows, and rows of the same source."""
    random = np.random.default_rng(seed)
    reference = tuple(random.multinomial(FEW, SHARES).tolist())
    detector = EProcess(reference=reference, seed=seed, **asked)
    return detector, random.choice(3, size=n, p=SHARES).tolist()


def ranks(detector: EProcess, rows: list[int]) -> list[float]:
    """The ranks of rows, read from the groups that they fall into, at the middle of each."""
    state, found = detector.start(), []
    for row in rows:
        following = detector.update(state, row)
        grown = np.array(following.recent) - np.array(state.recent)
        found.append((float(np.argmax(grown)) + 0.5) / GROUPS)
        state = following
    return found


def run_length(
    detector: EProcess, rows: list[int], step: Callable[[EProcess, EProcessState, int], Any]
) -> int:
    state = detector.start()
    for row in rows:
        state = step(detector, state, row)
        if state.alarm:
            break
    return int(state.n)


def test_each_bet_is_fair() -> None:
    widths = np.diff([0.0, *EDGES, 1.0])

    assert widths.sum() == 1
    assert widths @ np.exp(np.array(GAINS)) == pytest.approx(np.ones(len(GAINS[0])), abs=1e-12)


@settings(max_examples=25)
@given(recent=st.lists(st.floats(0, 500), min_size=GROUPS, max_size=GROUPS))
def test_the_bet_that_learns_is_fair_whatever_it_has_learnt(recent: list[float]) -> None:
    """Rows of the one bin there is have ranks that the hash makes uniform."""
    detector = EProcess(reference=(1, 0))
    state = replace(detector.start(), recent=tuple(recent))
    paid: dict[int, float] = {}
    for seed in range(200):
        following = replace(detector, seed=seed).update(state, 0)
        group = int(np.argmax(np.array(following.recent) - 0.998 * np.array(recent)))
        paid[group] = expm1(following.wealth[-1])

    assert len(paid) == GROUPS
    assert sum(paid.values()) == pytest.approx(GROUPS, rel=1e-9)


@pytest.mark.parametrize("ordered", [True, False])
def test_ranks_are_uniform_and_independent_with_few_rows_of_reference(ordered: bool) -> None:
    """Over references and rows alike: by group at rows 1, 2 and 8, and for pairs of rows."""
    seen = np.array([ranks(*quiet(seed, 8, ordered=ordered)) for seed in range(4_000)])
    places = (seen * GROUPS).astype(int)
    for row in (0, 1, 7):
        assert stats.chisquare(np.bincount(places[:, row], minlength=GROUPS)).pvalue > 1e-3
    for one, other in ((0, 1), (0, 7), (6, 7)):
        table = np.zeros((4, 4))
        np.add.at(table, (places[:, one] // 4, places[:, other] // 4), 1)
        assert stats.chisquare(table.ravel()).pvalue > 1e-3


def test_the_mean_is_the_number_of_rows() -> None:
    """E M_n = n, and so it stays when one stops at will: at 30 if M gets there."""
    n, fixed, stopped, at = 40, [], [], []
    for seed in range(1_500):
        detector, rows = quiet(seed, n, run_length=1e100)
        state, stop = detector.start(), None
        for row in rows:
            state = detector.update(state, row)
            if stop is None and expm1(state.statistic) >= 30:
                stop = state
        fixed.append(expm1(state.statistic))
        stopped.append(expm1((stop or state).statistic))
        at.append((stop or state).n)
    error = 3 * np.std(fixed) / len(fixed) ** 0.5
    excess = np.array(stopped) - at

    assert abs(np.mean(fixed) - n) < error
    assert error < 0.3 * n
    assert np.mean(excess) < 3 * np.std(excess) / len(excess) ** 0.5


@pytest.mark.parametrize("ordered", [True, False])
def test_false_alarms_are_at_least_the_run_length_apart(ordered: bool) -> None:
    """With 12 rows of reference, 100 rows asked; runs are cut off at 1,000."""
    lengths = [
        run_length(*quiet(seed, 1_000, run_length=100, ordered=ordered), EProcess.update)
        for seed in range(200)
    ]

    assert np.mean(lengths) - 3 * np.std(lengths) / len(lengths) ** 0.5 > 100


def test_a_reference_taken_for_the_truth_would_break_the_promise() -> None:
    """The rows are put back each time, so that ranks are those among the reference alone."""

    def forgetful(detector: EProcess, state: EProcessState, row: int) -> EProcessState:
        return replace(detector.update(state, row), bag=detector.reference)

    lengths = [run_length(*quiet(seed, 1_000, run_length=100), forgetful) for seed in range(200)]

    assert np.mean(lengths) + 3 * np.std(lengths) / len(lengths) ** 0.5 < 100


#: Bins of a normal number: below, 28 between, above, missing.
CUTS = np.concatenate(([-3.5], stats.norm.ppf(np.linspace(0, 1, 30)[1:-1]), [3.5]))


def bins_of(x: Rows) -> Rows:
    places = np.minimum(np.searchsorted(CUTS, x, side="right"), len(CUTS))
    return np.where(np.isnan(x), len(CUTS) + 1, places)


def normal(random: np.random.Generator, n: int) -> Rows:
    return bins_of(random.normal(size=n))


@pytest.mark.parametrize(
    ("changed", "within"),
    [
        pytest.param(lambda r, n: bins_of(r.normal(0.2, 1, n)), 1_000, id="shift of 0.2"),
        pytest.param(lambda r, n: bins_of(r.normal(-0.5, 1, n)), 150, id="shift of -0.5"),
        pytest.param(lambda r, n: bins_of(r.normal(0, 1.25, n)), 600, id="spread x 1.25"),
        pytest.param(lambda r, n: bins_of(r.standard_t(3, n) / 3**0.5), 600, id="heavier tail"),
        pytest.param(
            lambda r, n: bins_of(np.where(r.random(n) < 0.01, np.nan, r.normal(size=n))),
            1_200,
            id="1 % missing",
        ),
        pytest.param(
            lambda r, n: np.where(r.random(n) < 0.1, 15, normal(r, n)), 900, id="a tenth in a bin"
        ),
    ],
)
def test_a_change_is_seen_within_so_many_rows(
    changed: Callable[[np.random.Generator, int], Rows], within: int
) -> None:
    """After 500 quiet rows, against 10,000 of reference, at a run length of 10,000."""
    seen = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        counts = np.bincount(normal(random, 10_000), minlength=len(CUTS) + 2)
        detector = EProcess(reference=tuple(counts.tolist()), seed=seed)
        state, _ = fold(detector, normal(random, 500).tolist())
        _, alarms = fold(detector, changed(random, within).tolist(), state)
        seen += bool(alarms)

    assert seen >= 19


@pytest.mark.parametrize(
    ("shares", "within"),
    [
        pytest.param([0.5, 0.3, 0.15, 0.05, 0.0], 2_000, id="nothing changed"),
        pytest.param([0.49, 0.3, 0.15, 0.05, 0.01], 1_000, id="a new category of 1 %"),
        pytest.param([0.4, 0.4, 0.15, 0.05, 0.0], 1_500, id="a tenth of the rows moved"),
        pytest.param([0.55, 0.35, 0.1, 0.0, 0.0], 1_500, id="a category gone"),
    ],
)
def test_a_change_of_categories_is_seen(shares: list[float], within: int) -> None:
    seen = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        counts = random.multinomial(10_000, [0.5, 0.3, 0.15, 0.05, 0.0])
        detector = EProcess(reference=tuple(counts.tolist()), ordered=False, seed=seed)
        _, alarms = fold(detector, random.choice(5, size=within, p=shares).tolist())
        seen += bool(alarms)

    assert seen <= 5 if shares[0] == 0.5 else seen >= 19


def test_rows_of_a_lasting_change_become_part_of_the_bag() -> None:
    """The stated limit: twenty times the reference later the change is no news any more."""
    random = np.random.default_rng(5)
    detector = EProcess(reference=tuple(random.multinomial(300, SHARES).tolist()))
    changed = random.choice(3, size=9_000, p=[0.3, 0.4, 0.3]).tolist()
    _, alarms = fold(detector, changed)

    assert alarms[0] < 100
    assert sum(n <= 3_000 for n in alarms) > 5
    assert sum(n > 6_000 for n in alarms) <= 1


@given(
    counts=st.lists(st.integers(0, 20), min_size=3, max_size=3),
    seed=st.integers(0, 5),
    n=st.integers(0, 9),
)
def test_the_rows_of_a_batch_are_its_counts_in_another_order(
    counts: list[int], seed: int, n: int
) -> None:
    detector = EProcess(reference=(5, 5, 5), seed=seed)
    state, _ = fold(detector, [0] * n)
    rows = detector.rows(counts, state)

    assert np.bincount(rows, minlength=3).tolist() == counts
    assert rows == detector.rows(counts, state)


def test_the_order_of_a_batch_is_no_pattern() -> None:
    """Rows sorted by bin would be a change each time; in a drawn order they are none."""
    random = np.random.default_rng(6)
    detector = EProcess(reference=(200, 200, 200), run_length=1_000)
    drawn, ordered, found = detector.start(), detector.start(), [0, 0]
    for _ in range(20):
        counts = random.multinomial(100, np.full(3, 1 / 3)).tolist()
        drawn, some = fold(detector, detector.rows(counts, drawn), drawn)
        ordered, others = fold(detector, np.repeat(range(3), counts).tolist(), ordered)
        found = [found[0] + len(some), found[1] + len(others)]

    assert found[0] <= 5
    assert found[1] >= 20


def test_it_is_made_for_the_profile_of_a_feature() -> None:
    values = np.append(np.arange(50.0), np.nan)
    number = EProcess.against(feature(fit_numeric("x", values), values), run_length=500, seed=3)
    bins = fit_category("c", ["a", "b"])
    profile = FeatureProfile(bins, np.array([3, 2, 0, 1], dtype=np.int64), np.zeros(3))
    category = EProcess.against(profile)

    assert (number.ordered, number.run_length, number.seed) == (True, 500, 3)
    assert sum(number.reference) == 51
    assert number.reference[-1] == 1
    assert category == EProcess(reference=(3, 2, 0, 1), ordered=False)


def test_equally_rare_bins_stand_one_after_the_other() -> None:
    """Each rank is one row's own: together they fill [0, 1] without a gap."""
    detector = EProcess(reference=(2, 5, 2, 0, 5), ordered=False)
    bag = (2, 5, 2, 0, 5)
    spans = sorted(
        (detector._rank(bag, i, 0.0), detector._rank(bag, i, 1.0)) for i in range(5) if bag[i]
    )

    assert spans == pytest.approx(
        np.array([(0, 5), (5, 10), (10, 12), (12, 14)]) / 14  # two of five, two of two
    )


def test_the_wealth_stays_a_number_at_the_longest_run_length() -> None:
    detector = EProcess(reference=(1_000, 0), run_length=1e100)
    state, alarms = fold(detector, [1] * 500)

    assert len(alarms) >= 1
    assert exp(state.statistic) < float("inf")


def test_a_state_of_other_bins_is_refused() -> None:
    state = EProcess(reference=(1, 2, 3)).start()
    with pytest.raises(StateError, match="start anew"):
        EProcess(reference=(1, 2)).from_dict(state.to_dict())


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param({"reference": (5,)}, "at least 2 bins", id="one bin"),
        pytest.param({"reference": (0, 0)}, "at least one row", id="no row"),
        pytest.param({"reference": (-1, 3)}, "not negative", id="negative"),
        pytest.param({"reference": (0.5, 3)}, "whole numbers", id="half a row"),
        pytest.param({"reference": (1, 3), "run_length": 0.5}, "run_length", id="no run"),
        pytest.param({"reference": (1, 3), "run_length": float("nan")}, "run_length", id="NaN"),
    ],
)
def test_what_is_wrong_with_the_settings_is_named(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        EProcess(**asked)
