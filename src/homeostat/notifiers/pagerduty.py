"""PagerDuty: Events API v2."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from homeostat.alert import Alert, AlertSeverity, Change
from homeostat.messages import Message
from homeostat.messages.words import clean, safe_link
from homeostat.notifiers import NOTIFIERS, Receipt, Secret, Wire, post

__all__ = ["PagerDuty"]

SEVERITIES = {
    AlertSeverity.LOW: "info",
    AlertSeverity.MEDIUM: "warning",
    AlertSeverity.HIGH: "error",
    AlertSeverity.CRITICAL: "critical",
}
ACTIONS = {Change.RESOLVED: "resolve", Change.ACKNOWLEDGED: "acknowledge"}


@NOTIFIERS.register("pagerduty")
@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDuty:
    """Triggers, acknowledges and resolves one incident for each alert."""

    routing_key: Secret  #: the integration key of the service
    url: str = "https://events.pagerduty.com/v2/enqueue"
    timeout_s: float = 10.0
    groups: ClassVar[bool] = False

    def send(self, message: Message, wire: Wire) -> Receipt:
        event = {"routing_key": wire.secret(self.routing_key), **_event(message)}
        body = json.dumps(event, allow_nan=False).encode()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        answer = post(wire, self.url, body, headers, timeout_s=self.timeout_s)
        return Receipt(detail=f"HTTP {answer.status_code}")


def _event(message: Message) -> dict[str, Any]:
    alert = message.parts[-1].alert if message.parts else None
    if alert is None or message.change is None:
        return {
            "event_action": "trigger",
            "dedup_key": message.id,
            "payload": {
                "summary": message.subject[:1024],
                "source": f"homeostat:{clean(message.model, 64)}",
                "severity": "info",
                "custom_details": {"text": message.text[:4000]},
            },
        }
    action = ACTIONS.get(message.change, "trigger")
    event: dict[str, Any] = {"event_action": action, "dedup_key": alert.id}
    if action != "trigger":
        return event
    return {**event, "payload": _payload(alert, message), "links": _links(alert)}


def _payload(alert: Alert, message: Message) -> dict[str, Any]:
    return {
        "summary": message.subject[:1024],
        "source": f"homeostat:{clean(alert.model, 64)}",
        "severity": SEVERITIES[alert.severity],
        "timestamp": alert.updated_at.isoformat(),
        "component": clean(alert.model, 64),
        "group": clean(alert.key, 80),
        "class": alert.finding.kind.value,
        "custom_details": {"text": message.text[:4000], "id": message.id},
    }


def _links(alert: Alert) -> list[dict[str, str]]:
    runbook = safe_link(alert.finding.runbook)
    return [{"href": runbook, "text": "Runbook"}] if runbook else []
