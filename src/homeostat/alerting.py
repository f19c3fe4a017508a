"""Alerting: verdicts to alerts, and what is to be told of them, in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from homeostat.alert import Alert, Answer, Change, Occasion, overdue, update
from homeostat.diagnosis import Diagnosis
from homeostat.errors import Conflict
from homeostat.outgoing import Envelope
from homeostat.rules import Rules, answers
from homeostat.store import AlertEntry, AlertEvent, Standing, Store, Told
from homeostat.verdict import Verdict

__all__ = ["Alerting", "By"]

log = structlog.get_logger()

#: After which an alert is told again to a channel that could not be told.
AGAIN = timedelta(minutes=30)

Changes = tuple[tuple[Alert, Change], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does something, when and why."""

    who: str
    at: datetime  #: UTC
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """The alerts of one model."""

    store: Store
    model: str
    rules: Rules
    new_id: Callable[[], str]

    def consider(
        self,
        verdicts: Sequence[Verdict],
        *,
        now: datetime,
        diagnosis: Diagnosis | None = None,
    ) -> Changes:
        """What the verdicts change, written with all that is to be told of it or not at all.

        Parameters
        ----------
        diagnosis
            The cause of what the verdicts on drift and quality say.
        """
        return self.record(answers(verdicts, self.rules, diagnosis), now=now)

    def record(self, said: Sequence[Answer], *, now: datetime) -> Changes:
        """What these answers change, written with all that is to be told of it."""

        def decide(standing: Standing) -> list[AlertEntry]:
            held = dict(standing.held)
            entries = []
            for one in said:
                occasion = Occasion(model=self.model, now=now, new_id=self.new_id())
                alert, change = update(held.get(one.key), one, occasion, self.rules.damping)
                if alert is not None and change is not Change.NONE:
                    held[one.key] = alert
                    entries.append(self._entry(alert, change, standing, now=now))
            return entries

        return self._written([one.key for one in said], decide, now=now)

    def acknowledge(self, key: str, by: By) -> Alert:
        """The open alert with this id or key, which somebody has taken up.

        Raises
        ------
        NotFound
            When there is none.
        Conflict
            When it is resolved.
        """
        found = self.store.alerting.alert(self.model, key)

        def decide(standing: Standing) -> list[AlertEntry]:
            alert = standing.held[found.key]
            if alert.id != found.id or alert.resolved_at is not None:
                raise Conflict(f"the alert {key!r} is resolved; there is nothing to take up")
            taken = replace(alert, acknowledged_at=by.at, acknowledged_by=by.who)
            entry = self._entry(taken, Change.ACKNOWLEDGED, standing, now=by.at)
            return [replace(entry, event=self._event(taken, "acknowledged", by))]

        [(alert, _)] = self._written([found.key], decide, now=by.at)
        return alert

    def close(self, key: str, by: By) -> Alert | None:
        """The alert of this key, resolved by a person; None when none is open."""

        def decide(standing: Standing) -> list[AlertEntry]:
            alert = standing.held.get(key)
            if alert is None or alert.resolved_at is not None:
                return []
            over = replace(alert, updated_at=by.at, resolved_at=by.at)
            entry = self._entry(over, Change.RESOLVED, standing, now=by.at)
            return [replace(entry, event=self._event(over, "resolved", by))]

        changed = self._written([key], decide, now=by.at)
        return changed[0][0] if changed else None

    def escalate(self, *, now: datetime) -> Changes:
        """Alerts that nobody took up in time, which is told now."""
        rule = self.rules.escalation
        if rule is None:
            return ()
        late = self.store.alerting.unacknowledged(self.model, opened_by=now - rule.after)
        if not late:
            return ()

        def decide(standing: Standing) -> list[AlertEntry]:
            return [
                self._entry(replace(one, overdue_at=now), Change.OVERDUE, standing, now=now)
                for one in standing.held.values()
                if overdue(one, rule.after, least=rule.min_severity, now=now)
                and not _silenced(one, standing, now)
            ]

        return self._written([one.key for one in late], decide, now=now)

    def _written(
        self,
        keys: Sequence[str],
        decide: Callable[[Standing], Sequence[AlertEntry]],
        *,
        now: datetime,
    ) -> Changes:
        entries = self.store.alerting.change(self.model, keys, decide, now=now) if keys else ()
        for entry in entries:
            if entry.change is not Change.UPDATED:
                log.warning(
                    "alert",
                    change=entry.change.value,
                    model=self.model,
                    key=entry.alert.key,
                    severity=entry.alert.severity.name,
                    reason=entry.alert.reason,
                )
        return tuple((one.alert, one.change) for one in entries)

    def _entry(
        self, alert: Alert, change: Change, standing: Standing, *, now: datetime
    ) -> AlertEntry:
        told = standing.told.get(alert.id, {})
        silenced = _silenced(alert, standing, now)
        made = tuple(
            Envelope(
                id=self.new_id(),
                channel=channel,
                model=self.model,
                created_at=now,
                due_at=now,
                alert=alert,
                change=what,
            )
            for channel in self._channels(alert, change, list(told))
            if (what := self._to_tell(alert, change, told.get(channel), now=now))
            and (not silenced or change is Change.RESOLVED)
        )
        return AlertEntry(alert=alert, change=change, envelopes=made)

    def _channels(self, alert: Alert, change: Change, told: Sequence[str]) -> Iterator[str]:
        """Who hears of it: that it is over, or taken up, only who heard of it before."""
        routed = [
            one.channel for one in self.rules.routes if one.takes(alert.finding, alert.severity)
        ]
        if change in {Change.RESOLVED, Change.ACKNOWLEDGED}:
            yield from told
        elif change is Change.OVERDUE and self.rules.escalation is not None:
            named = self.rules.escalation.channels
            yield from (routed if named is None else named)
        else:
            yield from routed

    def _to_tell(
        self, alert: Alert, change: Change, told: Told | None, *, now: datetime
    ) -> Change | None:
        """What to tell a channel; None for what it knows already."""
        if change is not Change.UPDATED:
            return change
        if told is None:
            return Change.OPENED  # it was silenced until now, or is routed otherwise
        if told.waiting or alert.acknowledged_at is not None:
            return None
        lately = (
            (told.delivered_at, self.rules.remind),
            (told.given_up_at, min(AGAIN, self.rules.remind)),
        )
        waits = any(at is not None and now - at < span for at, span in lately)
        return None if waits else Change.UPDATED

    def _event(self, alert: Alert, event: str, by: By) -> AlertEvent:
        return AlertEvent(
            at=by.at,
            model=self.model,
            subject=alert.id,
            event=event,
            who=by.who,
            reason=by.reason,
        )


def _silenced(alert: Alert, standing: Standing, now: datetime) -> bool:
    return any(one.covers(alert, now=now) for one in standing.silences)
