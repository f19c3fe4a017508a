"""What noise is usual in a stream."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from homeostat.usual import LOG_QUANTILE, Name, Noise, Usual, deviate, learnt, tempered
from homeostat.verdict import Measurement

NAME = ("x", "location")
ALPHA = 1e-4  #: level of all questions
MEASURED = Measurement(
    subject="x",
    statistic="location",
    value=0.5,
    effect=0.5,
    p_value=1e-10,
    asked=0.05,
    minimum_detectable_effect=0.3,
    n_reference=10_000,
    n_current=200,
)


def usual(windows: int, factor: float) -> Usual:
    return Usual(windows, LOG_QUANTILE + float(np.log(factor)) / 2)


def test_the_noise_of_longer_windows_is_expected_to_grow_on() -> None:
    seen = {1: {NAME: usual(1_000, 2.0)}, 2: {NAME: usual(1_000, 3.0)}}
    factors = [one[NAME].factor for one in learnt(seen, [1, 2, 4, 1_000]).values()]

    assert factors[:3] == pytest.approx([2.0, 3.0, 4.5], rel=0.02)
    assert factors[3] <= 3.0 * 500


def test_what_is_not_shown_is_not_taken_for_noise_unless_many_questions_say_it() -> None:
    faint, plain = usual(100, 1.5), usual(100, 1.0)
    others = {(f"y{i}", "location"): plain for i in range(30)}
    strong = {(f"z{i}", "location"): usual(100, 9.0) for i in range(10)}
    alone = learnt({1: {NAME: faint, **others}}, [1])[1]
    among = learnt({1: {NAME: faint, **others, **strong}}, [1])[1]

    assert alone == {}
    assert among[NAME].factor == pytest.approx(1.45, abs=0.05)
    assert set(among) == {NAME, *strong}


def test_nothing_is_learnt_from_nothing() -> None:
    assert learnt({}, [1, 5]) == {1: {}, 5: {}}


@pytest.mark.parametrize("factor", [1.0, 4.0, 25.0])
def test_the_running_quantile_finds_the_factor(factor: float) -> None:
    deviates = factor**0.5 * np.random.default_rng(5).standard_normal(4_000)
    seen = Usual()
    for z in deviates.tolist():
        seen = seen.after(float(2 * ndtr(-abs(z))))

    assert np.exp(2 * (seen.log_quantile - LOG_QUANTILE)) == pytest.approx(factor, rel=0.15)


def test_a_noise_a_hundred_times_as_large_is_known_after_sixty_windows() -> None:
    deviates = 10 * np.random.default_rng(5).standard_normal(60)
    seen = Usual()
    for z in deviates.tolist():
        seen = seen.after(float(2 * ndtr(-abs(z))))

    assert np.exp(2 * (seen.log_quantile - LOG_QUANTILE)) > 40


@given(p_value=st.floats(0, 1), factor=st.floats(1, 100), freedom=st.floats(1, 1e6))
def test_noise_makes_nothing_likelier_to_be_a_change(
    p_value: float, factor: float, freedom: float
) -> None:
    after = Noise(factor, freedom).p_value(p_value)

    assert 0 <= after <= 1
    assert after >= p_value or after == pytest.approx(p_value, rel=1e-6)


def test_noise_costs_as_much_sight_as_it_says() -> None:
    (one,) = tempered([MEASURED], {NAME: Noise(4.0)}, settled=True, alpha=ALPHA)

    assert one.minimum_detectable_effect == pytest.approx(0.6)
    assert deviate(one.p_value or 0.0) == pytest.approx(deviate(1e-10) / 2)


def test_an_unknown_stream_may_move_by_three_times_the_effect_that_is_asked() -> None:
    (one,) = tempered([MEASURED], {}, settled=False, alpha=ALPHA)
    (far,) = tempered([replace(MEASURED, effect=5.0, p_value=0.0)], {}, settled=False, alpha=ALPHA)

    assert deviate(one.p_value or 0.0) == pytest.approx(
        0.5 / (0.15**2 + 0.0773**2) ** 0.5, rel=0.01
    )
    assert (far.p_value or 0.0) < 1e-100
    assert one.minimum_detectable_effect == pytest.approx(np.hypot(0.3, 5.7 * 0.15))


@pytest.mark.parametrize(
    ("noise", "known"), [pytest.param({NAME: Noise(4.0)}, 0.6), pytest.param({}, 0.3)]
)
def test_what_an_unknown_stream_hides_does_not_hang_on_how_quiet_a_window_is(
    noise: dict[Name, Noise], known: float
) -> None:
    loud, quiet, silent = (
        replace(MEASURED, effect=effect, p_value=p_value)
        for effect, p_value in ((0.08, 0.3), (0.001, 0.99), (0.0, 1.0))
    )
    seen = tempered([loud, quiet, silent], noise, settled=False, alpha=ALPHA)

    hidden = [one.minimum_detectable_effect for one in seen]
    assert hidden == pytest.approx([np.hypot(known, 5.7 * 0.15)] * 3)
    assert all((one.p_value or 0.0) >= 0.3 for one in seen)


@pytest.mark.parametrize("settled", [True, False])
def test_what_has_no_p_value_or_decides_nothing_is_left_as_it_is(settled: bool) -> None:
    unknown = [replace(MEASURED, p_value=None), replace(MEASURED, asked=None)]

    assert tempered(unknown, {NAME: Noise(4.0)}, settled=settled, alpha=ALPHA) == unknown
