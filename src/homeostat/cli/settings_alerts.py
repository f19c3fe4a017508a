"""The settings of alerts: rules, channels, and when they are told."""

import json
import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from homeostat.alert import AlertType
from homeostat.cli.settings_types import (
    CONFIG,
    Count,
    Name,
    Names,
    Positive,
    Real,
    Text,
    Zone,
    several,
)
from homeostat.extension import did_you_mean

__all__ = ["DAYS", "AlertSettings", "ChannelSettings", "RuleSettings", "in_alerts"]

SeverityName = Literal["LOW", "MEDIUM", "HIGH", "CRITICAL"]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  #: as datetime numbers them, from 0


# A variable of the environment holds JSON.
def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("should be JSON when it comes from the environment") from None


def _clock(text: Any) -> Any:
    # YAML takes a bare 9:00 for 540, the number of sixtieths.
    if isinstance(text, int) and not isinstance(text, bool):
        return f"{text // 60:02}:{text % 60:02}"
    return text


def _network(text: str) -> str:
    ip_network(text)
    return text


def _web(address: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"'`|\\^]+", address):
        raise ValueError("should be an address of the web, such as https://wiki.example/drift")
    return address


Clock = Annotated[str, BeforeValidator(_clock), Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Link = Annotated[str, AfterValidator(_web)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$")]
Hosts = Annotated[tuple[Host, ...], BeforeValidator(several)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(several)]


class RuleSettings(BaseModel):
    """What is different from the usual for a question, or a bound of one's own for a number."""

    model_config = CONFIG

    name: Name = Field(description="key of its alert, where it has a bound")
    question: Text = Field(description="drift, quality, thresholds, degradation, estimate, …")
    subject: Text | None = Field(default=None, description="feature or metric; null: any")
    statistic: Text | None = Field(default=None, description="such as psi; null: any")
    above: Real | None = Field(default=None, description="an alert of its own from here on")
    below: Real | None = Field(default=None, description="an alert of its own down from here")
    enabled: bool = Field(default=True, description="false: nobody is told")
    type: AlertType | None = Field(default=None, description="null: as usual")
    severity: SeverityName | None = Field(default=None, description="null: as usual")
    runbook: Link | None = Field(default=None, description="a page about what to do")
    advice: Text | None = Field(default=None, description="what to do, in a sentence")
    channels: Names | None = Field(default=None, description="only these; null: as routed")


class ChannelSettings(BaseModel):
    """One place where people, or programs, are told."""

    model_config = CONFIG

    kind: Text = Field(description="console, slack, email, webhook, pagerduty or apprise")
    options: dict[str, Any] = Field(default={}, description="of that kind; see the how-to")
    min_severity: SeverityName = Field(default="LOW", description="least that is told")
    types: tuple[AlertType, ...] | None = Field(default=None, description="only these; null: all")
    only_named: bool = Field(
        default=False, description="told only what names it: a rule, a fallback, an escalation"
    )
    group_wait_s: Real = Field(
        default=30.0, ge=0, le=60, description="what comes within goes along"
    )
    group_interval_s: Real = Field(default=300.0, ge=0, description="seconds between two messages")
    per_hour: Count = Field(
        default=20, description="messages, of the same urgency or more; CRITICAL is not counted"
    )
    digest_at: Clock | None = Field(default=None, description="when all that is LOW is told")
    hours: Clock | None = Field(default=None, description="when work begins; null: any time")
    hours_end: Clock = Field(default="17:00", description="when work ends")
    days: tuple[Day, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"), description="days of work"
    )
    always: SeverityName = Field(default="CRITICAL", description="told at any hour")
    fallback: Name | None = Field(default=None, description="channel for what does not arrive")


class AlertSettings(BaseModel):
    """What is told, and to whom."""

    model_config = CONFIG

    channels: Annotated[dict[Name, ChannelSettings], BeforeValidator(_from_json)] = Field(
        default={}, description="by name; secrets by env or file only"
    )
    rules: Annotated[tuple[RuleSettings, ...], BeforeValidator(_from_json)] = Field(
        default=(), description="what differs from the usual, and bounds of your own"
    )
    runbook: Link | None = Field(
        default=None, description="page about what to do; {key} stands for the alert's"
    )
    timezone: Zone = Field(default="UTC", description="of hours and digests")
    quiet_s: Real = Field(default=300.0, ge=0, description="without a finding until it is over")
    remind_h: Positive = Field(default=4.0, description="hours until it is told again")
    escalate_after_min: Real = Field(
        default=0.0,
        ge=0,
        description="until somebody else is told that nobody took it up; 0: never",
    )
    escalate_severity: SeverityName = Field(default="HIGH", description="least that is escalated")
    escalate_to: Names = Field(default=(), description="channels; none: those told before")
    allowed_hosts: Hosts = Field(
        default=(), description="of webhooks, as host or host:port; Slack and PagerDuty are known"
    )
    allowed_networks: Networks = Field(
        default=(), description="addresses of webhooks that are not public, as 10.0.0.0/8"
    )


def in_alerts(alerts: AlertSettings) -> Iterator[str]:
    """What is wrong between settings of alerts that are right one by one."""
    known = list(alerts.channels)
    named = {
        **{f"rules.{n}.channels": one.channels or () for n, one in enumerate(alerts.rules)},
        **{
            f"channels.{name}.fallback": (one.fallback,) if one.fallback else ()
            for name, one in alerts.channels.items()
        },
        "escalate_to": alerts.escalate_to,
    }
    for place, names in named.items():
        for name in names:
            if name not in alerts.channels:
                near = did_you_mean(name, known) if known else "there is none"
                yield f"alerts.{place}: no channel {name!r}; {near}"
    for name, one in alerts.channels.items():
        if one.fallback == name:
            yield f"alerts.channels.{name}.fallback: is the channel itself"
        if one.hours is not None and one.hours >= one.hours_end:
            yield f"alerts.channels.{name}.hours: {one.hours} is not before {one.hours_end}"
    bounds = [one.name for one in alerts.rules if one.above is not None or one.below is not None]
    for n, rule in enumerate(alerts.rules):
        if rule.above is not None and rule.below is not None:
            yield f"alerts.rules.{n}: above and below; make two rules"
        if bounds.count(rule.name) > 1:
            yield f"alerts.rules.{n}.name: {rule.name!r} comes twice"
