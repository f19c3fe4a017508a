"""Every built-in extension under the contract of its kind."""

import pytest

from homeostat.gates import GATES
from homeostat.statistics import STATISTICS
from homeostat.testing.gate import Check as GateCheck
from homeostat.testing.gate import gate_checks
from homeostat.testing.statistic import Check as StatisticCheck
from homeostat.testing.statistic import statistic_checks
from homeostat.testing.trainer import Check as TrainerCheck
from homeostat.testing.trainer import trainer_checks
from homeostat.trainers import TRAINERS


@pytest.mark.parametrize("name", list(STATISTICS))
@pytest.mark.parametrize("check", list(statistic_checks()), ids=lambda c: c.__name__)
def test_statistic(name: str, check: StatisticCheck) -> None:
    check(STATISTICS[name]())


@pytest.mark.parametrize("name", list(GATES))
@pytest.mark.parametrize("check", list(gate_checks()), ids=lambda c: c.__name__)
def test_gate(name: str, check: GateCheck) -> None:
    check(GATES[name]())


@pytest.mark.parametrize("name", list(TRAINERS))
@pytest.mark.parametrize("check", list(trainer_checks()), ids=lambda c: c.__name__)
def test_trainer(name: str, check: TrainerCheck) -> None:
    check(TRAINERS[name])


def test_the_built_in_ones_are_there() -> None:
    assert list(STATISTICS) == [
        "chi2",
        "constant",
        "g",
        "hellinger",
        "js",
        "ks",
        "location",
        "mean_shift",
        "missing",
        "psi",
        "spread",
        "tail",
        "tv",
        "unit",
        "unseen",
        "variance_ratio",
        "wasserstein",
    ]
    assert list(GATES) == [
        "calibration",
        "cooldown",
        "golden_set",
        "improvement",
        "label_coverage",
        "label_sanity",
        "min_rows",
        "segments",
        "unseen_rows",
    ]
    assert list(TRAINERS) == ["hist_gradient_boosting", "logistic_regression", "random_forest"]
