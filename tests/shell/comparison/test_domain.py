"""A classifier that tells samples apart sees what no column shows, and nothing else."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from homeostat.battery import TOGETHER
from homeostat.comparison import compare
from homeostat.comparison.comparing import ASKED
from homeostat.comparison.domain import separation
from homeostat.verdict import Outcome

ROWS = 1500


def crossed(seed: int, agreeing: float) -> pl.DataFrame:
    """Three columns; in so many rows the sign of the third is the product of the others'.

    Every two of them are independent, so neither a margin nor a correlation tells.
    """
    rng = np.random.default_rng(seed)
    a, b, size = rng.normal(size=(3, ROWS))
    sign = np.sign(a * b) * np.where(rng.random(ROWS) < agreeing, 1.0, -1.0)
    return pl.DataFrame(
        {
            "a": a,
            "b": b,
            "c": np.abs(size) * sign,
            "noise": rng.normal(size=ROWS),
            "text": rng.choice(["x", "y", "z"], ROWS),
        }
    )


BEFORE, AGREEING, SAME = crossed(0, 0.5), crossed(1, 0.9), crossed(2, 0.5)


def test_it_sees_what_no_column_and_no_pair_shows() -> None:
    plain, asked = (compare(BEFORE, AGREEING, joint=joint) for joint in (False, True))

    assert plain.outcome is Outcome.PASS
    assert asked.outcome is Outcome.FAIL
    assert asked.changed == []
    assert TOGETHER in asked.reason
    assert set(asked.given_away_by) == {"a", "b", "c"}


def test_it_says_the_auc_and_what_it_could_have_seen() -> None:
    found = compare(BEFORE, AGREEING, joint=True)

    assert found.together is not None
    [seen] = [one for one in found.together.measurements if one.statistic == "domain_classifier"]
    assert found.together.main == seen
    assert seen.value == pytest.approx(0.5 + seen.effect)
    assert seen.effect > ASKED
    assert seen.minimum_detectable_effect is not None
    assert seen.minimum_detectable_effect >= ASKED
    assert (seen.n_reference, seen.n_current) == (ROWS, ROWS)


def test_nothing_changed_gives_nothing_away() -> None:
    found = compare(BEFORE, SAME, joint=True)

    assert found.outcome is Outcome.PASS
    assert found.given_away_by == {}
    assert found.policy.alpha == pytest.approx(0.001)


def test_the_same_rows_give_the_same_answer() -> None:
    first, second = (compare(BEFORE, AGREEING, joint=True).to_dict() for _ in range(2))

    assert first == second


def test_missing_infinite_and_rare_values_are_told_apart_too() -> None:
    rng = np.random.default_rng(4)
    sides = [
        pl.DataFrame(
            {
                "x": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS)),
                "y": np.where(rng.random(ROWS) < part, np.inf, rng.normal(size=ROWS)),
                "k": rng.choice([f"k{i}" for i in range(400)], ROWS),
            }
        )
        for part in (0.0, 0.3)
    ]

    found = compare(sides[0], sides[1], joint=True)

    assert next(iter(found.given_away_by)) == "y"


def test_too_few_rows_are_no_matter_for_a_classifier() -> None:
    found = compare(BEFORE[:150], AGREEING, joint=True)

    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.given_away_by == {}


@pytest.mark.slow
def test_the_p_value_keeps_its_promise() -> None:
    rng = np.random.default_rng(7)
    runs, level = 30, 0.1
    p_values = [
        separation(
            rng.normal(size=(300, 3)), rng.normal(size=(250, 3)), list("abc"), [False] * 3, rng
        ).p_value
        for _ in range(runs)
    ]

    assert sum(p < level for p in p_values) <= binom.ppf(0.9999, runs, level)
    assert min(p_values) > 1e-4
    assert max(p_values) > 0.5
