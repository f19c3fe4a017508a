"""All situations that a model can be in, against the table of the design told another way."""

from collections import Counter
from itertools import product

import pytest

from homeostat.decision import Action
from homeostat.plan import Phase, Situation, next_action
from homeostat.verdict import Outcome

ALL = [
    Situation(
        phase=phase,
        health=health,
        data_fault=data_fault,
        ready=ready,
        gates=gates,
        aftermath=aftermath,
        overdue=overdue,
        paused=paused,
    )
    for phase, health, data_fault, ready, gates, aftermath, overdue, paused in product(
        Phase, Outcome, (False, True), Outcome, Outcome, Outcome, (False, True), (False, True)
    )
]
LIVE = [one for one in ALL if not one.paused]


def doing(action: Action) -> set[Situation]:
    return {one for one in ALL if next_action(one) is action}


def test_they_are_all_here() -> None:
    assert len(ALL) == len(set(ALL)) == 4 * 4 * 2 * 4 * 4 * 4 * 2 * 2


def test_every_action_is_taken_exactly_where_the_design_says() -> None:
    steady, training, candidate, verifying = Phase
    fail, good = Outcome.FAIL, Outcome.PASS

    assert doing(Action.RETRAIN) == {
        s for s in LIVE if (s.phase, s.health, s.data_fault, s.ready) == (steady, fail, False, good)
    }
    assert doing(Action.PROMOTE) == {s for s in LIVE if (s.phase, s.gates) == (candidate, good)}
    assert doing(Action.DISCARD) == {
        s
        for s in LIVE
        if (s.phase is training and s.overdue)
        or (s.phase is candidate and s.gates is fail)
        or (s.phase is candidate and s.gates is not good and s.overdue)
    }
    assert doing(Action.ROLL_BACK) == {
        s
        for s in LIVE
        if s.phase is verifying and (s.aftermath is fail or (s.overdue and s.aftermath is not good))
    }
    assert doing(Action.SETTLE) == {
        s for s in LIVE if s.phase is verifying and s.overdue and s.aftermath is good
    }


def test_how_often_each_action_is_taken() -> None:
    """Counted by hand from the table, of 8,192 situations, half of them paused."""
    assert Counter(map(next_action, ALL)) == {
        Action.RETRAIN: 1 * 1 * 1 * 4 * 4 * 2,
        Action.PROMOTE: 1 * (4 * 2 * 4 * 4 * 2),
        Action.DISCARD: (4 * 2 * 4 * 4 * 4) + (1 + 0.5 + 0.5) * (4 * 2 * 4 * 4 * 2),
        Action.ROLL_BACK: (2 + 1 + 1) * (4 * 2 * 4 * 4),
        Action.SETTLE: 1 * (4 * 2 * 4 * 4),
        Action.HOLD: 8192 - 32 - 256 - 512 - 512 - 512 - 128,
    }


def test_only_passed_gates_promote() -> None:
    assert {s.gates for s in doing(Action.PROMOTE)} == {Outcome.PASS}
    assert {s.phase for s in doing(Action.PROMOTE)} == {Phase.CANDIDATE}


def test_broken_data_is_never_learnt() -> None:
    assert not any(s.data_fault for s in doing(Action.RETRAIN))


def test_paused_always_holds() -> None:
    assert {next_action(s) for s in ALL if s.paused} == {Action.HOLD}


@pytest.mark.parametrize("phase", Phase)
def test_an_error_alone_changes_nothing(phase: Phase) -> None:
    """Whatever the phase asks for could not be looked at, and time is not up."""
    asked = {
        Phase.STEADY: [s for s in ALL if Outcome.ERROR in {s.health, s.ready}],
        Phase.TRAINING: ALL,
        Phase.CANDIDATE: [s for s in ALL if s.gates is Outcome.ERROR],
        Phase.VERIFYING: [s for s in ALL if s.aftermath is Outcome.ERROR],
    }
    held = [s for s in asked[phase] if s.phase is phase and not s.overdue]

    assert held
    assert {next_action(s) for s in held} == {Action.HOLD}


@pytest.mark.parametrize("unknown", [Outcome.INCONCLUSIVE, Outcome.ERROR])
def test_not_knowing_never_promotes_settles_or_retrains(unknown: Outcome) -> None:
    blind = [s for s in ALL if {s.health, s.ready, s.gates, s.aftermath} == {unknown}]

    assert {next_action(s) for s in blind} <= {Action.HOLD, Action.DISCARD, Action.ROLL_BACK}


def test_what_one_phase_asks_is_no_matter_to_another() -> None:
    for s in LIVE:
        action = next_action(s)
        if s.phase is Phase.STEADY:
            assert action in {Action.HOLD, Action.RETRAIN}
        elif s.phase is Phase.TRAINING:
            assert action in {Action.HOLD, Action.DISCARD}
        elif s.phase is Phase.CANDIDATE:
            assert action in {Action.HOLD, Action.PROMOTE, Action.DISCARD}
        else:
            assert action in {Action.HOLD, Action.ROLL_BACK, Action.SETTLE}


def test_nothing_stays_in_a_phase_for_ever() -> None:
    waiting = [s for s in LIVE if s.overdue and s.phase is not Phase.STEADY]

    assert Action.HOLD not in {next_action(s) for s in waiting}
