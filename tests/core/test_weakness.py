"""A planted weak segment is found, and where there is none none is, at the stated rate."""

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.schema import Row
from homeostat.weakness import Searched, WeakSegment, group_rows, holm, weak_segments

FEATURES = ("age", "income", "job", "region", "member")


def world(
    seed: int, n: int, *, plant: str = "", overconfident: float = 1.0
) -> tuple[list[Row], NDArray[np.int64], NDArray[np.float64]]:
    """Rows, labels and scores; some are harder than others, and nothing is wrong unless planted."""
    random = np.random.default_rng(seed)
    age, income = random.uniform(18, 80, n), np.exp(random.normal(size=n))
    job = random.choice(["clerk", "cook", "pilot"], n, p=[0.5, 0.3, 0.2])
    region = random.choice(list("abcdefgh"), n)
    member = random.random(n) < 0.4
    logit = -1 + 0.8 * np.log(income) + 0.03 * (age - 50) * (job == "cook")
    true = 1 / (1 + np.exp(-logit))
    scores = 1 / (1 + np.exp(-overconfident * logit))
    if plant == "more":
        true = np.where((job == "cook") & (age < 30), np.minimum(true * 2.5, 0.95), true)
    if plant == "flipped":
        true = np.where(region == "c", 1 - true, true)
    labels = (random.random(n) < true).astype(np.int64)
    gone = random.random(n) < 0.05
    rows: list[Row] = [
        {
            "age": float(age[i]),
            "income": None if gone[i] else float(income[i]),
            "job": str(job[i]),
            "region": str(region[i]),
            "member": bool(member[i]),
        }
        for i in range(n)
    ]
    return rows, labels, scores


def found(
    seed: int, n: int, *, plant: str = "", overconfident: float = 1.0, alpha: float = 0.01
) -> tuple[WeakSegment, ...]:
    rows, labels, scores = world(seed, n, plant=plant, overconfident=overconfident)
    searched = Searched(
        labels=labels,
        probabilities=scores,
        weights=np.ones(n),
        groups=group_rows(rows, FEATURES),
        half=np.arange(n) % 2 == 0,
    )
    return weak_segments(searched, alpha=alpha)


@pytest.mark.parametrize("overconfident", [1.0, 1.5])
def test_where_no_part_is_weak_none_is_found_but_at_the_stated_rate(overconfident: float) -> None:
    """Also where the scores are off everywhere: that is no weakness of a part."""
    alarms = sum(
        bool(found(seed, 2000, alpha=0.1, overconfident=overconfident)) for seed in range(200)
    )

    assert alarms <= 30  # of 200 at 10 %: 20 and two and a half deviations


@pytest.mark.parametrize("seed", range(5))
def test_a_part_with_more_positives_than_the_scores_say_is_found(seed: int) -> None:
    [first, *_] = found(seed, 8000, plant="more")

    assert "job cook" in first.name or "age" in first.name
    assert first.seen > 1.2 * first.expected
    assert first.p_value < 0.01
    assert first.cost > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_part_with_labels_the_other_way_round_is_found_first(seed: int) -> None:
    [first, *_] = found(seed, 8000, plant="flipped")

    assert "region c" in first.name
    assert first.brier > 1.2 * first.expected_brier


def test_with_few_rows_nothing_is_told() -> None:
    assert found(0, 150, plant="flipped") == ()


def test_the_search_is_the_same_each_time() -> None:
    assert found(1, 4000, plant="more") == found(1, 4000, plant="more")


def test_rows_are_cut_by_fifths_by_value_and_by_whether_there_is_one() -> None:
    rows: list[Row] = [
        {"x": None if i == 0 else float(i), "y": i % 2 == 0, "z": "one", "w": f"c{min(i, 20)}"}
        for i in range(101)
    ]
    groups = group_rows(rows, ["x", "y", "z", "w"])

    assert list(groups) == ["x", "y", "w"]
    codes, names = groups["x"]
    assert len(names) == 6
    assert names[codes[0]] == "x missing"
    assert np.bincount(codes).tolist() == [20, 20, 20, 20, 20, 1]
    assert groups["y"][1] == ["y True", "y False"]
    assert len(groups["w"][1]) == 13
    assert groups["w"][1][-1] == "w another"


def test_holm_is_holms() -> None:
    assert holm([]) == []
    assert holm([0.2]) == [0.2]
    assert holm([0.5, 0.9, 0.001]) == [1.0, 1.0, 0.003]
