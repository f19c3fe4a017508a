"""Every built-in detector under the contract of detectors."""

from typing import Any

import numpy as np
import pytest

from homeostat.detectors import DETECTORS
from homeostat.testing.detector import ERRORS, NUMBERS, Check, binned, detector_checks

SHARES = np.array([0.02, 0.3, 0.2, 0.15, 0.12, 0.1, 0.06, 0.03, 0.015, 0.005])
#: What the bins were seen to hold, in a sample of its own.
REFERENCE = tuple(np.random.default_rng(0).multinomial(2_000, SHARES).tolist())

#: Settings that a detector cannot do without, and what it takes where that is not any number.
GIVEN: dict[str, dict[str, Any]] = {"e_process": {"reference": REFERENCE}}
TAKES = {"ddm": ERRORS, "e_process": binned(SHARES)}


@pytest.mark.parametrize("name", list(DETECTORS))
@pytest.mark.parametrize("check", list(detector_checks()), ids=lambda c: c.__name__)
def test_detector(name: str, check: Check) -> None:
    check(DETECTORS[name](**GIVEN.get(name, {})), TAKES.get(name, NUMBERS))


@pytest.mark.parametrize("check", list(detector_checks()), ids=lambda c: c.__name__)
def test_the_e_process_of_a_category(check: Check) -> None:
    check(DETECTORS["e_process"](reference=REFERENCE, ordered=False), binned(SHARES))


def test_the_built_in_ones_are_there() -> None:
    assert list(DETECTORS) == ["adwin", "cusum", "ddm", "e_process", "kswin", "page_hinkley"]
