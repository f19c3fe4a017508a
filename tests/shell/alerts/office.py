"""A store, a clock that only the test moves, and channels to real receivers."""

import io
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from itertools import count
from typing import Any

import httpx

from homeostat.alerting import Alerting
from homeostat.notifiers import Notifier, Secret, Wire, build_notifier
from homeostat.outbound import Allowed, GuardedTransport
from homeostat.outgoing import ChannelPolicy
from homeostat.rules import Route, Rules
from homeostat.sending import Channel, Sender
from homeostat.store import Store
from homeostat.verdict import Measurement, Outcome, Verdict
from tests.core.made import NOW

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LOCAL = (ip_network("127.0.0.0/8"),)


def drift(psi: float = 0.28, *names: str) -> Verdict:
    """A drift of these features, by so much."""
    named = names or ("monthly_charges", "tenure")
    return Verdict(
        question="drift",
        outcome=Outcome.FAIL,
        reason=f"{len(named)} of 20 features changed",
        measurements=tuple(
            Measurement(
                subject=one,
                statistic="psi",
                value=psi,
                effect=psi,
                asked=0.1,
                n_reference=4_000,
                n_current=2_000,
                drifted=True,
            )
            for one in named
        ),
        details={"drifted": list(named)},
        window=(NOW - timedelta(days=1), NOW),
    )


def passed(question: str = "drift") -> Verdict:
    return Verdict(question=question, outcome=Outcome.PASS, reason="as before")


def failed(question: str, reason: str = "seen 1, asked 0") -> Verdict:
    return Verdict(question=question, outcome=Outcome.FAIL, reason=reason)


@dataclass(kw_only=True)
class Office:
    """Alerts of one model with everything that tells them."""

    store: Store
    now: datetime = NOW
    secrets: dict[str, str] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    channels: list[Channel] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)  #: of the rules
    out: io.StringIO = field(default_factory=io.StringIO)
    ids: Any = field(default_factory=lambda: map("id-{:05}".format, count()))
    http: httpx.BaseTransport | None = None
    holder: str = "office"

    def channel(self, name: str, kind: str, options: dict[str, Any], **policy: Any) -> Channel:
        """A channel that is told of everything."""
        return self.add(name, build_notifier(kind, options), **policy)

    def add(self, name: str, notifier: Notifier, **policy: Any) -> Channel:
        made = Channel(
            policy=ChannelPolicy(name=name, groups=notifier.groups, **policy), notifier=notifier
        )
        self.channels.append(made)
        self.routes.append(Route(channel=name))
        return made

    def webhook(self, name: str, url: str, **policy: Any) -> Channel:
        self.secrets[name] = url
        self.hosts.add(url.split("/")[2])
        return self.channel(name, "webhook", {"url": {"env": name}, "timeout_s": 5.0}, **policy)

    def slack(self, name: str, url: str, **policy: Any) -> Channel:
        self.secrets[name] = url
        self.hosts.add(url.split("/")[2])
        options = {"webhook_url": {"env": name}, "timeout_s": 5.0}
        return self.channel(name, "slack", options, **policy)

    @property
    def alerting(self) -> Alerting:
        rules = Rules(routes=tuple(self.routes), **self.given)
        return Alerting(store=self.store, model="m", rules=rules, new_id=lambda: next(self.ids))

    @property
    def sender(self) -> Sender:
        guarded = GuardedTransport(allowed=Allowed(hosts=frozenset(self.hosts), networks=LOCAL))
        wire = Wire(
            http=self.http or guarded, secret=self.secret, now=lambda: self.now, out=self.out
        )
        return Sender(
            store=self.store,
            alerting=self.alerting,
            channels=tuple(self.channels),
            wire=wire,
            jitter=lambda: 0.0,
            new_id=lambda: next(self.ids),
            holder=self.holder,
        )

    def secret(self, secret: Secret) -> str:
        return secret.read(self.secrets)

    def see(self, *verdicts: Verdict) -> list[str]:
        """What these verdicts change, now."""
        changes = self.alerting.consider(verdicts, now=self.now)
        return [f"{change.value} {alert.key}" for alert, change in changes]

    def send(self) -> int:
        """How many messages are delivered now."""
        never, sender = threading.Event(), self.sender
        return sum(sender.drain(one, stop=never) for one in self.channels)

    def wait(self, span: timedelta) -> int:
        """How many messages are delivered after so long."""
        self.now += span
        return self.send()
