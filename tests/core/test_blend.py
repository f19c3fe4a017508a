"""The blend is the label-free estimate while that is right, and the labels once it is not."""

from collections.abc import Sequence

import numpy as np
import pytest

from homeostat.blend import BLEND, Blended, BlendPolicy, Coverage, Window, blend, blend_each
from homeostat.estimators import Estimate
from homeostat.mixture import Mixture

NOISE = 0.01


def said(value: float, *, doubt: float = 0.003) -> Estimate:
    return Estimate(
        metric="accuracy", value=value, noise=NOISE, doubt=doubt, n=900, lowest=0.0, highest=1.0
    )


def stream(truth: Sequence[float], guess: Sequence[float], *, lag: int = 1) -> list[Window]:
    """Windows of which labels say `truth` and a noise, and cbpe says `guess`."""
    noise = np.random.default_rng(3).normal(0, NOISE, len(truth))
    return [
        Window(
            place=i,
            said={"cbpe": said(b), "labels": said(0.9, doubt=NOISE / 4)},
            seen=a + e,
            due=i + lag,
        )
        for i, (a, b, e) in enumerate(zip(truth, guess, noise, strict=True))
    ]


def errors(windows: list[Window], found: list[Blended]) -> tuple[float, float, float]:
    """Mean absolute error of the blend, of cbpe and of the last labels."""
    told, last = [], 0.9
    for i, (window, one) in enumerate(zip(windows, found, strict=True)):
        held = [w.seen for w in windows[:i] if w.due <= i and w.seen is not None]
        last = held[-1] if held else last
        truth = window.seen or 0.0
        told.append(
            (abs(one.value - truth), abs(window.said["cbpe"].value - truth), abs(last - truth))
        )
    a, b, c = np.mean(told, axis=0).tolist()
    return a, b, c


@pytest.mark.parametrize("lag", [1, 5])
def test_a_right_estimate_is_followed(lag: int) -> None:
    truth = (0.8 + 0.1 * np.cos(np.arange(120) / 5)).tolist()
    windows = stream(truth, truth, lag=lag)

    found = blend_each(windows)
    blended, cbpe, last = errors(windows, found)

    assert blended < 1.05 * cbpe < last
    assert found[-1].weights["cbpe"] > 0.9
    assert not any(found[-1].coverage[one].lost for one in ("cbpe", BLEND))


def test_labels_are_followed_once_the_estimate_is_wrong() -> None:
    truth = [0.9] * 20 + [0.7] * 60
    windows = stream(truth, [0.9] * 80)

    found = blend_each(windows)
    blended, cbpe, last = errors(windows, found)

    assert blended < 1.05 * last < cbpe
    assert found[30].coverage["cbpe"].lost
    assert "of 30 labelled windows" in found[30].coverage["cbpe"].reason
    assert not found[-1].coverage[BLEND].lost
    assert found[-1].value == pytest.approx(0.7, abs=0.01)


def test_a_constant_bias_is_learnt_while_the_estimate_goes_on_following() -> None:
    truth = (0.75 + 0.1 * np.cos(np.arange(120) / 5)).tolist()
    windows = stream(truth, [one + 0.08 for one in truth])

    blended, cbpe, last = errors(windows, blend_each(windows))

    assert blended < 0.5 * cbpe
    assert blended < 0.8 * last


@pytest.mark.parametrize("lag", [1, 5])
def test_intervals_hold_whatever_is_right(lag: int) -> None:
    truth = (0.8 + 0.1 * np.cos(np.arange(400) / 20)).tolist()
    for guess in (truth, [one + 0.05 for one in truth]):
        windows = stream(truth, guess, lag=lag)
        found = blend_each(windows)
        held = [
            a <= (window.seen or 0.0) <= b
            for window, (a, b) in zip(windows, (one.interval for one in found), strict=True)
        ]
        assert 0.92 <= np.mean(held[20:]) <= 0.99


def test_before_any_label_it_is_what_the_methods_say() -> None:
    one = blend([], stream([0.8], [0.8])[0])

    assert one.value == pytest.approx(0.8, abs=0.01)
    assert one.coverage[BLEND] == Coverage(0, 0, BlendPolicy().sure)
    assert np.isnan(one.errors[BLEND])


def test_labels_count_only_when_they_were_there() -> None:
    windows = stream([0.7] * 10, [0.9] * 10, lag=100)

    found = blend_each(windows)

    assert found[-1].value == pytest.approx(0.9, abs=0.01)
    assert found[-1].coverage[BLEND].windows == 0


def test_windows_without_labels_change_nothing() -> None:
    windows = stream([0.8] * 20, [0.9] * 20)
    silent = [Window(place=20 + i, said=windows[0].said, seen=None, due=21 + i) for i in range(5)]

    with_them = blend([*windows, *silent], Window(place=25, said=windows[0].said))
    without = blend(windows, Window(place=25, said=windows[0].said))

    assert with_them.value == without.value
    assert with_them.interval == without.interval


def test_each_is_what_the_ones_before_it_give() -> None:
    windows = stream([0.8] * 12, [0.85] * 12)

    each = blend_each(windows)

    assert [blend(windows[:i], windows[i]).value for i in range(12)] == [one.value for one in each]
    assert blend_each([]) == []


def test_the_interval_stays_within_what_the_metric_can_be() -> None:
    window = Window(place=0, said={"cbpe": said(0.999), "labels": said(0.99)})
    low, high = blend([], window).interval

    assert low < 0.999
    assert high == 1.0


@pytest.mark.parametrize(("covered", "lost"), [(60, False), (54, False), (48, True), (0, True)])
def test_a_vote_is_lost_by_a_test(covered: int, lost: bool) -> None:
    seen = Coverage(60, covered, 0.001)

    assert seen.lost is lost
    assert f"{covered} of 60 labelled windows in its 95% interval" in seen.reason


def test_a_vote_comes_back_with_windows_that_are_covered() -> None:
    assert Coverage(60, 30, 0.001, in_a_row=2).lost
    assert not Coverage(60, 30, 0.001, in_a_row=3).lost


@pytest.mark.parametrize("lag", [1, 5])
def test_an_estimate_that_is_right_again_is_followed_again(lag: int) -> None:
    truth = [0.9] * 25 + [0.7] * 25 + [0.9] * 50
    windows = stream(truth, [0.9] * 100, lag=lag)

    blended, cbpe, last = errors(windows, blend_each(windows))

    assert blended < 1.05 * min(last, cbpe)


def test_no_windows_are_no_evidence() -> None:
    nothing = Coverage(0, 0, 0.001)

    assert nothing.p_value == 1.0
    assert not nothing.lost
    assert np.isnan(nothing.share)


def test_a_quantile_is_where_so_much_lies_below() -> None:
    mixture = Mixture(np.array([0.7, 0.3, 0.0]), np.array([0.0, 5.0, 9e9]), np.array([1.0, 0.1, 1]))

    shares = [0.001, 0.025, 0.5, 0.7, 0.975]
    assert [mixture.below(x) for x in mixture.quantiles(shares)] == pytest.approx(shares)
