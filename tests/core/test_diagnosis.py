from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.bins import PREDICTION, PROBABILITY, fit_numeric
from homeostat.diagnosis import (
    LEAST_ROWS,
    Cause,
    Diagnosis,
    Scene,
    bad_version,
    diagnose,
)
from homeostat.policy import DriftPolicy, judge_drift
from homeostat.profile import Profile
from homeostat.statistics.unit import unit_factor
from homeostat.verdict import Outcome, Verdict
from tests.core.made import counted, feature, fitted, said, text

Columns = dict[str, NDArray[Any]]


def rows(n: int, seed: int) -> Columns:
    """An income, a number of children, a region; the score follows the income."""
    random = np.random.default_rng(seed)
    income = random.lognormal(10, 1, n)
    score = 1 / (1 + np.exp(np.log(income) - 10 + 2))
    return {
        "income": income,
        "children": random.poisson(1.5, n).astype(float),
        "region": text(random.choice(["north", "south", "east"], n).tolist()),
        PROBABILITY: score,
        PREDICTION: text(np.where(score > 0.3, "1", "0").tolist()),
    }


BINS = fitted(rows(5_000, 0))
REFERENCE = counted(BINS, rows(5_000, 0))
QUIET = said(Outcome.PASS, "quality", "as promised")
BROKEN = said(Outcome.FAIL, "quality", "Brier score 0.3 where the scores promise 0.1")
WAITING = said(Outcome.INCONCLUSIVE, "quality", "3 labelled rows, 200 asked")


@dataclass(frozen=True)
class Window:
    """What is changed in a window, and in its newest part."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    newest: Mapping[str, Any] | None = None  #: as the window where None
    n: int = 2_000

    def profile(self, changes: Mapping[str, Any], n: int, seed: int) -> Profile:
        columns = rows(n, seed)
        for name, change in changes.items():
            columns[name] = change(columns[name])
        return counted(BINS, columns)

    def seen(
        self, quality: Verdict = QUIET, known: frozenset[str] = frozenset()
    ) -> tuple[Diagnosis, Verdict]:
        newest = self.changes if self.newest is None else self.newest
        current = self.profile(self.changes, self.n, 1)
        drift = judge_drift(REFERENCE, current, DriftPolicy())
        scene = Scene(
            reference=REFERENCE,
            current=current,
            newest=self.profile(newest, 200, 2),
            known_faults=known,
        )
        return diagnose(drift, quality, scene), drift


def half(change: Any) -> Any:
    """The change in the newer half of the rows only."""

    def changed(values: NDArray[Any]) -> NDArray[Any]:
        after = values.copy()
        middle = len(values) // 2
        after[middle:] = change(values)[middle:]
        return after

    return changed


def in_cents(values: NDArray[Any]) -> NDArray[Any]:
    return values * 100


def in_another_currency(values: NDArray[Any]) -> NDArray[Any]:
    return values * 6


def in_thousands(values: NDArray[Any]) -> NDArray[Any]:
    return values / 1000


def mostly_missing(values: NDArray[Any]) -> NDArray[Any]:
    after = values.copy()
    after[: len(values) // 2] = np.nan if values.dtype == float else None
    return after


def all_missing(values: NDArray[Any]) -> NDArray[Any]:
    return np.full_like(values, np.nan if values.dtype == float else None)


def stuck(values: NDArray[Any]) -> NDArray[Any]:
    return np.full_like(values, values[0])


def renamed(values: NDArray[Any]) -> NDArray[Any]:
    return text([f"{value}_2" for value in values])


def richer(values: NDArray[Any]) -> NDArray[Any]:
    return values * 1.3


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("income", in_cents, "times those of the reference: another unit"),
        ("income", in_thousands, "of those of the reference: another unit"),
        ("income", mostly_missing, "50% missing, 0% in the reference"),
        ("income", all_missing, "100% missing, 0% in the reference"),
        ("region", all_missing, "100% missing, 0% in the reference"),
        ("income", stuck, "stuck: all values are the same"),
        ("region", stuck, "stuck: all values are the same"),
        ("region", renamed, "100% of the values are unknown to the reference"),
    ],
)
def test_a_broken_feed_is_a_data_fault(name: str, change: Any, words: str) -> None:
    found, drift = Window({name: change}).seen()

    assert drift.outcome is Outcome.FAIL
    assert found.cause is Cause.DATA_FAULT
    assert found.features == (name,)
    assert found.past == ()
    assert words in found.reason
    assert name in found.advice


def test_broken_data_is_looked_for_before_the_world_is_blamed() -> None:
    found, _ = Window({"income": in_cents}).seen(quality=BROKEN)

    assert found.cause is Cause.DATA_FAULT


def test_all_broken_feeds_are_named() -> None:
    found, _ = Window({"income": in_cents, "region": renamed}).seen()

    assert sorted(found.features) == ["income", "region"]
    assert found.reason.count(";") == 1


def test_a_fault_that_has_just_begun_shows_in_the_newest_part() -> None:
    """In the window half the incomes have another unit: no factor explains that."""
    window = Window({"income": half(in_another_currency)}, newest={"income": in_another_currency})
    blind = Window({"income": half(in_another_currency)}, newest={})

    assert window.seen()[0].cause is Cause.DATA_FAULT
    assert blind.seen()[0].cause is Cause.COVARIATE_SHIFT


def test_a_repaired_feed_is_not_learnt_while_the_window_holds_the_fault() -> None:
    """Broken in the older half, whole again in the newest part."""
    window = Window({"income": half(in_another_currency)}, newest={})
    found, _ = window.seen(known=frozenset({"income"}))

    assert found.cause is Cause.DATA_FAULT
    assert found.past == found.features == ("income",)
    assert found.reason == "income: its feed was broken in a part of this window"


def test_a_known_fault_does_not_excuse_another_feature() -> None:
    found, _ = Window({"income": richer}).seen(known=frozenset({"region"}))

    assert found.cause is Cause.COVARIATE_SHIFT


def test_too_few_newest_rows_say_nothing() -> None:
    current = Window().profile({"income": richer}, 2_000, 1)
    scene = Scene(
        reference=REFERENCE,
        current=current,
        newest=Window().profile({"income": all_missing}, LEAST_ROWS - 1, 2),
    )

    found = diagnose(judge_drift(REFERENCE, current, DriftPolicy()), QUIET, scene)

    assert found.cause is Cause.COVARIATE_SHIFT


def test_other_rows_with_the_same_relation_are_a_covariate_shift() -> None:
    found, _ = Window({"income": richer}).seen()

    assert found.cause is Cause.COVARIATE_SHIFT
    assert found.features == ("income",)
    assert "the labels still agree with the scores" in found.reason


def test_without_labels_nobody_says_they_agree() -> None:
    found, _ = Window({"income": richer}).seen(quality=WAITING)

    assert found.cause is Cause.COVARIATE_SHIFT
    assert "the labels cannot tell yet" in found.reason


def test_when_only_the_scores_moved_it_is_a_prior_shift() -> None:
    found, drift = Window({PROBABILITY: lambda p: np.minimum(1.0, p * 1.5)}).seen()

    assert drift.details["drifted"] == [PROBABILITY]
    assert found.cause is Cause.PRIOR_SHIFT
    assert found.features == ()


@pytest.mark.parametrize("changes", [{}, {"income": richer}], ids=["no drift", "drift"])
def test_when_the_labels_disagree_it_is_a_concept_drift(changes: Mapping[str, Any]) -> None:
    found, _ = Window(changes).seen(quality=BROKEN)

    assert found.cause is Cause.CONCEPT_DRIFT
    assert found.features == tuple(changes)
    assert BROKEN.reason in found.reason


def test_a_quiet_window_has_no_cause() -> None:
    found, drift = Window().seen()

    assert drift.outcome is Outcome.PASS
    assert found.cause is Cause.NONE
    assert found.features == ()


EMPTY = Scene(reference=REFERENCE, current=REFERENCE, newest=REFERENCE)


@pytest.mark.parametrize(
    ("drift", "quality"),
    [(Outcome.ERROR, Outcome.PASS), (Outcome.PASS, Outcome.ERROR), (Outcome.ERROR, Outcome.ERROR)],
)
def test_what_could_not_be_looked_at_is_unknown(drift: Outcome, quality: Outcome) -> None:
    found = diagnose(said(drift, reason="no store"), said(quality, "quality", "no labels"), EMPTY)

    assert found.cause is Cause.UNKNOWN
    assert found.reason == "drift: no store; quality: no labels"


@pytest.mark.parametrize("quality", [Outcome.PASS, Outcome.INCONCLUSIVE])
def test_too_little_data_is_not_told_as_no_change(quality: Outcome) -> None:
    drift = said(Outcome.INCONCLUSIVE, reason="3 rows in the window, 200 asked")
    found = diagnose(drift, said(quality, "quality"), EMPTY)

    assert found.cause is Cause.NONE
    assert "nothing has changed" not in found.reason
    assert "3 rows in the window, 200 asked" in found.reason


def test_a_feature_that_was_nearly_all_missing_and_now_is_has_no_fault() -> None:
    """From 90 % to 100 % is no jump, and of values that are not there nothing can be said."""
    sparse = np.where(np.arange(1_000) % 10, np.nan, 1.0 + np.arange(1_000))
    bins = fitted({"x": sparse})
    reference, current = (counted(bins, {"x": x}) for x in (sparse, sparse * np.nan))
    drift = judge_drift(reference, current, DriftPolicy())
    found = diagnose(drift, QUIET, Scene(reference=reference, current=current, newest=current))

    assert drift.details["drifted"] == ["x"]
    assert found.cause is Cause.COVARIATE_SHIFT


def test_a_feature_that_is_no_longer_counted_is_left_out() -> None:
    drift = Verdict(
        question="drift", outcome=Outcome.FAIL, reason="r", details={"drifted": ["gone", "income"]}
    )

    assert diagnose(drift, QUIET, EMPTY).features == ("income",)


def test_a_failed_promotion_is_a_bad_version() -> None:
    found = bad_version(said(Outcome.FAIL, "aftermath", "F1 0.2, 0.4 by the version before"), 3)

    assert found.cause is Cause.BAD_VERSION
    assert "version 3" in found.reason
    assert "F1 0.2" in found.reason


def test_a_diagnosis_is_plain_data() -> None:
    found, _ = Window({"income": in_cents}).seen()

    assert found.to_dict() == {
        "cause": "data fault",
        "reason": found.reason,
        "features": ["income"],
        "past": [],
        "advice": found.advice,
    }


SHAPES = {
    "lognormal": np.random.default_rng(0).lognormal(10, 0.5, 5_000),
    "normal": np.random.default_rng(0).normal(170, 10, 5_000),
    "whole years": np.random.default_rng(0).integers(18, 90, 5_000).astype(float),
    "negative": -np.random.default_rng(0).lognormal(3, 0.7, 5_000),
    "tiny": np.random.default_rng(0).lognormal(-30, 0.5, 5_000),
}


@pytest.mark.parametrize("factor", [1000, 1 / 1000, 100, 1 / 100, 12, 1 / 12, 60, 2.54 * 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_of_units_is_found_with_its_factor(shape: str, factor: float) -> None:
    bins = fit_numeric("x", SHAPES[shape])
    window = np.random.default_rng(1).choice(SHAPES[shape], 500) * factor
    found = unit_factor(feature(bins, SHAPES[shape]), feature(bins, window))

    assert found is not None
    assert factor / 1.5 <= found <= factor * 1.5


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda x: x, id="none"),
        pytest.param(lambda x: x * 1.3, id="inflation"),
        pytest.param(lambda x: x * 2, id="twice as much"),
        pytest.param(lambda x: x + 2 * x.std(), id="two deviations up"),
        pytest.param(lambda x: x.mean() + 3 * (x - x.mean()), id="three times as wide"),
        pytest.param(lambda x: x[x > np.median(x)], id="only the upper half"),
        pytest.param(lambda x: np.full(500, np.median(x)), id="stuck"),
        pytest.param(lambda x: -x, id="the other sign"),
        pytest.param(lambda x: x * np.nan, id="nothing there"),
        pytest.param(lambda x: np.where(np.arange(len(x)) % 2, x, x * 1000), id="half of it"),
    ],
)
@pytest.mark.parametrize("shape", ["lognormal", "normal", "whole years", "negative"])
def test_no_factor_is_found_in_a_change_of_the_world(shape: str, change: Any) -> None:
    bins = fit_numeric("x", SHAPES[shape])
    window = change(SHAPES[shape][:1_000])

    assert unit_factor(feature(bins, SHAPES[shape]), feature(bins, window)) is None


def test_categories_have_no_factor() -> None:
    assert unit_factor(REFERENCE.feature("region"), REFERENCE.feature("region")) is None


def test_mostly_zeros_have_no_factor() -> None:
    values = np.where(np.random.default_rng(0).random(2_000) < 0.8, 0.0, 5.0)
    bins = fit_numeric("x", values)

    assert unit_factor(feature(bins, values), feature(bins, values * 100)) is None
