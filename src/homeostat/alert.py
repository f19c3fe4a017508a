"""Alert: one thing that is wrong, from when it opens until it is resolved."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from homeostat.verdict import Outcome, Verdict

__all__ = ["Alert", "Change", "update"]


class Change(StrEnum):
    """What a verdict did to an alert."""

    OPENED = "opened"
    UPDATED = "updated"
    RESOLVED = "resolved"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One open or resolved alert.  There is at most one open for a key."""

    id: str
    model: str
    key: str  #: the question it answers, such as "drift"
    reason: str  #: what was seen and what was asked, by the newest verdict
    opened_at: datetime  #: UTC
    updated_at: datetime  #: UTC
    resolved_at: datetime | None = None  #: UTC; None while it is open
    times_seen: int = 1  #: verdicts that said so


def update(
    open_alert: Alert | None, verdict: Verdict, *, model: str, now: datetime, new_id: str
) -> tuple[Alert | None, Change]:
    """What a new verdict makes of the alert that is open for its question, if any.

    FAIL opens it or adds to it and PASS resolves it.  INCONCLUSIVE leaves everything as it
    is: not knowing is no all-clear.  ERROR is a question of its own and is not seen here.
    """
    if verdict.outcome is Outcome.FAIL and open_alert is None:
        alert = Alert(
            id=new_id,
            model=model,
            key=verdict.question,
            reason=verdict.reason,
            opened_at=now,
            updated_at=now,
        )
        return alert, Change.OPENED
    if verdict.outcome is Outcome.FAIL and open_alert is not None:
        seen = replace(
            open_alert,
            reason=verdict.reason,
            updated_at=now,
            times_seen=open_alert.times_seen + 1,
        )
        return seen, Change.UPDATED
    if verdict.outcome is Outcome.PASS and open_alert is not None:
        return replace(open_alert, updated_at=now, resolved_at=now), Change.RESOLVED
    return open_alert, Change.NONE
