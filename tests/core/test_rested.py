"""How long a model is left alone; a storm is turned over on a clock of the test's own."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from homeostat.decision import Action, Decision
from homeostat.plan import Phase, RestPolicy, Situation, next_action, rested
from homeostat.verdict import Outcome
from tests.core.made import NOW

POLICY = RestPolicy()
HOUR = timedelta(hours=1)
TURN = timedelta(minutes=5)


def decision(action: Action, at: datetime, by: str = "loop") -> Decision:
    return Decision(
        id=f"{action}-{at.isoformat()}",
        model="credit",
        action=action,
        outcome=Outcome.PASS,
        decided_at=at,
        decided_by=by,
        reasons=(),
    )


def history(*actions: Action, by: str = "loop") -> list[Decision]:
    """Decisions an hour apart, the last of them an hour ago, newest first."""
    ordered = [
        decision(action, NOW - (len(actions) - i) * HOUR, by) for i, action in enumerate(actions)
    ]
    return ordered[::-1]


R, D, B, P, S = (
    Action.RETRAIN,
    Action.DISCARD,
    Action.ROLL_BACK,
    Action.PROMOTE,
    Action.SETTLE,
)


@pytest.mark.parametrize(
    ("actions", "hours", "outcome"),
    [
        pytest.param((), 0, Outcome.PASS, id="never retrained"),
        pytest.param((P, S), 0, Outcome.PASS, id="only promoted by hand"),
        pytest.param((R,), 4.9, Outcome.INCONCLUSIVE, id="six hours are asked"),
        pytest.param((R,), 5, Outcome.PASS, id="six hours are over"),
        pytest.param((R, D), 9.9, Outcome.INCONCLUSIVE, id="twelve after one failure"),
        pytest.param((R, D), 10, Outcome.PASS, id="twelve are over"),
        pytest.param((R, D, R, P, B), 20.9, Outcome.INCONCLUSIVE, id="24 after two"),
        pytest.param((R, D, R, P, B), 21, Outcome.PASS, id="24 are over"),
        pytest.param((R, D, R, P, B, R, D), 1_000, Outcome.FAIL, id="three failures"),
        pytest.param((R, D, R, P, S, R, D), 10, Outcome.PASS, id="a success between"),
    ],
)
def test_how_long_is_asked(actions: tuple[Action, ...], hours: float, outcome: Outcome) -> None:
    verdict = rested(history(*actions), POLICY, now=NOW + hours * HOUR)

    assert verdict.outcome is outcome
    assert verdict.question == "rested"


def test_a_person_closes_the_circuit_again() -> None:
    storm = history(R, D, R, D, R, D)
    held = rested(storm, POLICY, now=NOW + 1_000 * HOUR)
    resumed = [decision(Action.HOLD, NOW, by="ada"), *storm]

    assert held.outcome is Outcome.FAIL
    assert "3 candidates failed in a row, 3 allowed" in held.reason
    assert "homeostat loop resume" in held.reason
    assert rested(resumed, POLICY, now=NOW + 4 * HOUR).outcome is Outcome.PASS


def test_the_longest_rest_never_undercuts_the_shortest() -> None:
    policy = RestPolicy(rest=timedelta(days=3), longest=timedelta(hours=1))

    assert rested(history(R), policy, now=NOW + 48 * HOUR).outcome is Outcome.INCONCLUSIVE
    assert rested(history(R), policy, now=NOW + 72 * HOUR).outcome is Outcome.PASS


def storm(
    days: int, policy: RestPolicy, person: Callable[[datetime], bool] = lambda _: False
) -> Iterator[Decision]:
    """Health always fails, candidates always too: all that the loop and a person decide."""
    past: list[Decision] = []
    phase = Phase.STEADY
    now = NOW
    while now < NOW + timedelta(days=days):
        if person(now):
            past.insert(0, decision(Action.HOLD, now, by="ada"))
            yield past[0]
        situation = Situation(
            phase=phase,
            health=Outcome.FAIL,
            data_fault=False,
            ready=rested(past, policy, now=now).outcome,
            gates=Outcome.FAIL,
            aftermath=Outcome.INCONCLUSIVE,
            overdue=False,
        )
        action = next_action(situation)
        if action is not Action.HOLD:
            phase = Phase.CANDIDATE if action is Action.RETRAIN else Phase.STEADY
            past.insert(0, decision(action, now))
            yield past[0]
        now += TURN


def retrainings(decisions: Iterator[Decision]) -> list[datetime]:
    return [one.decided_at for one in decisions if one.action is Action.RETRAIN]


def most_in_a_day(times: list[datetime]) -> int:
    return max(sum(at <= other < at + timedelta(days=1) for other in times) for at in times)


def test_in_a_storm_of_thirty_days_the_circuit_opens_after_three_failures() -> None:
    times = retrainings(storm(30, POLICY))

    assert len(times) == 3
    assert [after - before for before, after in pairwise(times)] == [12 * HOUR, 24 * HOUR]


def test_in_a_storm_a_person_who_always_resumes_gets_at_most_four_a_day() -> None:
    times = retrainings(storm(30, POLICY, person=lambda _: True))

    assert most_in_a_day(times) == 4
    assert len(times) <= 4 * 30
    assert min(after - before for before, after in pairwise(times)) >= POLICY.rest


def test_in_a_storm_a_person_who_resumes_once_gets_three_more() -> None:
    times = retrainings(storm(30, POLICY, person=lambda now: now == NOW + timedelta(days=10)))

    assert len(times) == 6
    assert times[3] == NOW + timedelta(days=10)


def test_without_rest_there_is_a_storm() -> None:
    """What the rest is for: the same story without it."""
    careless = RestPolicy(rest=timedelta(0), longest=timedelta(0), failures=1_000_000)

    assert len(retrainings(storm(2, careless))) > 200
