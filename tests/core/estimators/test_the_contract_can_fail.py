"""An estimator with one fault each, and the check that must find it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import pytest

from homeostat.answers import Answers, Labelled
from homeostat.errors import UserError
from homeostat.estimators import Estimate, Fitted
from homeostat.estimators.cbpe import Cbpe
from homeostat.testing.estimator import SCORES, estimator_checks

CHECKS = {check.__name__: check for check in estimator_checks()}

Told = Mapping[str, Estimate]
Change = Callable[[Told, Labelled, Answers], Told]


@dataclass(frozen=True)
class FaultyFit:
    sound: Fitted
    labelled: Labelled
    change: Change

    def estimate(self, answers: Answers) -> Told:
        return self.change(self.sound.estimate(answers), self.labelled, answers)


@dataclass(frozen=True)
class Faulty:
    change: Change = lambda told, _labelled, _answers: told

    def fit(self, labelled: Labelled) -> FaultyFit:
        return FaultyFit(Cbpe().fit(labelled), labelled, self.change)


class LearnsFromAnything:
    def fit(self, labelled: Labelled) -> Fitted:
        try:
            return Cbpe(min_rows=0).fit(labelled)
        except UserError:
            return Cbpe(min_rows=0).fit(Labelled.of(np.array([0, 1]), np.array([0.2, 0.8])))


class WritesIntoWhatItLearnsFrom:
    def fit(self, labelled: Labelled) -> Fitted:
        labelled.truth[:] = np.round(labelled.truth * 2)
        return Cbpe().fit(Labelled(answers=labelled.answers, truth=labelled.truth / 2))


def each(told: Told, **changed: float) -> Told:
    return {name: replace(one, **changed) for name, one in told.items()}  # type: ignore[arg-type]


def nothing(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return {}


def not_a_number(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return each(told, noise=nan)


def other_rows(told: Told, _labelled: Labelled, answers: Answers) -> Told:
    return each(told, n=answers.n + 1) if answers.n else told


def beyond_the_range(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return {name: replace(one, value=one.value + 1) for name, one in told.items()}


def writes_into_the_window(told: Told, _labelled: Labelled, answers: Answers) -> Told:
    answers.score[:] = np.sort(answers.score)[::-1]
    return told


def goes_by_the_first_row(told: Told, _labelled: Labelled, answers: Answers) -> Told:
    first = answers.score[0] / 1_000 if answers.n else 0.0
    return {name: replace(one, value=one.value + first) for name, one in told.items()}


def tells_of_no_rows(told: Told, labelled: Labelled, answers: Answers) -> Told:
    return told or Cbpe().fit(labelled).estimate(labelled.answers)


def too_optimistic(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return {name: replace(one, value=one.value + one.noise) for name, one in told.items()}


def says_what_the_reference_said(told: Told, labelled: Labelled, answers: Answers) -> Told:
    before = Cbpe().fit(labelled).estimate(labelled.answers)
    return {name: replace(one, value=before[name].value) for name, one in told.items()}


def says_a_half(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return each(told, value=0.5)


def too_sure(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return {name: replace(one, noise=one.noise / 2, doubt=0.0) for name, one in told.items()}


def never_sure(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return {name: replace(one, doubt=5 * one.noise) for name, one in told.items()}


def as_sure_of_few_rows(told: Told, _labelled: Labelled, _answers: Answers) -> Told:
    return each(told, noise=0.01)


FAULTS = [
    (Faulty(nothing), "check_what_is_told_is_complete"),
    (Faulty(not_a_number), "check_what_is_told_is_complete"),
    (Faulty(other_rows), "check_what_is_told_is_complete"),
    (Faulty(beyond_the_range), "check_what_is_told_is_complete"),
    (Faulty(writes_into_the_window), "check_nothing_given_is_changed"),
    (WritesIntoWhatItLearnsFrom(), "check_nothing_given_is_changed"),
    (Faulty(goes_by_the_first_row), "check_the_same_rows_in_any_order_give_the_same"),
    (Faulty(tells_of_no_rows), "check_no_rows_are_no_estimate"),
    (LearnsFromAnything(), "check_what_teaches_nothing_is_refused"),
    (Faulty(too_optimistic), "check_it_is_right_when_nothing_changes"),
    (Faulty(says_a_half), "check_it_is_right_when_nothing_changes"),
    (Faulty(says_what_the_reference_said), "check_it_follows_the_rows"),
    (Faulty(says_what_the_reference_said), "check_intervals_hold_when_the_rows_move"),
    (Faulty(too_sure), "check_intervals_hold_when_the_rows_move"),
    (Faulty(never_sure), "check_intervals_hold_when_the_rows_move"),
    (Faulty(as_sure_of_few_rows), "check_more_rows_make_it_surer"),
]


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        pytest.param(fault, check, id=f"{i}-{check.removeprefix('check_')}")
        for i, (fault, check) in enumerate(FAULTS)
    ],
)
def test_a_fault_is_found(
    fault: Faulty | LearnsFromAnything | WritesIntoWhatItLearnsFrom, check: str
) -> None:
    with pytest.raises(AssertionError):
        CHECKS[check](fault, SCORES)


def test_every_check_finds_a_fault() -> None:
    assert {check for _, check in FAULTS} == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_without_a_fault_the_wrapping_passes(check: str) -> None:
    CHECKS[check](Faulty(), SCORES)
