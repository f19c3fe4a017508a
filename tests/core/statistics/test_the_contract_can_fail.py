"""A statistic with one fault each, and the check that must find it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import chdtrc, kolmogorov, ndtr

from homeostat.bins import FeatureBins
from homeostat.chance import share_p_value
from homeostat.profile import Counts, FeatureProfile
from homeostat.statistics import Distance, normal_scores
from homeostat.statistics.chi2 import ChiSquare
from homeostat.statistics.ks import KolmogorovSmirnov
from homeostat.statistics.psi import PopulationStability
from homeostat.testing.statistic import statistic_checks

CHECKS = {check.__name__: check for check in statistic_checks()}

Measure = Callable[[FeatureProfile, FeatureProfile], Distance]
Stated = Callable[[FeatureProfile, FeatureProfile, float], float | None]


def states_nothing(
    reference: FeatureProfile, current: FeatureProfile, alpha: float
) -> float | None:
    return None


@dataclass(frozen=True)
class Faulty:
    distance: Measure
    detectable: Stated = states_nothing
    numeric: bool | None = None

    def applies(self, bins: FeatureBins) -> bool:
        return self.numeric is None or bins.kind.is_numeric is self.numeric


def deciles(of: FeatureProfile, counted: FeatureProfile) -> Counts:
    below = np.cumsum(of.present) - of.present
    groups = np.minimum(below * 10 // of.present.sum(), 9)
    return np.bincount(groups, weights=counted.present, minlength=10).astype(np.int64)


def psi(m: Counts, n: Counts) -> Distance:
    p, q = ((side + 0.5) / (side.sum() + 0.5 * len(side)) for side in (m, n))
    value = float(np.sum((q - p) * np.log(q / p)))
    return Distance(value, float(chdtrc(len(m) - 1, value / (1 / m.sum() + 1 / n.sum()))))


def bins_on_the_window(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    return psi(deciles(current, reference), deciles(current, current))


def drops_the_missing(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    before, now = (int(np.isnan(side.present).sum()) for side in (reference, current))
    m, n = int(reference.present.sum()), int(current.present.sum())
    return Distance(abs(now / n - before / m), share_p_value(before, m, now, n))


def takes_the_reference_for_the_truth(
    reference: FeatureProfile, current: FeatureProfile
) -> Distance:
    value = KolmogorovSmirnov().distance(reference, current).value
    return Distance(value, float(kolmogorov(np.sqrt(current.present.sum()) * value)))


def takes_the_mean_for_known(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    scores, n = normal_scores(reference), int(current.present.sum())
    mean = float(scores.values @ current.present) / n
    return Distance(abs(mean), float(2 * ndtr(-abs(mean) * np.sqrt(n))))


def counts_the_missing_as_a_value(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    """What it calls shares of values are shares of rows; a rise of the missing shows nowhere."""
    p, q = (side.present / side.counts.sum() for side in (reference, current))
    return Distance(abs(float((p / p.sum() - q / q.sum()).sum())))


def smooths_nothing(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    p, q = (side.present / side.present.sum() for side in (reference, current))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Distance(float(np.nansum((q - p) * np.log(q / p))))


def smooths_in_place(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    measured = PopulationStability().distance(reference, current)
    current.counts[0] += 1
    return measured


def pools_nothing(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    held = reference.present + current.present > 0
    sides = [side.present[held] for side in (reference, current)]
    share = (sides[0] + sides[1]) / (sides[0].sum() + sides[1].sum())
    value = sum(float(np.sum((s - s.sum() * share) ** 2 / (s.sum() * share))) for s in sides)
    effect = float(np.abs(sides[0] / sides[0].sum() - sides[1] / sides[1].sum()).sum() / 2)
    return Distance(value, float(chdtrc(max(held.sum() - 1, 1), value)), effect)


def takes_no_unknown_for_granted(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    after = int(current.present[reference.bins.out_of_range].sum())
    m, n = int(reference.present.sum()), int(current.present.sum())
    return Distance(after / n, share_p_value(0, m, after, n))


def doubles_the_chance(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    measured = KolmogorovSmirnov().distance(reference, current)
    return Distance(measured.value, 2 * (measured.p_value or 0.0))


def shares(profile: FeatureProfile) -> NDArray[np.float64]:
    held: NDArray[np.float64] = profile.present / profile.present.sum()
    return held


def looks_away_from_large_changes(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    return Distance(min(0.1, float(np.abs(shares(reference) - shares(current)).sum())))


def promises_too_much(
    reference: FeatureProfile, current: FeatureProfile, alpha: float
) -> float | None:
    return ChiSquare().detectable(reference, current, alpha) / 3


def promises_too_little(
    reference: FeatureProfile, current: FeatureProfile, alpha: float
) -> float | None:
    return min(0.4, 3 * ChiSquare().detectable(reference, current, alpha))


def is_never_at_rest(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    return Distance(1.0, 1.0)


def is_always_surprised(reference: FeatureProfile, current: FeatureProfile) -> Distance:
    return Distance(0.0, 0.5)


CHI2 = ChiSquare().distance


def named(one: object) -> str | None:
    if not isinstance(one, Faulty):
        return None
    fault = one.distance if one.detectable is states_nothing else one.detectable
    return getattr(fault, "__name__", None)


@pytest.mark.parametrize(
    ("statistic", "name"),
    [
        (Faulty(bins_on_the_window, numeric=True), "check_the_window_moves_no_bin"),
        (Faulty(drops_the_missing), "check_it_grows_with_a_change"),
        (
            Faulty(takes_the_reference_for_the_truth, numeric=True),
            "check_false_alarms_are_as_promised",
        ),
        (
            Faulty(takes_the_mean_for_known, numeric=True),
            "check_false_alarms_are_as_promised",
        ),
        (Faulty(counts_the_missing_as_a_value), "check_it_grows_with_a_change"),
        (Faulty(smooths_nothing), "check_it_is_finite_whatever_is_rare_or_empty"),
        (Faulty(smooths_in_place), "check_inputs_stay_as_they_are"),
        (Faulty(pools_nothing, numeric=False), "check_false_alarms_are_as_promised"),
        (Faulty(takes_no_unknown_for_granted), "check_false_alarms_are_as_promised"),
        (Faulty(doubles_the_chance, numeric=True), "check_p_values_are_probabilities"),
        (Faulty(doubles_the_chance, numeric=True), "check_it_is_finite_whatever_is_rare_or_empty"),
        (Faulty(looks_away_from_large_changes), "check_it_grows_with_a_change"),
        (
            Faulty(CHI2, promises_too_much, numeric=False),
            "check_what_it_calls_detectable_is_detected",
        ),
        (
            Faulty(CHI2, promises_too_little, numeric=False),
            "check_what_it_calls_detectable_is_detected",
        ),
        (Faulty(is_never_at_rest), "check_equal_samples_have_no_distance"),
        (Faulty(is_always_surprised), "check_equal_samples_have_no_distance"),
    ],
    ids=named,
)
def test_a_fault_is_found(statistic: Faulty, name: str) -> None:
    with pytest.raises(AssertionError):
        CHECKS[name](statistic)


def test_one_that_applies_to_nothing_is_no_statistic() -> None:
    class Nothing(Faulty):
        def applies(self, bins: FeatureBins) -> bool:
            return False

    with pytest.raises(AssertionError, match="applies to no kind"):
        CHECKS["check_it_grows_with_a_change"](Nothing(is_never_at_rest))
