import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from homeostat.metrics.confusion import Confusion, PairedConfusion

Ints = NDArray[np.int64]
ROWS = st.lists(st.tuples(*[st.integers(0, 1)] * 3), max_size=60)


def columns(rows: list[tuple[int, ...]]) -> tuple[Ints, Ints, Ints]:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


@given(ROWS, ROWS)
def test_parts_add_up_to_the_whole(a: list[tuple[int, ...]], b: list[tuple[int, ...]]) -> None:
    whole = PairedConfusion.of(*columns(a + b))
    parts = PairedConfusion.of(*columns(a)) + PairedConfusion.of(*columns(b))

    assert whole == parts
    assert whole.n == len(a) + len(b)
    labels, champion, candidate = columns(a + b)
    assert whole.champion == Confusion.of(labels, champion)
    assert whole.candidate == Confusion.of(labels, candidate)
    assert whole.positives == labels.sum()
    halves = Confusion.of(*columns(a)[:2]) + Confusion.of(*columns(b)[:2])
    assert halves == whole.champion


@settings(max_examples=30)
@given(ROWS.filter(bool))
def test_f1_is_that_of_scikit_learn(rows: list[tuple[int, ...]]) -> None:
    labels, champion, candidate = columns(rows)
    seen = PairedConfusion.of(labels, champion, candidate)

    assert seen.champion.f1 == pytest.approx(f1_score(labels, champion, zero_division=0))
    assert seen.f1_gain == pytest.approx(
        f1_score(labels, candidate, zero_division=0) - f1_score(labels, champion, zero_division=0)
    )


@given(ROWS)
def test_champion_and_candidate_in_each_others_place_see_the_opposite(
    rows: list[tuple[int, ...]],
) -> None:
    labels, champion, candidate = columns(rows)
    there = PairedConfusion.of(labels, champion, candidate)
    back = PairedConfusion.of(labels, candidate, champion)

    assert there.f1_gain == -back.f1_gain
    assert there.p_value == pytest.approx(back.p_value_of_loss, abs=1e-12)
    assert 0 <= there.p_value <= 1


def test_without_rows_there_is_no_gain_and_no_evidence() -> None:
    none = PairedConfusion()

    assert (none.n, none.positives, none.f1_gain, none.f1_gain_share) == (0, 0, 0, 0)
    assert none.p_value == none.p_value_of_loss == 1
    assert Confusion().f1 == 0


def test_the_gain_from_a_dead_champion_is_infinite() -> None:
    """A champion that finds nothing has F1 = 0: a share of that is no number, and no reason
    to keep it."""
    dead = PairedConfusion((900, 20, 0, 0, 30, 50, 0, 0))

    assert dead.champion.f1 == 0
    assert dead.candidate.f1 == pytest.approx(100 / 150)
    assert dead.f1_gain_share == float("inf")
    assert dead.p_value < 1e-6
    assert PairedConfusion((900, 0, 0, 0, 100, 0, 0, 0)).f1_gain_share == 0


def test_a_perfect_candidate_beside_a_dead_champion_is_evidence() -> None:
    """Neither F1 varies there, so the delta method sees no spread at all."""
    perfect = PairedConfusion((900, 0, 0, 0, 0, 100, 0, 0))
    few = PairedConfusion((98, 0, 0, 0, 0, 2, 0, 0))

    assert perfect.p_value == 0.5**100
    assert perfect.p_value_of_loss == 1
    assert few.p_value == 0.25


def test_equal_answers_are_no_evidence() -> None:
    same = PairedConfusion((900, 0, 0, 20, 30, 0, 0, 50))

    assert same.p_value == same.p_value_of_loss == 1


@pytest.mark.parametrize("n", [200, 1_000, 5_000])
def test_the_p_value_keeps_its_promise_between_equal_models(n: int) -> None:
    low = 0
    for seed in range(600):
        random = np.random.default_rng(seed)
        labels = (random.random(n) < 0.2).astype(np.int64)
        answers = [np.where(random.random(n) < 0.85, labels, 1 - labels) for _ in range(2)]
        low += PairedConfusion.of(labels, answers[0], answers[1]).p_value < 0.05

    assert low / 600 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert low / 600 >= 0.02  # nor is it idle


def test_the_spread_is_that_of_the_bootstrap() -> None:
    cells = np.array([700, 40, 30, 20, 60, 45, 25, 80])
    seen = PairedConfusion(tuple(cells.tolist()))
    random = np.random.default_rng(0)
    draws = random.multinomial(1_000, cells / 1_000, size=4_000)
    gains = [PairedConfusion(tuple(draw.tolist())).f1_gain for draw in draws]

    assert seen._standard_error() == pytest.approx(np.std(gains), rel=0.05)
