"""The verdict on estimates, and what is kept of them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from homeostat.answers import Labelled
from homeostat.blend import BLEND, Blended, Coverage, Window, blend
from homeostat.errors import UserError
from homeostat.estimated import (
    EstimatePolicy,
    judge_estimate,
    labelled_from,
    plain_labelled,
    said_from,
)
from homeostat.estimators import BLIND, Estimate
from homeostat.verdict import Outcome
from homeostat.walk import Methods, walk
from tests.core.made_answers import THRESHOLD, drawn


def said(name: str, value: float) -> Estimate:
    return Estimate(metric=name, value=value, noise=0.01, doubt=0.002, n=1_000, lowest=0.0)


def expected(name: str, value: float) -> Blended:
    return blend([], Window(place=0, said={"cbpe": said(name, value)}))


LOST = Coverage(60, 30, 0.001)


@pytest.mark.parametrize(
    ("name", "before", "value", "least", "outcome"),
    [
        pytest.param("accuracy", 0.9, 0.895, None, Outcome.PASS, id="as before"),
        pytest.param("accuracy", 0.9, 0.80, None, Outcome.FAIL, id="fell"),
        pytest.param("accuracy", 0.9, 0.865, None, Outcome.PASS, id="fell by less than matters"),
        pytest.param("accuracy", 0.9, 0.95, None, Outcome.PASS, id="rose"),
        pytest.param("accuracy", 0.9, 0.895, 0.92, Outcome.FAIL, id="under what is asked"),
        pytest.param("accuracy", 0.9, 0.895, 0.90, Outcome.PASS, id="not shown to be under"),
        pytest.param("log_loss", 0.3, 0.40, None, Outcome.FAIL, id="a loss rose"),
        pytest.param("log_loss", 0.3, 0.20, None, Outcome.PASS, id="a loss fell"),
        pytest.param("log_loss", 0.3, 0.30, 0.25, Outcome.FAIL, id="a loss over what is asked"),
        pytest.param("log_loss", 0.3, 0.30, 0.35, Outcome.PASS, id="a loss under it"),
    ],
)
def test_verdict(
    name: str, before: float, value: float, least: float | None, outcome: Outcome
) -> None:
    policy = EstimatePolicy(metrics=(name,), at_least={} if least is None else {name: least})

    verdict = judge_estimate(
        {name: expected(name, value)}, {name: said(name, before)}, 1_000, policy
    )

    assert verdict.outcome is outcome
    [one] = verdict.measurements
    assert one.drifted is (outcome is Outcome.FAIL)
    assert (one.subject, one.n_reference, one.n_current) == (name, 1_000, 1_000)
    assert f"{before:.3f} in the reference" in verdict.reason
    assert f"{one.asked:.3f} asked" in verdict.reason
    assert BLIND in verdict.reason
    assert json.loads(json.dumps(verdict.to_dict(), allow_nan=False))


def test_a_small_fall_is_not_shown_where_labels_are_noisy() -> None:
    noisy = replace(said("f1", 0.37), noise=0.05)
    blended = blend([], Window(place=0, said={"cbpe": noisy}))

    verdict = judge_estimate({"f1": blended}, {"f1": said("f1", 0.4)}, 1_000, EstimatePolicy())

    assert verdict.outcome is Outcome.PASS


def test_an_estimator_that_lost_its_vote_is_not_judged_by() -> None:
    found = expected("accuracy", 0.7)
    lost = replace(found, coverage={BLEND: LOST})
    reference = {"accuracy": said("accuracy", 0.9), "f1": said("f1", 0.9)}

    alone = judge_estimate({"accuracy": lost}, reference, 1_000, EstimatePolicy())
    beside = judge_estimate(
        {"accuracy": lost, "f1": expected("f1", 0.9)}, reference, 1_000, EstimatePolicy()
    )

    assert alone.outcome is Outcome.INCONCLUSIVE
    assert beside.outcome is Outcome.PASS
    for verdict in (alone, beside):
        assert "accuracy cannot be told: its estimator lost its vote" in verdict.reason
        assert "30 of 60 labelled windows in its 95% interval" in verdict.reason
        assert verdict.details["accuracy"]["coverage"][BLEND]["lost_its_vote"] is not None


@pytest.mark.parametrize("n", [0, 199])
def test_too_few_rows_are_inconclusive(n: int) -> None:
    verdict = judge_estimate({}, {}, n, EstimatePolicy())

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith(f"{n} rows in the window, 200 asked")


def test_what_is_kept_is_read_as_it_was() -> None:
    labels, scores = drawn(300, digits=2)
    held = Labelled.of(labels, scores, THRESHOLD)
    again = labelled_from(json.loads(json.dumps(plain_labelled(held))))

    assert np.array_equal(again.truth, held.truth)
    assert np.array_equal(again.answers.score, held.answers.score)
    assert np.array_equal(again.answers.positive, held.answers.positive)
    one = replace(said("f1", 0.5), highest=1.0)
    assert said_from({"f1": {"cbpe": one.to_dict()}}, 1_000) == {"f1": {"cbpe": one}}


def test_labels_come_after_their_window() -> None:
    methods = Methods.of(Labelled.of(*drawn(1_000)))

    with pytest.raises(UserError, match="a lag of 0 windows"):
        walk(methods, [Labelled.of(*drawn(500))], lag=0)


def test_a_window_without_labels_is_estimated_and_teaches_nothing() -> None:
    methods = Methods.of(Labelled.of(*drawn(2_000)))
    windows = [Labelled.of(*drawn(500, seed=1 + i, turn=0.2)) for i in range(6)]
    last = windows[-1]

    with_labels = walk(methods, windows, lag=1)
    without = walk(methods, [*windows[:2], windows[2].answers, *windows[3:]], lag=1)

    assert without[2].seen == {}
    assert without[2].blended["f1"].value == with_labels[2].blended["f1"].value
    assert without[-1].blended["f1"].coverage[BLEND].windows == 4
    assert with_labels[-1].blended["f1"].coverage[BLEND].windows == 5
    assert last.n == 500


def test_a_reference_that_is_too_small_teaches_nothing() -> None:
    with pytest.raises(UserError, match="150 labelled rows to learn from, 200 asked"):
        Methods.of(Labelled.of(*drawn(150)))
