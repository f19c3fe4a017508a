"""Apprise: everything that it reaches, which is over a hundred services."""

from dataclasses import dataclass
from typing import ClassVar

from homeostat.alert import AlertSeverity
from homeostat.messages import Message
from homeostat.notifiers import NOTIFIERS, Receipt, Refused, Retry, Secret, Wire

__all__ = ["Apprise"]


@NOTIFIERS.register("apprise")
@dataclass(frozen=True, slots=True, kw_only=True)
class Apprise:
    """Hands the text to apprise, for the addresses of its own that stand in the secret.

    It needs the extra `apprise`.  Apprise makes its connections itself, so
    `alerts.allowed_hosts` does not hold for them.
    """

    urls: Secret  #: addresses of apprise, with blanks or commas between
    timeout_s: float = 20.0
    groups: ClassVar[bool] = True

    def send(self, message: Message, wire: Wire) -> Receipt:
        try:
            import apprise
        except ImportError as error:
            missing = "apprise is not installed: pip install 'homeostat[apprise]'"
            raise Refused(missing) from error
        told = apprise.Apprise()
        addresses = wire.secret(self.urls).replace(",", " ").split()
        wrong = [n for n, one in enumerate(addresses, 1) if not told.add(one)]
        if wrong:
            raise Refused(f"apprise does not understand address {', '.join(map(str, wrong))}")
        kinds = {
            AlertSeverity.CRITICAL: apprise.NotifyType.FAILURE,
            AlertSeverity.HIGH: apprise.NotifyType.WARNING,
        }
        done = told.notify(
            title=message.subject,
            body=message.text,
            notify_type=kinds.get(message.severity, apprise.NotifyType.INFO),
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not done:
            raise Retry("apprise could not deliver it to every address")
        return Receipt(detail=f"{len(addresses)} addresses")
