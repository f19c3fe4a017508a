# ruff: noqa: S101 (a check asserts)
"""What every estimator must do.

Run each check on an estimator of your own and a source of what it reads; it raises
AssertionError where the estimator fails:

```
@pytest.mark.parametrize("check", list(estimator_checks()), ids=lambda c: c.__name__)
def test_estimator(check):
    check(MyEstimator(), SCORES)
```
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, expit

from homeostat.answers import Answers, Labelled, qualities
from homeostat.errors import UserError
from homeostat.estimators import LEVEL, Estimate, Estimator

__all__ = ["ERRORS", "SCORES", "Source", "estimator_checks"]

Check = Callable[[Estimator, "Source"], None]
Draw = Callable[[np.random.Generator, int, float], Labelled]

REFERENCE, ROWS = 1_500, 1_000  #: rows to learn from, and of a window
WORLDS = 60  #: drawn anew, each with a reference and a window
RIGHT = 4.0  #: standard errors that a mean error may be off by
FOLLOWED = 0.35  #: of the change of a metric, the largest mean error
MOVED = 5.0  #: standard deviations of the noise that a metric must move by to be looked at
SLACK = 0.03  #: below the promised level, that is no fault
SURE = 0.001  #: chance of as few covered windows where the level is kept but for the slack
WIDEST = 1.8  #: of the spread of the errors, the deviation that an interval may stand for


@dataclass(frozen=True, slots=True)
class Source:
    """Labelled rows of one kind, whose features can move while their relation stays."""

    name: str
    draw: Draw  #: generator, rows, shift to labelled rows
    seen: Callable[[Labelled], Mapping[str, float]]  #: what the labels say, by metric
    poor: tuple[Callable[[Labelled], Labelled], ...]  #: what makes rows that teach nothing
    shift: float  #: of the rows of a window that moved, in standard deviations


def _scores(random: np.random.Generator, n: int, shift: float) -> Labelled:
    logit = -0.5 + 1.5 * random.normal(size=n) + shift
    label = (random.random(n) < expit(logit)).astype(np.int64)
    return Labelled.of(label, expit(1.4 * logit + 0.3))


def _numbers(random: np.random.Generator, n: int, shift: float) -> Labelled:
    x = random.normal(size=(n, 2))
    x[:, 1] += shift
    said = 2 * x[:, 0]
    truth = said + random.normal(size=n) * (0.5 + np.abs(x[:, 1]))
    answers = Answers(score=said, positive=np.zeros(n, dtype=bool), rows=np.ones(n), features=x)
    return Labelled(answers=answers, truth=truth)


def _of_scores(labelled: Labelled) -> dict[str, float]:
    found = qualities(labelled.answers, labelled.truth)
    return {name: one.value for name, one in found.items() if one is not None}


def _of_numbers(labelled: Labelled) -> dict[str, float]:
    error = labelled.truth - labelled.answers.score
    square = float(np.mean(error**2))
    return {"mae": float(np.mean(np.abs(error))), "mse": square, "rmse": square**0.5}


def _few(labelled: Labelled) -> Labelled:
    return _part(labelled, np.arange(3))


def _none(labelled: Labelled) -> Labelled:
    return _part(labelled, np.arange(0))


def _all_positive(labelled: Labelled) -> Labelled:
    return replace(labelled, truth=labelled.answers.rows)


def _not_known(labelled: Labelled) -> Labelled:
    return replace(labelled, truth=np.full_like(labelled.truth, np.nan))


#: A classifier whose scores are too extreme.
SCORES = Source("scores", _scores, _of_scores, (_few, _none, _all_positive), 1.0)

#: A regression whose errors are larger where the second feature is.
ERRORS = Source("errors", _numbers, _of_numbers, (_few, _none, _not_known), 0.6)


def estimator_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_what_is_told_is_complete
    yield check_nothing_given_is_changed
    yield check_the_same_rows_in_any_order_give_the_same
    yield check_no_rows_are_no_estimate
    yield check_what_teaches_nothing_is_refused
    yield check_it_is_right_when_nothing_changes
    yield check_it_follows_the_rows
    yield check_intervals_hold_when_the_rows_move
    yield check_more_rows_make_it_surer


def check_what_is_told_is_complete(estimator: Estimator, source: Source) -> None:
    """Each metric under its name, in its range, within its interval, finite, with its rows."""
    reference, window = _world(source, 1)
    found = estimator.fit(reference).estimate(window.answers)

    assert found, f"nothing is told of {source.name}"
    for name, one in found.items():
        low, high = one.interval
        numbers = (one.value, one.noise, one.doubt, low, high)
        assert one.metric == name, f"{name} is called {one.metric}"
        assert one.n == window.n, f"{name}: {one.n} rows of {window.n}"
        assert all(map(isfinite, numbers)), f"{name} is {numbers}"
        assert one.noise > 0 <= one.doubt, f"{name}: noise {one.noise}, doubt {one.doubt}"
        assert one.lowest <= low <= one.value <= high <= one.highest, f"{name}: {numbers}"


def check_nothing_given_is_changed(estimator: Estimator, source: Source) -> None:
    """Neither what it learns from nor what it is asked about."""
    reference, window = _world(source, 2)
    before = [one.copy() for one in (*_arrays(reference), *_arrays(window))]
    estimator.fit(reference).estimate(window.answers)
    after = [*_arrays(reference), *_arrays(window)]

    assert all(map(np.array_equal, before, after)), "what was given is not what it was"


def check_the_same_rows_in_any_order_give_the_same(estimator: Estimator, source: Source) -> None:
    """Learnt twice and asked twice, the second time in another order."""
    reference, window = _world(source, 3)
    order = np.random.default_rng(4).permutation(len(window.answers.score))
    one = estimator.fit(reference).estimate(window.answers)
    other = estimator.fit(reference).estimate(_part(window, order).answers)

    assert _close(one, other), f"{one} in one order, {other} in another"


def check_no_rows_are_no_estimate(estimator: Estimator, source: Source) -> None:
    """Of no rows nothing is told, least of all that all is well."""
    reference, window = _world(source, 5)
    found = estimator.fit(reference).estimate(_none(window).answers)

    assert not found, f"of no rows it tells {found}"


def check_what_teaches_nothing_is_refused(estimator: Estimator, source: Source) -> None:
    """With a UserError: too few rows, none, labels of one class or unknown ones."""
    reference, _ = _world(source, 6)
    for make in source.poor:
        try:
            estimator.fit(make(reference))
        except UserError:
            continue
        raise AssertionError(f"it learns from {make.__name__.removeprefix('_')}")


def check_it_is_right_when_nothing_changes(estimator: Estimator, source: Source) -> None:
    """On average over worlds, to four standard errors."""
    for name, errors in _errors(estimator, source, 0.0).items():
        off = np.mean([error for error, _ in errors])
        sure = np.std([error for error, _ in errors]) / WORLDS**0.5

        assert abs(off) <= RIGHT * sure, f"{name} is off by {off:.4f}, standard error {sure:.4f}"


def check_it_follows_the_rows(estimator: Estimator, source: Source) -> None:
    """When the rows move, it goes along with every metric that moves far."""
    moved = 0
    for seed in range(WORLDS // 4):
        reference, window = _world(source, 100 + seed, source.shift)
        before, after = source.seen(reference), source.seen(window)
        found = estimator.fit(reference).estimate(window.answers)
        for name, one in found.items():
            change = abs(after[name] - before[name])
            if change > MOVED * one.noise:
                moved += 1
                off = abs(one.value - after[name])
                most = FOLLOWED * change + RIGHT * one.noise
                assert off <= most, f"{name} moved by {change:.4f} and it is off by {off:.4f}"

    assert moved, f"no metric of {source.name} moved far"


def check_intervals_hold_when_the_rows_move(estimator: Estimator, source: Source) -> None:
    """In about 95 of 100 worlds, and not by being so wide that they say nothing."""
    for name, errors in _errors(estimator, source, source.shift).items():
        held = sum(abs(error) <= 1.96 * one.deviation for error, one in errors)
        chance = float(bdtr(held, len(errors), LEVEL - SLACK))
        spread = np.sqrt(np.mean([error**2 for error, _ in errors]))
        wide = np.mean([one.deviation for _, one in errors])

        assert chance >= SURE, f"the interval of {name} held in {held} of {len(errors)}"
        assert wide <= WIDEST * spread, f"{name}: deviation {wide:.4f}, errors are {spread:.4f}"


def check_more_rows_make_it_surer(estimator: Estimator, source: Source) -> None:
    """Four times the rows have about half the noise."""
    random = np.random.default_rng(7)
    fitted = estimator.fit(source.draw(random, REFERENCE, 0.0))
    few = fitted.estimate(source.draw(random, ROWS, 0.0).answers)
    many = fitted.estimate(source.draw(random, 4 * ROWS, 0.0).answers)

    for name, one in few.items():
        ratio = many[name].noise / one.noise
        assert 0.3 < ratio < 0.8, f"{name}: four times the rows have {ratio:.2f} times the noise"


def _world(source: Source, seed: int, shift: float = 0.0) -> tuple[Labelled, Labelled]:
    """A reference and a window."""
    random = np.random.default_rng(seed)
    return source.draw(random, REFERENCE, 0.0), source.draw(random, ROWS, shift)


def _errors(
    estimator: Estimator, source: Source, shift: float
) -> dict[str, list[tuple[float, Estimate]]]:
    """By metric, how far off it was in each world."""
    found: dict[str, list[tuple[float, Estimate]]] = {}
    for seed in range(WORLDS):
        reference, window = _world(source, 1_000 + seed, shift)
        truth = source.seen(window)
        for name, one in estimator.fit(reference).estimate(window.answers).items():
            found.setdefault(name, []).append((one.value - truth[name], one))
    return found


def _part(labelled: Labelled, place: NDArray[np.intp]) -> Labelled:
    answers = labelled.answers
    part = replace(
        answers,
        score=answers.score[place],
        positive=answers.positive[place],
        rows=answers.rows[place],
        features=None if answers.features is None else answers.features[place],
    )
    return Labelled(answers=part, truth=labelled.truth[place])


def _arrays(labelled: Labelled) -> list[NDArray[np.float64]]:
    answers = labelled.answers
    features = np.empty(0) if answers.features is None else answers.features
    return [answers.score, answers.positive.astype(float), answers.rows, features, labelled.truth]


def _close(one: Mapping[str, Estimate], other: Mapping[str, Estimate]) -> bool:
    return set(one) == set(other) and all(
        np.allclose(
            (one[name].value, one[name].noise, one[name].doubt),
            (other[name].value, other[name].noise, other[name].doubt),
            rtol=1e-9,
        )
        for name in one
    )
