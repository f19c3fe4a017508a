"""One turn of the loop: look, judge, decide, act, write down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from homeostat.actions import Actor, Order
from homeostat.alert import Alert, Change
from homeostat.alerting import Alerting
from homeostat.candidate import Harvest
from homeostat.decision import Action, Decision, decide_promotion
from homeostat.diagnosis import Cause, Diagnosis, bad_version
from homeostat.errors import UserError
from homeostat.gates import build_gates
from homeostat.metrics.confusion import PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.monitor import Monitor, Observation
from homeostat.plan import Deployment, Phase, RestPolicy, Situation, next_action, rested
from homeostat.quality import AftermathPolicy, fixed_look, judge_aftermath
from homeostat.replay import Bench
from homeostat.store import Store
from homeostat.training import Recipe, Workshop
from homeostat.verdict import Outcome, Verdict, worst

__all__ = ["PAUSED", "HealingPolicy", "Loop", "Turn"]

PAUSED = "paused:{model}"  #: flag in the store that switches automatic action off


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingPolicy:
    """When the loop acts, and how long it waits."""

    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  #: options by name
    rest: RestPolicy = field(default_factory=RestPolicy)
    recipe: Recipe = field(default_factory=Recipe)
    training_limit: timedelta = timedelta(hours=6)
    candidate_limit: timedelta = timedelta(days=30)
    verification: timedelta = timedelta(days=14)
    aftermath: AftermathPolicy = field(default_factory=AftermathPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn saw and did."""

    observation: Observation
    diagnosis: Diagnosis  #: of the observation, or of the last promotion when that failed
    situation: Situation
    action: Action
    verdicts: tuple[Verdict, ...]  #: behind the action
    decision: Decision | None  #: None for HOLD
    alerts: tuple[tuple[Alert, Change], ...]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """Keeps one model healthy."""

    store: Store
    model: str
    monitor: Monitor
    actor: Actor
    harvest: Harvest
    workshop: Workshop
    bench: Bench
    alerting: Alerting
    policy: HealingPolicy = field(default_factory=HealingPolicy)

    def turn(self, *, now: datetime) -> Turn:
        """Look once, and take at most one action.

        Raises
        ------
        Conflict
            When another actor changed the deployment during the turn; nothing was done.
        """
        seen = self.monitor.observe(at=now)
        alerts = self.alerting.consider(seen.verdicts, now=now, diagnosis=seen.diagnosis)
        deployment = self.actor.deployment(now=now)
        verdicts = self._judge(deployment, seen, now=now)
        judged = [one for one in verdicts if one.question == "aftermath"]
        alerts += self.alerting.consider(judged, now=now)
        situation = self._situation(deployment, seen, verdicts, now=now)
        action = next_action(situation)
        decision = self._act(action, deployment, seen, verdicts)
        self.actor.mirror()
        if situation.aftermath is Outcome.FAIL:
            diagnosis = bad_version(judged[0], deployment.champion)
        else:
            diagnosis = seen.diagnosis
        return Turn(
            observation=seen,
            diagnosis=diagnosis,
            situation=situation,
            action=action,
            verdicts=verdicts,
            decision=decision,
            alerts=alerts,
        )

    def onset(self, seen: Observation) -> datetime | None:
        """When the change began that is going on; None when there is none.

        For a drift, when it was confirmed: rows served from then on are of the new world.
        For labels that disagree, the first row of the cohort that showed it.
        """
        opened = self.store.open_alert(self.model, "drift")
        if opened is not None:
            return opened.opened_at
        failed = seen.quality.outcome is Outcome.FAIL
        return seen.quality.window[0] if failed and seen.quality.window else None

    def _judge(
        self, deployment: Deployment, seen: Observation, *, now: datetime
    ) -> tuple[Verdict, ...]:
        """The verdicts that the phase asks for, beside those of the observation."""
        if deployment.champion is None:
            return ()
        if deployment.phase is Phase.STEADY and seen.health is Outcome.FAIL:
            history = self.store.decisions(self.model, limit=50)
            return (
                rested(history, self.policy.rest, now=now),
                self.harvest.ready(onset=self.onset(seen), now=now),
            )
        if deployment.phase is Phase.CANDIDATE and deployment.candidate is not None:
            evidence = self.bench.evidence(
                deployment.champion,
                deployment.candidate,
                last_promoted_at=self._last_promotion(),
                now=now,
            )
            outcome, answers = decide_promotion(build_gates(self.policy.gates), evidence)
            reason = _summary(answers, outcome)
            return (Verdict(question="gates", outcome=outcome, reason=reason), *answers)
        if deployment.phase is Phase.VERIFYING:
            return (self._aftermath(deployment, now=now),)
        return ()

    def _last_promotion(self) -> datetime | None:
        """When a version last took the place of another; the first deployment took none."""
        for one in self.store.decisions(self.model, limit=1000):
            if one.action is Action.PROMOTE and one.version_before is not None:
                return one.decided_at
        return None

    def _situation(
        self,
        deployment: Deployment,
        seen: Observation,
        verdicts: Sequence[Verdict],
        *,
        now: datetime,
    ) -> Situation:
        answers = {one.question: one.outcome for one in verdicts}
        unknown = Outcome.INCONCLUSIVE
        limits = {
            Phase.TRAINING: self.policy.training_limit,
            Phase.CANDIDATE: self.policy.candidate_limit,
            Phase.VERIFYING: self.policy.verification,
        }
        limit = limits.get(deployment.phase)
        return Situation(
            phase=deployment.phase,
            health=seen.health,
            data_fault=seen.diagnosis.cause is Cause.DATA_FAULT,
            ready=worst([answers.get("rested", unknown), answers.get("ready", unknown)]),
            gates=answers.get("gates", unknown),
            aftermath=answers.get("aftermath", unknown),
            overdue=limit is not None and now - deployment.since >= limit,
            paused=self.store.flag(PAUSED.format(model=self.model)) is not None,
        )

    def _act(
        self,
        action: Action,
        deployment: Deployment,
        seen: Observation,
        verdicts: tuple[Verdict, ...],
    ) -> Decision | None:
        order = Order(
            by="loop",
            now=seen.at,
            reasons=_reasons(action, seen, verdicts),
            verdicts=(seen.confirmed_drift, seen.quality, *verdicts),
            token=deployment.token,
        )
        if action is Action.RETRAIN:
            return self._retrain(order, seen, deployment.champion)
        if action is Action.PROMOTE and deployment.candidate is not None:
            return self.actor.promote(deployment.candidate, order)
        if action is Action.DISCARD:
            return self.actor.discard(order)
        if action is Action.ROLL_BACK:
            return self.actor.roll_back(order)
        if action is Action.SETTLE:
            return self.actor.settle(order)
        return None

    def _retrain(self, order: Order, seen: Observation, champion: int | None) -> Decision:
        """Train a candidate and hand it to the gates; a failed training is discarded."""
        onset = self.onset(seen)
        served = None if champion is None else self.store.version(self.model, champion).schema
        decision = self.actor.begin_training(order)
        try:
            rows = self.harvest.rows(onset=onset, now=order.now, served=served)
            version = self.workshop.make(rows, self.policy.recipe, now=order.now)
        except UserError as error:
            reasons = (f"the training failed: {error}",)
            begun = None if order.token is None else order.token + 1
            return self.actor.discard(replace(order, reasons=reasons, verdicts=(), token=begun))
        self.actor.offer(version.number, now=order.now)
        return decision

    def _aftermath(self, deployment: Deployment, *, now: datetime) -> Verdict:
        """The promoted version beside the one before it, on rows that it served."""
        if deployment.champion is None or deployment.previous is None:
            reason = "no version before this one to compare with"
            return Verdict(question="aftermath", outcome=Outcome.INCONCLUSIVE, reason=reason)
        held = self.store.labelled(
            self.model,
            since=deployment.since,
            until=now,
            as_of=now,
            version=deployment.champion,
        )
        held = held[: fixed_look(len(held), self.policy.aftermath.min_rows)]
        labels = np.array([one.label.value for one in held], dtype=np.int64)
        rows = [one.prediction.features for one in held]
        before = self.bench.scorer(deployment.previous)
        p = before.probabilities(rows) if rows else np.empty(0)
        q = np.array([one.prediction.probability for one in held])
        answers = np.array([one.prediction.prediction for one in held], dtype=np.int64)
        expected = (p >= before.version.threshold).astype(np.int64)
        return judge_aftermath(
            PairedConfusion.of(labels, expected, answers),
            PairedLoss.brier(labels, p, q),
            self.policy.aftermath,
        )


def _summary(answers: Sequence[Verdict], outcome: Outcome) -> str:
    passed = sum(one.outcome is Outcome.PASS for one in answers)
    return f"{passed} of {len(answers)} gates pass: {outcome.value}"


def _reasons(action: Action, seen: Observation, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Why, for people: what stood against it first."""
    told = [f"{one.question}: {one.outcome.value}: {one.reason}" for one in verdicts]
    if action is Action.RETRAIN:
        diagnosis = seen.diagnosis
        return (f"{diagnosis.cause.value}: {diagnosis.reason}", *told)
    order = {Outcome.FAIL: 0, Outcome.ERROR: 1, Outcome.INCONCLUSIVE: 2, Outcome.PASS: 3}
    ranked = sorted(verdicts, key=lambda one: order[one.outcome])
    return tuple(f"{one.question}: {one.outcome.value}: {one.reason}" for one in ranked)
