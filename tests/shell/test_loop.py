"""Stories of one model, told turn by turn on a simulated calendar."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from homeostat.actions import Order
from homeostat.alert import Change
from homeostat.decision import Action
from homeostat.diagnosis import Cause
from homeostat.errors import Conflict
from homeostat.gates import Evidence
from homeostat.loop import PAUSED, Loop, Turn
from homeostat.plan import Phase
from homeostat.replay import Bench
from homeostat.verdict import Outcome
from tests.shell.project import (
    CHANGED,
    DAY,
    HOUR,
    MODEL,
    QUIET,
    Town,
)

BY_HAND = "somebody"


def by_hand(town: Town) -> Order:
    return Order(by=BY_HAND, now=town.now, reasons=("by hand",))


def changes(turns: list[Turn], key: str) -> list[Change]:
    return [change for turn in turns for alert, change in turn.alerts if alert.key == key]


def outcomes(turn: Turn) -> dict[str, Outcome]:
    return {one.question: one.outcome for one in turn.verdicts}


# Nothing is wrong.


def test_in_a_quiet_world_nothing_is_done(quiet: Town) -> None:
    turns = quiet.live(QUIET, 24)

    assert {one.action for one in turns} == {Action.HOLD}
    assert {one.situation.health for one in turns} == {Outcome.PASS}
    assert {one.diagnosis.cause for one in turns} == {Cause.NONE}
    assert quiet.project.store.alerts(MODEL, open_only=False) == []
    assert quiet.actions == [("PROMOTE", 1)]


def test_without_a_version_in_service_nothing_is_done(start: Town) -> None:
    bare = replace(
        start.loop,
        model="other",
        monitor=replace(start.loop.monitor, model="other"),
        actor=replace(start.loop.actor, model="other"),
    )

    turn = bare.turn(now=start.now)

    assert turn.action is Action.HOLD
    assert "homeostat model promote" in turn.observation.drift.reason
    assert start.project.store.deployment("other") is None


# The world changes.


def test_a_drift_is_told_at_once_and_acted_upon_after_as_many_looks_as_patience_asks(
    quiet: Town,
) -> None:
    turns = quiet.live(CHANGED, 24)

    failed = [one for one in turns if one.observation.drift.outcome is Outcome.FAIL]
    confirmed = [one.situation.health for one in failed]
    assert confirmed[:3] == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, Outcome.FAIL]
    assert [bool(one.alerts) for one in failed[:3]] == [True, True, True]
    assert {one.action for one in failed[:2]} == {Action.HOLD}
    assert "in 1 windows in a row, 3 asked" in failed[0].observation.confirmed_drift.reason


def test_without_labels_of_the_new_world_a_drift_waits(quiet: Town) -> None:
    turns = quiet.live(CHANGED, 48, label=False)

    last = turns[-1]
    assert {one.action for one in turns} == {Action.HOLD}
    assert last.diagnosis.cause is Cause.COVARIATE_SHIFT
    assert outcomes(last) == {"rested": Outcome.PASS, "ready": Outcome.INCONCLUSIVE}
    assert "0 labelled rows since 2026-03-04" in last.verdicts[1].reason
    assert "800 asked" in last.verdicts[1].reason


def test_with_enough_labels_a_candidate_is_trained_and_offered(candidate: Town) -> None:
    stand = candidate.stand
    version = candidate.project.store.version(MODEL, 2)
    decision = candidate.project.store.decisions(MODEL, limit=1)[0]

    assert (stand.phase, stand.champion, stand.candidate) == (Phase.CANDIDATE, 1, 2)
    assert (version.origin, version.algorithm) == ("loop", "logistic_regression")
    assert decision.action is Action.RETRAIN
    assert decision.reasons[0].startswith("concept drift: ")
    assert {one.question for one in decision.verdicts} == {"drift", "quality", "rested", "ready"}


def test_a_candidate_waits_for_labels_it_has_not_seen(candidate: Town) -> None:
    unlabelled = replace(candidate.loop, bench=behind(Blind, candidate.loop.bench))

    turn = unlabelled.turn(now=candidate.now + HOUR)

    assert turn.action is Action.HOLD
    assert outcomes(turn)["min_rows"] is Outcome.INCONCLUSIVE
    assert outcomes(turn)["gates"] is Outcome.INCONCLUSIVE
    assert candidate.stand.candidate == 2


class Blind(Bench):
    """A bench that has seen no label since a day before the candidate was trained."""

    __slots__ = ()

    def evidence(self, *numbers: int, now: datetime, **options: Any) -> Evidence:
        deployment = self.store.deployment(self.model)
        assert deployment is not None
        before = deployment.since - 2 * DAY
        return replace(super().evidence(*numbers, now=before, **options), now=now)


def behind(kind: type[Bench], bench: Bench) -> Bench:
    return kind(**{one.name: getattr(bench, one.name) for one in fields(bench)})


def test_a_candidate_that_passes_all_gates_is_promoted_with_its_verdicts(verifying: Town) -> None:
    stand = verifying.stand
    decision = verifying.project.store.decisions(MODEL, limit=1)[0]
    gates = {one.question: one.outcome for one in decision.verdicts}

    assert (stand.phase, stand.champion, stand.previous) == (Phase.VERIFYING, 2, 1)
    assert (decision.action, decision.decided_by) == (Action.PROMOTE, "loop")
    assert (decision.version_before, decision.version_after) == (1, 2)
    assert {gates[name] for name in set(gates) - {"drift", "quality"}} == {Outcome.PASS}
    assert set(gates) == {
        *("drift", "quality", "gates", "calibration", "cooldown", "golden_set", "improvement"),
        *("label_coverage", "label_sanity", "min_rows", "segments", "unseen_rows"),
    }


def test_a_promotion_that_proves_right_is_settled(verifying: Town) -> None:
    turns = verifying.live_until(CHANGED, "SETTLE", hours=96)

    first = turns[0]
    assert first.situation.aftermath is Outcome.INCONCLUSIVE
    assert "0 labelled rows since the promotion, 200 asked" in first.verdicts[0].reason
    assert turns[-1].situation.aftermath is Outcome.PASS
    assert (verifying.stand.phase, verifying.stand.previous) == (Phase.STEADY, None)
    assert verifying.actions == [("PROMOTE", 1), ("RETRAIN", 1), ("PROMOTE", 2), ("SETTLE", 2)]


def test_a_promotion_that_nobody_could_judge_is_taken_back(verifying: Town) -> None:
    """No label came in all the time: that is no proof that it was right."""
    verifying.due.clear()
    turns = verifying.live(CHANGED, 76, label=False)

    assert turns[-1].situation.aftermath is Outcome.INCONCLUSIVE
    assert ("ROLL_BACK", 1) in verifying.actions
    assert verifying.stand.champion == 1


# People act.


def test_a_paused_loop_looks_and_alerts_and_does_nothing_else(candidate: Town) -> None:
    candidate.project.store.set_flag(PAUSED.format(model=MODEL), "on leave")
    turns = candidate.live(CHANGED, 24)
    candidate.project.store.set_flag(PAUSED.format(model=MODEL), None)
    resumed = candidate.turn()

    assert {one.action for one in turns} == {Action.HOLD}
    assert {one.situation.gates for one in turns} == {Outcome.PASS}
    assert changes(turns, "drift") != []
    assert resumed.action is Action.PROMOTE


def test_a_bad_promotion_by_hand_is_rolled_back(quiet: Town) -> None:
    """Version 2 learnt the opposite of the truth."""
    promote_spoilt(quiet)
    turns = quiet.live_until(QUIET, "ROLL_BACK", hours=72)

    decision = quiet.project.store.decisions(MODEL, limit=1)[0]
    assert turns[-1].situation.aftermath is Outcome.FAIL
    assert turns[-1].diagnosis.cause is Cause.BAD_VERSION
    assert (decision.decided_by, decision.version_after) == ("loop", 1)
    assert decision.reasons[0].startswith("aftermath: FAIL: ")
    assert (quiet.stand.champion, quiet.stand.phase) == (1, Phase.STEADY)


def promote_spoilt(town: Town) -> None:
    from homeostat.training import file_rows

    baseline = town.project.baseline
    rows = file_rows(baseline, baseline.training_frame(), "spoilt.csv")
    spoilt = replace(rows, y=1 - rows.y)
    version = town.project.workshop.make(spoilt, town.project.recipe(), now=town.now)
    town.project.actor.promote(version.number, by_hand(town))


class Overtaken(Bench):
    """A bench at which somebody discards the candidate while the gates are asked."""

    __slots__ = ()

    def evidence(self, *numbers: int, now: datetime, **options: Any) -> Evidence:
        found = super().evidence(*numbers, now=now, **options)
        held = self.store.deployment(self.model)
        assert held is not None
        new = replace(held, token=held.token + 1, candidate=None, phase=Phase.STEADY, since=now)
        assert self.store.transition(new, None)
        return found


def test_who_acts_on_an_old_look_loses_and_changes_nothing(candidate: Town) -> None:
    candidate.live(CHANGED, 3)
    overtaken = replace(candidate.loop, bench=behind(Overtaken, candidate.loop.bench))

    with pytest.raises(Conflict, match="look again"):
        overtaken.turn(now=candidate.now + HOUR)

    assert candidate.stand.champion == 1
    assert (candidate.stand.phase, candidate.stand.candidate) == (Phase.STEADY, None)
    assert candidate.actions == [("PROMOTE", 1), ("RETRAIN", 1)]


# Trainings fail.


def ready_to_retrain(town: Town) -> None:
    """One turn before the loop trains."""
    town.live(CHANGED, 24)
    for _ in range(20):
        town.live(CHANGED, 4, every=5)
        held = town.project.harvest.ready(onset=opened_at(town), now=town.now)
        if held.outcome is Outcome.PASS:
            return
    raise AssertionError("never ready")


def opened_at(town: Town) -> datetime | None:
    alert = town.project.store.open_alert(MODEL, "drift")
    return alert.opened_at if alert else None


def test_a_training_that_fails_is_discarded_with_its_reason(quiet: Town) -> None:
    ready_to_retrain(quiet)
    (quiet.folder / "loans.csv").unlink()

    turn = quiet.turn()

    assert turn.decision is not None
    assert turn.decision.action is Action.DISCARD
    assert "the training failed: " in turn.decision.reasons[0]
    assert "loans.csv is not there" in turn.decision.reasons[0]
    assert (quiet.stand.phase, quiet.stand.champion) == (Phase.STEADY, 1)
    assert len(quiet.project.store.versions(MODEL)) == 1


def test_a_training_that_was_killed_is_discarded_when_it_is_overdue(quiet: Town) -> None:
    quiet.project.actor.begin_training(by_hand(quiet))

    turns = quiet.live(QUIET, 6, every=1)

    assert [one.action for one in turns] == [*[Action.HOLD] * 5, Action.DISCARD]
    assert (quiet.stand.phase, quiet.stand.champion) == (Phase.STEADY, 1)
    assert len(quiet.project.store.versions(MODEL)) == 1


def test_a_candidate_that_never_gets_its_labels_is_discarded(candidate: Town) -> None:
    candidate.due.clear()
    later = candidate.now + timedelta(days=30)
    unlabelled = replace(candidate.loop, bench=behind(Blind, candidate.loop.bench))

    turn = unlabelled.turn(now=later)

    assert turn.action is Action.DISCARD
    assert candidate.stand.champion == 1


def test_a_candidate_that_fails_a_gate_is_discarded_with_every_answer(candidate: Town) -> None:
    options = {"improvement": {"at_least_pct": 10_000.0}}
    strict = replace(candidate.loop, policy=replace(candidate.loop.policy, gates=options))
    candidate.live(CHANGED, 3)

    turn = strict.turn(now=candidate.now)

    assert turn.action is Action.DISCARD
    assert turn.decision is not None
    assert turn.decision.reasons[0].startswith(("gates: FAIL", "improvement: FAIL"))
    assert len(turn.verdicts) == 10
    assert (candidate.stand.phase, candidate.stand.champion) == (Phase.STEADY, 1)


# The pause between two promotions.


def test_the_next_promotion_waits_for_the_cooldown_of_the_last(verifying: Town) -> None:
    """The first deployment took no version's place and holds nothing back."""
    verifying.live_until(CHANGED, "SETTLE", hours=96)
    settled = verifying.now
    actor, store = verifying.project.actor, verifying.project.store
    actor.begin_training(by_hand(verifying))
    actor.offer(1, now=settled)

    turn = verifying.turn()

    promoted = next(one for one in store.decisions(MODEL) if one.action is Action.PROMOTE)
    waited = (settled - promoted.decided_at) / DAY
    [cooldown] = [one for one in turn.verdicts if one.question == "cooldown"]
    assert cooldown.outcome is Outcome.INCONCLUSIVE
    assert cooldown.reason == f"{waited:.1f} days since the last promotion, 7.0 asked"


def test_the_parts_of_a_loop_belong_to_one_model(start: Town) -> None:
    loop: Loop = start.loop

    parts = (loop.monitor, loop.actor, loop.harvest, loop.workshop, loop.bench)

    assert {loop.model, *(part.model for part in parts)} == {MODEL}
