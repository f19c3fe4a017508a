"""Faults of its loop, its gates and its promotions: none of them is ours."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from homeostat.actions import Actor, Order
from homeostat.decision import Action, Decision
from homeostat.demo.credit import (
    RISK_AFTER,
    RISK_BEFORE,
    changed_world,
    credit_frame,
    draw_targets,
    poisoned_labels,
)
from homeostat.errors import StateError, Unavailable, UserError
from homeostat.gates import GATES, Evidence, build_gates
from homeostat.metrics.confusion import PairedConfusion
from homeostat.plan import Phase
from homeostat.prediction import Label
from homeostat.schema import Segment
from homeostat.training import file_rows
from homeostat.verdict import Outcome, Verdict
from tests.shell.project import (
    CHANGED,
    HOUR,
    MODEL,
    QUIET,
    START,
    Town,
    asking,
    change_settings,
    command,
)


def order(town: Town, **changes: Any) -> Order:
    return replace(Order(by="somebody", now=town.now, reasons=("because",)), **changes)


# What the loop learns from.


def test_rows_that_were_trained_on_are_never_evaluated(candidate: Town) -> None:
    candidate.live(CHANGED, 12, every=100)
    trained_on = candidate.project.bench._trained_on(candidate.project.store.version(MODEL, 2))

    evidence = candidate.project.bench.evidence(1, 2, last_promoted_at=None, now=candidate.now)

    held = candidate.project.store.labelled(
        MODEL, since=START, until=candidate.now, as_of=candidate.now
    )
    newer = [one for one in held if one.prediction.id > max(trained_on)]
    assert len(trained_on) > 400
    assert evidence.shared_rows == 0
    assert evidence.rows == len(newer)


def test_a_candidate_learns_from_the_original_rows_too(candidate: Town) -> None:
    """Rows that were served are only those that somebody chose to ask about."""
    rows = candidate.project.harvest.rows(onset=None, now=candidate.now)

    original = len(rows.y) - len(rows.ids)
    share = candidate.project.settings.training.original_share
    assert share > 0.1
    assert original / len(rows.y) == pytest.approx(share, abs=0.01)


def test_an_aborted_training_leaves_no_version_and_says_why(
    quiet: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """There it returned as if it were done, and the next step did not find the version."""
    data = quiet.folder / "few.csv"
    data.write_text(
        "".join((quiet.folder / "loans.csv").read_text().splitlines(keepends=True)[:20])
    )

    code = command(quiet.folder, "model", "train", "--data", data)

    assert code == 2
    assert "the rows cannot be trained on" in capsys.readouterr().err
    assert [one.number for one in quiet.project.store.versions(MODEL)] == [1]
    assert command(quiet.folder, "model", "promote", "2") == 2


def test_a_simulated_concept_drift_changes_the_relation_and_no_global_generator() -> None:
    """There it added noise to a feature, which is another drift, and seeded numpy anew."""
    np.random.seed(5)  # noqa: NPY002  # the generator of other people's code
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    rng = np.random.default_rng(1)
    changed = changed_world(credit_frame(4000, rng=rng), rng=rng)
    poisoned_labels(np.array([0, 1, 0, 1]), share=0.5, rng=rng)
    of_the_same_rows = [
        draw_targets(changed, risk=risk, rng=np.random.default_rng(2))
        for risk in (RISK_BEFORE, RISK_AFTER)
    ]

    after = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    assert after == before
    assert np.mean(of_the_same_rows[0] != of_the_same_rows[1]) > 0.02


# The gates.


def test_a_promotion_is_judged_in_every_declared_segment(candidate: Town) -> None:
    """There the gate was built without its segments, and passed."""
    segments = (Segment(column="job"), Segment(column="age", edges=(50,)))
    loop = replace(candidate.loop, bench=replace(candidate.loop.bench, segments=segments))
    candidate.live(CHANGED, 3)

    turn = loop.turn(now=candidate.now)

    [verdict] = [one for one in turn.verdicts if one.question == "segments"]
    assert verdict.reason.startswith("no fall over 5 % is shown in 4 segments")
    assert "job missing" in verdict.reason  # too small to tell, and said so


def test_segments_of_the_settings_reach_the_gate(start: Town) -> None:
    change_settings(start.folder, {"segments": [{"column": "age", "edges": [40]}]})
    from homeostat.cli.project import open_project

    with open_project(start.folder / "homeostat.yaml") as project:
        assert project.loop.bench.segments == (Segment(column="age", edges=(40,)),)


def test_a_model_that_is_better_on_the_whole_and_fails_a_segment_is_refused() -> None:
    better = PairedConfusion((400, 20, 60, 20, 20, 300, 20, 160))
    worse = PairedConfusion((100, 60, 5, 35, 5, 5, 90, 100))
    seen = Evidence(now=START, paired=better, segments={"young": worse, "old": better})

    verdict = GATES["segments"]().judge(seen)

    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("young: F1 ")


def test_a_model_that_finds_nothing_can_be_replaced() -> None:
    """There the gain over an F1 of 0 was 0, so a dead model stayed for ever."""
    dead = PairedConfusion((500, 40, 0, 0, 60, 200, 0, 0))
    assert dead.champion.f1 == 0

    verdict = GATES["improvement"]().judge(Evidence(now=START, paired=dead))

    assert verdict.outcome is Outcome.PASS


def test_all_gates_are_asked_and_the_one_that_failed_is_named(candidate: Town) -> None:
    """There the first failure ended it, and its name was always missing."""
    gates = {"improvement": {"at_least_pct": 1e6}, "calibration": {"at_most": -1.0}}
    strict = replace(candidate.loop, policy=replace(candidate.loop.policy, gates=gates))
    candidate.live(CHANGED, 3)

    turn = strict.turn(now=candidate.now)

    [decision] = candidate.project.store.decisions(MODEL, limit=1)
    told = [one.partition(": ")[0] for one in decision.reasons]
    assert turn.action is decision.action is Action.DISCARD
    assert {one.question for one in decision.verdicts} >= set(GATES)
    assert set(told[:3]) == {"gates", "improvement", "calibration"}


def test_the_numbers_behind_a_decision_are_there_when_it_is_read_again(verifying: Town) -> None:
    """There labels and coverage were written under one name and read under another."""
    [decision] = verifying.project.store.decisions(MODEL, limit=1)
    reasons = {one.question: one.reason for one in decision.verdicts}
    reread = Decision.from_dict(json.loads(json.dumps(decision.to_dict())))

    assert reasons["label_coverage"].startswith("100% of ")
    assert reasons["label_coverage"].endswith("30% asked")
    assert "labelled rows, 200 asked" in reasons["min_rows"]
    assert decision.evidence_digest == reread.evidence_digest


@pytest.mark.anyio
async def test_coverage_has_the_same_names_for_who_writes_and_who_reads(quiet: Town) -> None:
    async with asking(quiet) as client:
        told = (await client.get("/labels/coverage")).json()

    assert told == {
        "total_predictions": 1920,
        "labeled_predictions": 960,
        "coverage_rate": 0.5,
        "unlabeled_predictions": 960,
    }


def test_the_loop_deploys_nothing_untested(start: Town) -> None:
    """There the first version went into service without a question."""
    loop = start.loop
    bare = replace(
        loop,
        model="other",
        monitor=replace(loop.monitor, model="other"),
        actor=replace(loop.actor, model="other"),
    )

    actions = {bare.turn(now=START + i * HOUR).action for i in range(3)}

    assert actions == {Action.HOLD}


# An outage is no decision.


class Unreachable:
    """A bench whose disk is away."""

    def __init__(self, town: Town) -> None:
        self.scorer = town.loop.bench.scorer

    def evidence(self, *_: object, **__: object) -> Evidence:
        raise Unavailable("the disk is away")


def test_a_gate_that_cannot_look_is_no_rejection(candidate: Town) -> None:
    before = (candidate.stand, candidate.actions)
    loop = replace(candidate.loop, bench=Unreachable(candidate))  # type: ignore[arg-type]

    with pytest.raises(Unavailable, match="the disk is away"):
        loop.turn(now=candidate.now + HOUR)

    assert (candidate.stand, candidate.actions) == before
    assert candidate.stand.phase is Phase.CANDIDATE


def test_a_gate_that_says_error_neither_promotes_nor_discards(candidate: Town) -> None:
    from homeostat.decision import decide_promotion

    class Broken:
        def judge(self, _: Evidence) -> Verdict:
            return Verdict(question="latency", outcome=Outcome.ERROR, reason="no answer")

    evidence = candidate.project.bench.evidence(1, 2, last_promoted_at=None, now=candidate.now)

    outcome, _ = decide_promotion([*build_gates({}), Broken()], evidence)

    assert outcome is Outcome.ERROR


def test_a_check_that_cannot_look_is_no_skip(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 4: neither "nothing to do" nor "drift"."""
    with start.project.store._database.write() as connection:
        connection.exec_driver_sql("UPDATE reference_profiles SET data_fingerprint = 'x'")
    run = ("run", "--once", "--as-of", START.isoformat())

    codes = {command(start.folder, noun, *run) for noun in ("monitor", "loop")}

    assert codes == {4}
    assert "was changed" in capsys.readouterr().err
    assert start.actions == [("PROMOTE", 1)]


# Promotion.


def test_there_is_no_moment_without_a_champion(two: Town) -> None:
    """There the old one was taken out by one call, and the new one put in by another."""
    actor, store = two.project.actor, two.project.store
    seen: list[int | None] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            held = store.deployment(MODEL)
            seen.append(held.champion if held else None)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in (2, 1) * 5:
        actor.promote(number, order(two))
    done.set()
    watcher.join()

    assert set(seen) == {1, 2}


def test_a_promotion_that_is_cut_off_has_not_happened(two: Town) -> None:
    """The champion and its decision are written together, or not at all."""
    with two.project.store._database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER cut BEFORE INSERT ON decisions BEGIN SELECT RAISE(ABORT, 'cut'); END"
        )
    before = two.stand

    with pytest.raises(StateError, match="cut"):
        two.project.actor.promote(2, order(two))

    assert two.stand == before


def test_the_history_is_right_from_the_second_promotion_on(two: Town) -> None:
    """There the table refused every champion but the first, and nobody was told."""
    actor: Actor = two.project.actor
    actor.promote(2, order(two))
    actor.settle(order(two))
    make(two)
    actor.promote(3, order(two))

    decisions = two.project.store.decisions(MODEL)
    assert two.stand.champion == 3
    assert [(one.version_before, one.version_after) for one in reversed(decisions)] == [
        (None, 1),
        (1, 2),
        (2, 2),
        (2, 3),
    ]


def make(town: Town) -> None:
    baseline = town.project.baseline
    rows = file_rows(baseline, baseline.training_frame(), "loans.csv")
    town.project.workshop.make(rows, town.project.recipe(), now=town.now)


def test_a_rejection_is_written_down(candidate: Town) -> None:
    """There it called what does not exist, and the failure was swallowed."""
    decision = candidate.project.actor.discard(order(candidate))

    assert candidate.project.store.decision(decision.id) == decision
    assert (decision.candidate, decision.version_after) == (2, 1)


def test_somebody_calls_the_roll_back(quiet: Town) -> None:
    """There it was a function that nothing called: here the loop does."""
    baseline = quiet.project.baseline
    rows = file_rows(baseline, baseline.training_frame(), "spoilt.csv")
    quiet.project.workshop.make(replace(rows, y=1 - rows.y), quiet.project.recipe(), now=quiet.now)
    quiet.project.actor.promote(2, order(quiet))

    turns = quiet.live_until(QUIET, "ROLL_BACK", hours=72)

    assert (turns[-1].decision is not None, quiet.stand.champion) == (True, 1)


def test_the_pause_between_promotions_holds(verifying: Town) -> None:
    verifying.live_until(CHANGED, "SETTLE", hours=96)
    verifying.project.actor.begin_training(order(verifying))
    verifying.project.actor.offer(1, now=verifying.now)

    turn = verifying.turn()

    [cooldown] = [one for one in turn.verdicts if one.question == "cooldown"]
    assert cooldown.outcome is Outcome.INCONCLUSIVE
    assert "first promotion" not in cooldown.reason


def test_labels_that_nobody_can_join_are_an_error(start: Town) -> None:
    with pytest.raises(UserError, match="no prediction 'nobody'"):
        start.project.store.add_labels(
            [Label(prediction_id="nobody", value=1, received_at=START + timedelta(days=1))]
        )
