"""Putting versions into service and taking them out: the only place that changes a champion."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from homeostat.decision import Action, Decision
from homeostat.errors import Conflict, NotFound, Unavailable
from homeostat.plan import Deployment, Phase
from homeostat.registry import Tracker, load_scorer
from homeostat.store import Store
from homeostat.verdict import Outcome, Verdict
from homeostat.version import Version

__all__ = ["Actor", "Order"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who asks for an action, when, and why."""

    by: str  #: "loop", or a person
    now: datetime  #: UTC
    reasons: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()
    token: int | None = None  #: of the deployment that was judged; None when none was


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Carries out actions on one model, each as one compare-and-set with its decision.

    An order that holds the token of what was judged raises Conflict, and changes nothing,
    when another actor changed that since.
    """

    store: Store
    model: str
    artifacts: Path
    tracker: Tracker
    new_id: Callable[[], str]

    def deployment(self, *, now: datetime) -> Deployment:
        """Where the model stands; with the token -1 when it was never deployed."""
        held = self.store.deployment(self.model)
        return held or Deployment(model=self.model, since=now, token=-1)

    def promote(self, number: int, order: Order) -> Decision:
        """Put a version into service, and watch it when there is one to go back to.

        The artefact is verified first.  The version before stays on disk and becomes the
        one to go back to.

        Raises
        ------
        NotFound
            When there is no such version.
        Conflict
            When it is in service already, or another actor changed the champion meanwhile.
        StateError
            When its artefact is not the one that was registered.
        """
        old = self.deployment(now=order.now)
        version = self._verified(number)
        if old.champion == number:
            raise Conflict(f"version {number} of {self.model!r} is in service already")
        new = replace(
            old,
            champion=number,
            champion_digest=version.digest,
            previous=old.champion,
            candidate=None,
            phase=Phase.STEADY if old.champion is None else Phase.VERIFYING,
            since=order.now,
            promoted_at=order.now,
        )
        return self._change(old, new, Action.PROMOTE, order)

    def roll_back(self, order: Order, *, number: int | None = None) -> Decision:
        """Put the version before (or `number`) back into service.

        Raises
        ------
        NotFound
            When there is nothing to go back to.
        """
        old = self.deployment(now=order.now)
        target = old.previous if number is None else number
        if target is None:
            message = f"{self.model!r} has no version to go back to; promote one by its number"
            raise NotFound(message)
        version = self._verified(target)
        new = replace(
            old,
            champion=target,
            champion_digest=version.digest,
            previous=None,
            candidate=None,
            phase=Phase.STEADY,
            since=order.now,
            promoted_at=order.now,
        )
        return self._change(old, new, Action.ROLL_BACK, order)

    def settle(self, order: Order) -> Decision:
        """Keep the champion for good: it was verified."""
        old = self.deployment(now=order.now)
        new = replace(old, previous=None, phase=Phase.STEADY, since=order.now)
        return self._change(old, new, Action.SETTLE, order)

    def begin_training(self, order: Order) -> Decision:
        """Write down that a candidate is being trained, before the work begins."""
        old = self.deployment(now=order.now)
        new = replace(old, candidate=None, phase=Phase.TRAINING, since=order.now)
        return self._change(old, new, Action.RETRAIN, order)

    def offer(self, number: int, *, now: datetime) -> None:
        """Hand a trained version over to the gates.

        Raises
        ------
        Conflict
            When the training was called off meanwhile.
        """
        old = self.deployment(now=now)
        if old.phase is not Phase.TRAINING:
            message = f"version {number} came too late: {self.model!r} is {old.phase.value}"
            raise Conflict(message)
        new = replace(old, token=old.token + 1, candidate=number, phase=Phase.CANDIDATE, since=now)
        if not self.store.transition(new, None):
            raise _lost(self.model)

    def discard(self, order: Order) -> Decision:
        """Drop the candidate, or the training of one; the champion stays."""
        old = self.deployment(now=order.now)
        new = replace(old, candidate=None, phase=Phase.STEADY, since=order.now)
        return self._change(old, new, Action.DISCARD, order)

    def mirror(self) -> None:
        """Make the MLflow alias name the champion; a failure is logged and tried again later.

        A version that MLflow could not record when it was trained is recorded now.
        """
        held = self.store.deployment(self.model)
        number = held.champion if held else None
        try:
            repaired = self._mirrored(number)
        except Unavailable as error:
            log.warning("mlflow mirror not updated", model=self.model, error=str(error))
            return
        if repaired:
            log.info("mlflow alias follows the champion", model=self.model)

    def _mirrored(self, number: int | None) -> bool:
        try:
            return self.tracker.mirror_champion(self.model, number)
        except NotFound:
            if number is None:
                raise
            version = self.store.version(self.model, number)
            params = {"algorithm": version.algorithm, "origin": version.origin}
            self.tracker.log_training(version, params, dict(version.metrics))
            return self.tracker.mirror_champion(self.model, number)

    def _verified(self, number: int) -> Version:
        version = self.store.version(self.model, number)
        load_scorer(self.artifacts, version)
        return version

    def _change(self, old: Deployment, new: Deployment, action: Action, order: Order) -> Decision:
        if order.token not in {None, old.token}:
            raise _lost(self.model)
        decision = Decision(
            id=self.new_id(),
            model=self.model,
            action=action,
            outcome=Outcome.PASS,
            decided_at=order.now,
            decided_by=order.by,
            reasons=order.reasons,
            verdicts=order.verdicts,
            version_before=old.champion,
            version_after=new.champion,
            candidate=old.candidate,
        )
        if not self.store.transition(replace(new, token=old.token + 1), decision):
            raise _lost(self.model)
        log.info(
            "deployment changed",
            model=self.model,
            action=action.value,
            decision=decision.id,
            champion=new.champion,
        )
        return decision


def _lost(model: str) -> Conflict:
    return Conflict(f"another actor changed {model!r} meanwhile; look again, then decide again")
