"""A drift of the size that the judge says it sees is planted, and must be seen."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from homeostat.battery import EFFECTS
from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.canary import CANARY, Shift, judge_canary, planted, shifted
from homeostat.policy import DriftPolicy, Level, judge_at, judge_drift
from homeostat.profile import Profile
from homeostat.usual import LOG_QUANTILE, Usual, learnt, tempered
from homeostat.verdict import Outcome, Verdict
from tests.core.made import Columns, counted, fitted, said, text

REGIONS, FLAGS, ANSWERS = text(list("nsew")), text(["true", "false"]), text(["0", "1"])
NAMES = ("income", "age", "children", "debt", "region", "member")


def rows(n: int, seed: int) -> Columns:
    """Features of all kinds: skewed, normal, few values, mostly zero, categories, two values."""
    random = np.random.default_rng([seed, n])
    income = random.lognormal(10, 0.5, n)
    income[random.random(n) < 0.05] = np.nan
    return {
        "income": income,
        "age": random.normal(45, 12, n),
        "children": random.poisson(1.5, n).astype(float),
        "debt": random.exponential(1_000, n) * (random.random(n) < 0.3),
        "region": REGIONS[random.choice(4, n, p=[0.6, 0.3, 0.09, 0.01])],
        "member": FLAGS[random.integers(0, 2, n)],
        PROBABILITY: random.beta(1, 9, n),
        PREDICTION: ANSWERS[(random.random(n) < 0.07).astype(int)],
    }


BINS = fitted(rows(10_000, 0))
REFERENCE = counted(BINS, rows(10_000, 0))
POLICY = DriftPolicy()


def window(n: int, seed: int = 1) -> Profile:
    return counted(BINS, rows(n, seed))


def judge(current: Profile) -> Verdict:
    return judge_drift(REFERENCE, current, POLICY)


@pytest.mark.parametrize("n", [200, 1_000, 30_000])
@pytest.mark.parametrize("turn", range(len(NAMES)))
def test_what_is_planted_is_seen_every_time(n: int, turn: int) -> None:
    for seed in range(1, 6):
        verdict = judge_canary(judge, REFERENCE, window(n, seed), turn=turn)

        assert verdict.question == CANARY
        assert verdict.outcome is Outcome.PASS, (seed, verdict.reason)
        assert f"was planted and seen by {verdict.details['statistic']}" in verdict.reason or (
            verdict.details["feature"] in verdict.reason
        )


def test_every_feature_has_its_turn() -> None:
    found = [
        judge_canary(judge, REFERENCE, window(2_000), turn=turn).details["feature"]
        for turn in range(2 * len(NAMES))
    ]

    assert found == [*NAMES, *NAMES]


@pytest.mark.parametrize("factor", [2.0, 4.0])
@pytest.mark.parametrize("turn", range(len(NAMES)))
def test_it_is_seen_in_noisy_streams_too(factor: float, turn: int) -> None:
    """Where windows usually differ by more, what could be seen is said to be larger."""
    log_quantile = LOG_QUANTILE + float(np.log(factor)) / 2
    names = [(one.name, statistic) for one in BINS.features for statistic in EFFECTS]
    noise = learnt({288: {name: Usual(300, log_quantile) for name in names}}, [288])[288]
    alpha = POLICY.alpha / 3
    level = Level(alpha=alpha, tempered=partial(tempered, noise=noise, settled=True, alpha=alpha))

    def noisy(current: Profile) -> Verdict:
        return judge_at(REFERENCE, current, POLICY, level)

    for n in (300, 5_000):
        verdict = judge_canary(noisy, REFERENCE, window(n), turn=turn)

        assert verdict.outcome is Outcome.PASS, verdict.reason


def blind(current: Profile) -> Verdict:
    """A judge that says what it would see, and sees nothing."""
    verdict = judge(current)
    unseen = tuple(replace(one, drifted=False) for one in verdict.measurements)
    details = {**verdict.details, "drifted": []}
    return replace(verdict, outcome=Outcome.PASS, measurements=unseen, details=details)


def half_blind(current: Profile) -> Verdict:
    """A judge that says it would see a change half as large as it does."""
    verdict = judge(current)
    told = tuple(
        replace(one, minimum_detectable_effect=one.minimum_detectable_effect / 2)
        if one.minimum_detectable_effect
        else one
        for one in verdict.measurements
    )
    return replace(verdict, measurements=told)


@pytest.mark.parametrize("asked", [blind, half_blind], ids=lambda one: one.__name__)
@pytest.mark.parametrize("turn", range(len(NAMES)))
def test_a_judge_that_sees_less_than_it_says_is_found(
    asked: Callable[[Profile], Verdict], turn: int
) -> None:
    """The negative control."""
    verdict = judge_canary(asked, REFERENCE, window(1_000), turn=turn)

    assert verdict.outcome is Outcome.FAIL
    assert f"a change of {NAMES[turn]} to" in verdict.reason
    assert "planted and not seen" in verdict.reason
    assert "over 1,000 rows" in verdict.reason


def test_too_few_rows_are_no_good_news() -> None:
    verdict = judge_canary(judge, REFERENCE, window(199), turn=0)

    assert (verdict.question, verdict.outcome) == (CANARY, Outcome.INCONCLUSIVE)
    assert "199 rows" in verdict.reason


def test_a_judge_that_could_not_look_is_an_error() -> None:
    verdict = judge_canary(lambda _: said(Outcome.ERROR), REFERENCE, window(500), turn=0)

    assert verdict.outcome is Outcome.ERROR


def test_a_feature_that_drifted_by_itself_is_passed_over() -> None:
    moved = rows(2_000, 1)
    current = counted(BINS, {**moved, "income": moved["income"] * 3})

    verdict = judge_canary(judge, REFERENCE, current, turn=0)

    assert judge(current).details["drifted"] == ["income"]
    assert verdict.details["feature"] == "age"
    assert verdict.outcome is Outcome.PASS


def test_where_all_drifted_nothing_can_be_told() -> None:
    moved = {
        name: values if values.dtype == object else values + 1e9
        for name, values in rows(2_000, 1).items()
    }
    moved |= {"region": text(["w"] * 2_000), "member": text(["true"] * 2_000)}

    verdict = judge_canary(judge, REFERENCE, counted(BINS, moved), turn=0)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no feature can be changed" in verdict.reason


@examples(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    effect=st.floats(0.06, 0.6),
    n=st.sampled_from([200, 1_000]),
    seed=st.integers(1, 50),
)
def test_only_the_one_feature_is_moved_and_no_row_is_lost(
    name: str, effect: float, n: int, seed: int
) -> None:
    before = window(n, seed)
    statistic = "g" if name in {"region", "member"} else "location"
    made = planted(REFERENCE, before, Shift(feature=name, statistic=statistic, effect=effect))
    if made is None:
        return

    others = [one.name for one in BINS.features if one.name != name]
    assert made.n == before.n
    assert made.counts.min() >= 0
    assert made.feature(name).missing == before.feature(name).missing
    assert made.feature(name).n == before.feature(name).n
    assert all(
        np.array_equal(made.feature(one).counts, before.feature(one).counts) for one in others
    )


def test_the_original_is_not_touched() -> None:
    before, same = window(1_000), window(1_000)

    judge_canary(judge, REFERENCE, before, turn=0)

    assert before == same
    assert np.array_equal(before.moments, same.moments)


def test_what_a_feature_has_in_common_with_others_stays() -> None:
    """A shift alone changes no correlation, as it does not in rows."""
    random = np.random.default_rng(3)
    x = random.standard_normal((20_000, 2))
    columns = {"a": x[:, 0], "b": 0.8 * x[:, 0] + 0.6 * x[:, 1]}
    bins = fitted(columns)
    reference = counted(bins, columns)
    made = planted(reference, reference, Shift(feature="a", statistic="location", effect=0.3))
    assert made is not None
    rowwise = counted(bins, {**columns, "a": columns["a"] + 0.3})

    assert made.scored.correlation[0, 1] == pytest.approx(
        rowwise.scored.correlation[0, 1], abs=0.02
    )
    assert made.scored.mean == pytest.approx(rowwise.scored.mean, abs=0.1)


def test_moments_move_with_the_rows() -> None:
    random = np.random.default_rng(4)
    columns = {"a": random.normal(100, 10, 20_000)}
    bins = fitted(columns)
    held = counted(bins, columns)
    sums = np.array([[20_000.0, columns["a"].sum(), (columns["a"] ** 2).sum()]])
    whole = Profile(bins, held.counts, sums, held.joint)

    made = planted(held, whole, Shift(feature="a", statistic="location", effect=0.5))

    assert made is not None
    assert made.feature("a").mean - whole.feature("a").mean == pytest.approx(5, abs=0.5)
    assert made.feature("a").std == pytest.approx(10, abs=0.5)
    assert shifted(whole, "a", held.feature("a").counts) == whole
