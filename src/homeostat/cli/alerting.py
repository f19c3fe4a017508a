"""Alerting, put together from the settings."""

import os
import random
import socket
import sys
from collections.abc import Callable
from datetime import datetime, time, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from homeostat.cli.settings_alerts import (
    DAYS,
    AlertSettings,
    ChannelSettings,
    RuleSettings,
)
from homeostat.errors import UserError

if TYPE_CHECKING:
    from homeostat.alerting import Alerting
    from homeostat.notifiers import Secret, Wire
    from homeostat.outgoing import ChannelPolicy
    from homeostat.policy import DriftPolicy
    from homeostat.rules import Route, Rule, Rules
    from homeostat.sending import Channel, Sender

__all__ = ["build_rules", "build_sender"]


def build_rules(alerts: AlertSettings, drift: "DriftPolicy") -> "Rules":
    """What alerts are made of, and who is told."""
    from homeostat.alert import AlertSeverity, Damping
    from homeostat.rules import Escalation, Rules

    escalation = Escalation(
        after=timedelta(minutes=alerts.escalate_after_min),
        min_severity=AlertSeverity[alerts.escalate_severity],
        channels=alerts.escalate_to or None,
    )
    return Rules(
        drift=drift,
        rules=tuple(_rule(one) for one in alerts.rules),
        routes=tuple(_route(name, one) for name, one in alerts.channels.items()),
        runbook=alerts.runbook,
        damping=Damping(quiet=timedelta(seconds=alerts.quiet_s)),
        remind=timedelta(hours=alerts.remind_h),
        escalation=escalation if alerts.escalate_after_min else None,
    )


def build_sender(
    alerts: AlertSettings, alerting: "Alerting", clock: Callable[[], datetime]
) -> "Sender":
    """What delivers to the channels of the settings.

    Raises
    ------
    UserError
        With all that is wrong with the channels.
    """
    from homeostat.sending import Sender

    return Sender(
        store=alerting.store,
        alerting=alerting,
        channels=_channels(alerts),
        wire=_wire(alerts, clock),
        jitter=random.random,
        new_id=alerting.new_id,
        holder=f"{socket.gethostname()}:{os.getpid()}",
    )


def _channels(alerts: AlertSettings) -> "tuple[Channel, ...]":
    from homeostat.notifiers import build_notifier
    from homeostat.sending import Channel

    made, problems = [], []
    for name, one in alerts.channels.items():
        try:
            notifier = build_notifier(one.kind, one.options)
        except UserError as error:
            said = error.problems or [str(error)]
            problems += [f"alerts.channels.{name}: {problem}" for problem in said]
            continue
        policy = _policy(name, one, alerts, grouped=notifier.groups)
        made.append(Channel(policy=policy, notifier=notifier))
    if problems:
        raise UserError("the channels of alerts cannot be used", problems)
    return tuple(made)


def _policy(
    name: str, one: ChannelSettings, alerts: AlertSettings, *, grouped: bool
) -> "ChannelPolicy":
    from homeostat.alert import AlertSeverity
    from homeostat.outgoing import ChannelPolicy, Hours

    place = ZoneInfo(alerts.timezone)
    hours = None
    if one.hours is not None:
        hours = Hours(
            begin=time.fromisoformat(one.hours),
            end=time.fromisoformat(one.hours_end),
            weekdays=frozenset(DAYS.index(day) for day in one.days),
            zone=place,
        )
    return ChannelPolicy(
        name=name,
        groups=grouped,
        group_wait=timedelta(seconds=one.group_wait_s),
        group_interval=timedelta(seconds=one.group_interval_s),
        per_hour=one.per_hour,
        digest_at=time.fromisoformat(one.digest_at) if one.digest_at else None,
        hours=hours,
        always=AlertSeverity[one.always],
        zone=place,
        fallback=one.fallback,
    )


def _route(name: str, one: ChannelSettings) -> "Route":
    from homeostat.alert import AlertSeverity, AlertType
    from homeostat.rules import Route

    return Route(
        channel=name,
        min_severity=AlertSeverity[one.min_severity],
        types=frozenset(AlertType if one.types is None else one.types),
        only_named=one.only_named,
    )


def _rule(one: RuleSettings) -> "Rule":
    from homeostat.alert import AlertSeverity
    from homeostat.rules import Rule

    given = one.model_dump(exclude={"type", "severity"})
    severity = AlertSeverity[one.severity] if one.severity else None
    return Rule(**given, kind=one.type, severity=severity)


def _wire(alerts: AlertSettings, clock: Callable[[], datetime]) -> "Wire":
    from homeostat.notifiers import Wire
    from homeostat.outbound import KNOWN_HOSTS, Allowed, GuardedTransport

    allowed = Allowed(
        hosts=KNOWN_HOSTS | {one.lower() for one in alerts.allowed_hosts},
        networks=tuple(ip_network(one) for one in alerts.allowed_networks),
    )
    return Wire(http=GuardedTransport(allowed=allowed), secret=_secret, now=clock, out=sys.stdout)


def _secret(secret: "Secret") -> str:
    return secret.read(os.environ)
