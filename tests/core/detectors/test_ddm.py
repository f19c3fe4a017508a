"""DDM beside its definition, and where the definition alone would fail."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.detectors import fold
from homeostat.detectors.ddm import Ddm
from homeostat.errors import UserError


def by_definition(errors: list[int], grace: int) -> int | None:
    """The n of the first alarm: p + s over all prefixes, against where it was lowest."""
    lowest = None
    for n in range(grace, len(errors) + 1):
        rate = (sum(errors[:n]) + 1) / (n + 2)
        spread = sqrt(rate * (1 - rate) / (n + 2))
        if lowest is None or rate + spread <= sum(lowest):
            lowest = rate, spread
        if (rate + spread - lowest[0]) / lowest[1] >= 3:
            return n
    return None


@given(errors=st.lists(st.integers(0, 1), max_size=120), grace=st.integers(1, 40))
def test_the_first_alarm_is_that_of_the_definition(errors: list[int], grace: int) -> None:
    _, alarms = fold(Ddm(grace=grace), errors)

    assert (alarms or (None,))[0] == by_definition(errors, grace)


def test_a_warning_comes_before_the_alarm() -> None:
    detector, errors = Ddm(), [0, 0, 0, 0, 1] * 40 + [1] * 60
    state, warned, alarmed = detector.start(), [], []
    for error in errors:
        state = detector.update(state, error)
        warned += [state.n] * detector.warns(state)
        alarmed += [state.n] * state.alarm

    assert 200 < warned[0] < alarmed[0] < 240


def test_the_first_error_after_many_successes_is_no_alarm() -> None:
    state, alarms = fold(Ddm(), [0] * 1_000 + [1])

    assert not alarms
    assert state.errors == 1


def test_fewer_errors_are_no_alarm() -> None:
    random = np.random.default_rng(3)
    better = np.concatenate((random.random(1_000) < 0.4, random.random(1_000) < 0.1))

    assert not fold(Ddm(), better.astype(int).tolist())[1]


def test_everything_wrong_with_the_settings_is_named() -> None:
    with pytest.raises(UserError) as caught:
        Ddm(threshold=1.0, warning=1.0, grace=0)

    assert [one.split()[0] for one in caught.value.problems] == ["threshold", "warning", "grace"]
