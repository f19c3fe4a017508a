"""Slack: by an incoming webhook, or as a bot that answers in threads."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from homeostat.alert import Change
from homeostat.errors import UserError
from homeostat.messages import Message
from homeostat.notifiers import NOTIFIERS, Receipt, Refused, Retry, Secret, Wire, post

__all__ = ["Slack"]

#: What Slack says to a bot that may try again; with HTTP 200.
PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"}
)


@NOTIFIERS.register("slack")
@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    """Posts to Slack; what comes later about an alert goes into the thread of its first message.

    Threads need a bot token with `chat:write`; an incoming webhook has none.

    Raises
    ------
    UserError
        When not exactly one of `webhook_url` and `token` is given, or `token` without
        `channel`.
    """

    webhook_url: Secret | None = None
    token: Secret | None = None  #: of a bot, xoxb-...
    channel: str = ""  #: id or name of the channel in Slack; with `token`
    api_url: str = "https://slack.com/api"
    timeout_s: float = 10.0
    groups: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if (self.webhook_url is None) == (self.token is None):
            raise UserError("Slack takes webhook_url or token, one of both")
        if self.token is not None and not self.channel:
            raise UserError("with a token, channel says where to")

    def send(self, message: Message, wire: Wire) -> Receipt:
        first, *others = message.blocks
        body: dict[str, Any] = {
            "text": message.slack,
            "blocks": [{**first, "block_id": message.id}, *others],
            "unfurl_links": False,
            "unfurl_media": False,
        }
        if self.webhook_url is not None:
            return self._by_webhook(body, wire.secret(self.webhook_url), wire)
        if message.thread is not None:
            body["thread_ts"] = message.thread
            # What is worse than it was must not be overlooked in a thread.
            body["reply_broadcast"] = message.change in {Change.ESCALATED, Change.OVERDUE}
        return self._as_bot(body, wire)

    def _by_webhook(self, body: dict[str, Any], url: str, wire: Wire) -> Receipt:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        answer = post(wire, url, _json(body), headers, timeout_s=self.timeout_s)
        if answer.text.strip() != "ok":
            raise Refused(f"Slack says {answer.text.strip()[:80]!r}")
        return Receipt(detail="ok")

    def _as_bot(self, body: dict[str, Any], wire: Wire) -> Receipt:
        token = wire.secret(Secret() if self.token is None else self.token)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Accept-Encoding": "identity",
            "Authorization": f"Bearer {token}",
        }
        body |= {"channel": self.channel, "parse": "none", "link_names": False}
        url = f"{self.api_url}/chat.postMessage"
        answer = post(wire, url, _json(body), headers, timeout_s=self.timeout_s)
        try:
            said = json.loads(answer.text)
        except ValueError as error:
            raise Retry("Slack did not answer in JSON") from error
        if not isinstance(said, dict) or said.get("ok") is not True:
            why = str(said.get("error", "no reason")) if isinstance(said, dict) else "no reason"
            if why in PASSING:
                raise Retry(f"Slack says {why!r}")
            raise Refused(f"Slack says {why[:80]!r}")
        return Receipt(detail="ok", thread=_thread(said))


def _thread(said: dict[str, Any]) -> str | None:
    """By which Slack knows the message; None when it did not tell."""
    stamp = said.get("ts")
    return stamp if isinstance(stamp, str) else None


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
