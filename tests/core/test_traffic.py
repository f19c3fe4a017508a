"""Requests as sums that add."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.traffic import RELATIVE_ERROR, Traffic, TrafficCounter, total_traffic

SECONDS = st.lists(st.floats(1e-5, 1e3), max_size=60)


def counted(seconds: list[float], *, failed: int = 0, refused: int = 0) -> Traffic:
    counter = TrafficCounter()
    for one in seconds:
        counter.answer(one, rows=2)
    for _ in range(failed):
        counter.failure()
    for _ in range(refused):
        counter.refusal()
    return counter.traffic


def same(one: Traffic, other: Traffic) -> bool:
    plain, more = one.to_dict(), other.to_dict()
    sums = [[a.pop(key) for key in ("seconds", "squares")] for a in (plain, more)]
    return plain == more and bool(np.allclose(sums[0], sums[1]))


@given(first=SECONDS, second=SECONDS, failed=st.integers(0, 5))
def test_the_sum_is_that_of_all_requests(
    first: list[float], second: list[float], failed: int
) -> None:
    apart = counted(first, failed=failed) + counted(second, refused=2)

    assert same(apart, counted([*first, *second], failed=failed, refused=2))
    assert same(apart, counted(second, refused=2) + counted(first, failed=failed))
    assert apart + Traffic() == apart


@given(seconds=st.lists(st.floats(1e-5, 1e3), min_size=1, max_size=80), share=st.floats(0, 1))
def test_a_quantile_is_right_to_half_a_bin(seconds: list[float], share: float) -> None:
    found = counted(seconds).quantile_s(share)
    exact = float(np.quantile(seconds, share, method="inverted_cdf"))

    assert found == pytest.approx(exact, rel=RELATIVE_ERROR * 1.001)
    assert found is not None
    assert min(seconds) <= found <= max(seconds)


@given(seconds=SECONDS, failed=st.integers(0, 3))
def test_it_survives_json(seconds: list[float], failed: int) -> None:
    traffic = counted(seconds, failed=failed)
    plain = json.loads(json.dumps(traffic.to_dict(), allow_nan=False))

    assert Traffic.from_dict(plain) == traffic


def test_moments_are_those_of_the_latencies() -> None:
    seconds = [0.01, 0.02, 0.06]
    traffic = counted(seconds)

    assert traffic.mean_s == pytest.approx(np.mean(seconds))
    assert traffic.deviation_s == pytest.approx(np.std(seconds))
    assert (traffic.least_s, traffic.most_s) == (0.01, 0.06)
    assert (traffic.answered, traffic.rows) == (3, 6)


def test_a_request_that_is_wrong_itself_is_no_error_of_the_service() -> None:
    traffic = counted([0.01] * 3, failed=1, refused=6)

    assert traffic.error_rate == 0.25
    assert traffic.requests == 10


def test_nothing_has_no_latency_and_no_error_rate() -> None:
    nothing = total_traffic([])

    assert nothing == Traffic()
    assert nothing.requests == 0
    assert (nothing.error_rate, nothing.mean_s, nothing.deviation_s) == (None, None, None)
    assert nothing.quantile_s(0.5) is None


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 2.0**-17, 2.0**11, 1e9])
def test_what_lies_beyond_the_bins_is_kept_within_what_was_seen(seconds: float) -> None:
    assert counted([seconds]).quantile_s(0.99) == seconds
