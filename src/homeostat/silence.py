"""Silence: for how long somebody does not want to be told, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from homeostat.alert import Alert
from homeostat.errors import UserError

__all__ = ["LONGEST", "Silence"]

LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Alerts of one model that are recorded and not told for some time.

    Raises
    ------
    UserError
        When it has no owner or no reason, ends before it begins, or lasts over 7 days.
    """

    id: str
    model: str
    key: str | None = None  #: of the alerts; None for all of the model
    owner: str
    reason: str
    created_at: datetime  #: UTC
    ends_at: datetime  #: UTC
    ended_at: datetime | None = None  #: UTC; when it was taken back before its end
    ended_by: str | None = None

    def __post_init__(self) -> None:
        problems = [
            f"{name}: none is given"
            for name in ("owner", "reason")
            if not str(getattr(self, name)).strip()
        ]
        span = self.ends_at - self.created_at
        if span <= timedelta(0):
            problems.append(f"end: {self.ends_at.isoformat()} is not after its beginning")
        if span > LONGEST:
            problems.append(f"end: {span} from now; at most {LONGEST.days} days are possible")
        if problems:
            raise UserError("nothing was silenced", problems)

    def covers(self, alert: Alert, *, now: datetime) -> bool:
        """Whether nobody is told of this alert now.

        What tells that nobody looks, or that nobody is told, is never silenced.
        """
        in_force = self.ended_at is None and self.created_at <= now < self.ends_at
        meant = self.model == alert.model and self.key in {None, alert.key}
        return in_force and meant and alert.finding.silenceable

    def to_dict(self) -> dict[str, Any]:
        """The silence as plain data that JSON can hold."""
        return {
            "id": self.id,
            "model": self.model,
            "key": self.key,
            "owner": self.owner,
            "reason": self.reason,
            "created_at": self.created_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "ended_by": self.ended_by,
        }
