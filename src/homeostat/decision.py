"""Decision: what was done, and the verdicts behind it.  The audit record."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from homeostat.gates import Evidence, Gate
from homeostat.verdict import Outcome, Verdict, worst

__all__ = ["Action", "Decision", "decide_promotion", "evidence_digest"]


#: Gates that say whether there is enough to judge by.  While one of them does not pass,
#: the answers of the others are no news yet, so that a candidate is not asked until it passes.
SUFFICIENCY = frozenset({"min_rows", "label_coverage"})


class Action(StrEnum):
    """What the loop can do."""

    HOLD = "HOLD"
    RETRAIN = "RETRAIN"
    PROMOTE = "PROMOTE"
    DISCARD = "DISCARD"
    SETTLE = "SETTLE"
    ROLL_BACK = "ROLL_BACK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One action with the verdicts that led to it.  Never changed once written."""

    id: str
    model: str
    action: Action
    outcome: Outcome  #: PASS when it was done; FAIL when it was tried and did not succeed
    decided_at: datetime  #: UTC
    decided_by: str  #: "loop", or who gave the command
    reasons: tuple[str, ...]  #: for people, most important first
    verdicts: tuple[Verdict, ...] = ()
    version_before: int | None = None  #: champion before
    version_after: int | None = None  #: champion after
    candidate: int | None = None

    @property
    def evidence_digest(self) -> str:
        """sha256 over the verdicts, in hex: equal evidence, equal digest."""
        return evidence_digest(self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """The decision as plain data that JSON can hold."""
        return {
            "id": self.id,
            "model": self.model,
            "action": self.action.value,
            "outcome": self.outcome.value,
            "decided_at": self.decided_at.isoformat(),
            "decided_by": self.decided_by,
            "reasons": list(self.reasons),
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "version_before": self.version_before,
            "version_after": self.version_after,
            "candidate": self.candidate,
            "evidence_digest": self.evidence_digest,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Decision":
        """The decision that `to_dict` wrote."""
        known = {**plain}
        known.pop("evidence_digest", None)
        return cls(
            **{
                **known,
                "action": Action(plain["action"]),
                "outcome": Outcome(plain["outcome"]),
                "decided_at": datetime.fromisoformat(plain["decided_at"]),
                "reasons": tuple(plain["reasons"]),
                "verdicts": tuple(Verdict.from_dict(one) for one in plain["verdicts"]),
            }
        )


def decide_promotion(
    gates: Sequence[Gate], evidence: Evidence
) -> tuple[Outcome, tuple[Verdict, ...]]:
    """The answer of all gates together, and each of them; every gate is asked.

    PASS only when all pass.  While the gates of sufficiency wait for rows the answer is
    theirs, whatever the others say of the few rows there are.
    """
    verdicts = tuple(gate.judge(evidence) for gate in gates)
    waiting: list[Outcome] = [
        one.outcome
        for one in verdicts
        if one.question in SUFFICIENCY and one.outcome is not Outcome.PASS
    ]
    return worst(waiting or [one.outcome for one in verdicts]), verdicts


def evidence_digest(verdicts: Sequence[Verdict]) -> str:
    """sha256 of the canonical JSON of `verdicts`, in hex."""
    text = json.dumps([one.to_dict() for one in verdicts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
