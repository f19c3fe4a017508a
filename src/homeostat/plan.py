"""Where a model stands in the loop, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from homeostat.decision import Action, Decision
from homeostat.verdict import Outcome, Verdict

__all__ = ["Deployment", "Phase", "RestPolicy", "Situation", "next_action", "rested"]


class Phase(StrEnum):
    """Where a model stands in the loop."""

    STEADY = "steady"
    TRAINING = "training"
    CANDIDATE = "candidate"
    VERIFYING = "verifying"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Which version is in service, and what is being done about it.  One row in the store.

    Every change raises `token` by one and is made by compare-and-set on it, so of two
    actors that saw the same state one changes it and the other is told.
    """

    model: str
    token: int = 0
    champion: int | None = None  #: version in service
    champion_digest: str | None = None  #: sha256 of its manifest
    previous: int | None = None  #: version to go back to
    candidate: int | None = None
    phase: Phase = Phase.STEADY
    since: datetime  #: UTC, when the phase began
    promoted_at: datetime | None = None  #: UTC, when the champion was put into service


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the next action depends on."""

    phase: Phase
    health: Outcome  #: FAIL when drift or quality failed for long enough
    data_fault: bool  #: the cause is a broken feed
    ready: Outcome  #: PASS when labels and rest suffice for a retraining
    gates: Outcome  #: of the candidate, the worst of them
    aftermath: Outcome  #: of the last promotion
    overdue: bool  #: the phase has lasted longer than allowed
    paused: bool = False  #: an operator switched automatic action off


def next_action(situation: Situation) -> Action:
    """What to do.  An ERROR alone, and everything that is not listed here, changes nothing.

    ========== ==================================================== =========
    phase      when                                                 action
    ========== ==================================================== =========
    steady     health FAIL, not a data fault, ready PASS            RETRAIN
    training   overdue                                              DISCARD
    candidate  all gates PASS                                       PROMOTE
    candidate  a gate FAILs, or overdue                             DISCARD
    verifying  aftermath FAIL, or overdue and not PASS              ROLL_BACK
    verifying  overdue and PASS                                     SETTLE
    any        paused                                               HOLD
    ========== ==================================================== =========
    """
    if situation.paused:
        return Action.HOLD
    return _PHASES[situation.phase](situation)


def _steady(situation: Situation) -> Action:
    wanted = situation.health is Outcome.FAIL and not situation.data_fault
    return Action.RETRAIN if wanted and situation.ready is Outcome.PASS else Action.HOLD


def _training(situation: Situation) -> Action:
    return Action.DISCARD if situation.overdue else Action.HOLD


def _candidate(situation: Situation) -> Action:
    if situation.gates is Outcome.PASS:
        return Action.PROMOTE
    if situation.gates is Outcome.FAIL or situation.overdue:
        return Action.DISCARD
    return Action.HOLD


def _verifying(situation: Situation) -> Action:
    if situation.aftermath is Outcome.FAIL:
        return Action.ROLL_BACK
    if not situation.overdue:
        return Action.HOLD
    return Action.SETTLE if situation.aftermath is Outcome.PASS else Action.ROLL_BACK


_PHASES = {
    Phase.STEADY: _steady,
    Phase.TRAINING: _training,
    Phase.CANDIDATE: _candidate,
    Phase.VERIFYING: _verifying,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestPolicy:
    """How long to leave a model alone between two retrainings."""

    rest: timedelta = timedelta(hours=6)  #: doubled for each failure in a row
    longest: timedelta = timedelta(hours=24)
    failures: int = 3  #: in a row; then a human has to look


def rested(history: Sequence[Decision], policy: RestPolicy, *, now: datetime) -> Verdict:
    """Whether another retraining may begin.

    After a candidate was discarded or rolled back the rest doubles; after
    ``policy.failures`` of them in a row the answer is FAIL until a person acts on the
    model (any decision that the loop did not make closes the row).

    Parameters
    ----------
    history
        Decisions about the model, newest first.
    """
    last = next((one.decided_at for one in history if one.action is Action.RETRAIN), None)
    failed = _failures_in_a_row(history)
    if failed >= policy.failures:
        reason = (
            f"{failed} candidates failed in a row, {policy.failures} allowed; look at the "
            "decisions, then run `homeostat loop resume`"
        )
        return Verdict(question="rested", outcome=Outcome.FAIL, reason=reason)
    if last is None:
        return Verdict(question="rested", outcome=Outcome.PASS, reason="no retraining so far")
    rest = min(max(policy.longest, policy.rest), policy.rest * 2**failed)
    outcome = Outcome.PASS if now - last >= rest else Outcome.INCONCLUSIVE
    reason = f"{_hours(now - last)} h since the last retraining, {_hours(rest)} h asked"
    return Verdict(question="rested", outcome=outcome, reason=reason)


def _failures_in_a_row(history: Sequence[Decision]) -> int:
    failed = 0
    for decision in history:
        if decision.decided_by != "loop" or decision.action is Action.SETTLE:
            break
        failed += decision.action in {Action.DISCARD, Action.ROLL_BACK}
    return failed


def _hours(span: timedelta) -> str:
    return f"{span / timedelta(hours=1):.1f}"
