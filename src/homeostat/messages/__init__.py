"""Messages: what is told, in the forms that channels need.  Pure: data in, text out.

Names and values come from anywhere, so every form treats them as data: nothing in them is
ever markup, a mention, a link or a control character.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from homeostat.alert import AlertSeverity, Change
from homeostat.messages.mail import mail_html
from homeostat.messages.plain import plain_message
from homeostat.messages.sections import Section, sections, subject_of
from homeostat.messages.slack import slack_blocks, slack_text
from homeostat.messages.text import plain_text
from homeostat.messages.words import clean
from homeostat.outgoing import Attachment, Envelope

__all__ = ["Message", "render", "test_message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in every form that a channel may need."""

    id: str  #: the same at every repetition
    channel: str
    model: str
    severity: AlertSeverity
    subject: str  #: one line
    text: str
    html: str
    slack: str  #: what Slack shows where there is no room for blocks
    blocks: Sequence[dict[str, Any]]  #: of Slack
    plain: dict[str, Any]  #: as JSON
    attachments: tuple[Attachment, ...] = ()
    #: Of the one alert that it is about; empty where it is about several, or about none.
    alert_id: str = ""
    change: Change | None = None
    thread: str | None = None  #: by which the channel knows the first message about it
    parts: tuple[Envelope, ...] = field(default=(), repr=False)


def render(
    parts: Sequence[Envelope], message_id: str, *, now: datetime, thread: str | None = None
) -> Message:
    """The message that these envelopes make.

    Parameters
    ----------
    parts
        At least one; either changes of alerts, or one notice.
    thread
        By which the channel knows the first message about the same alert.
    """
    first = parts[0]
    notice = first.notice
    told = sections(parts)
    subject = clean(notice.subject, 200) if notice else subject_of(told, first.model)
    alerts = {one.alert.id for one in parts if one.alert}
    single = len(alerts) == 1
    return Message(
        id=message_id,
        channel=first.channel,
        model=first.model,
        severity=max(one.severity for one in parts),
        subject=subject,
        text=clean(notice.text, 20_000, lines=True) if notice else plain_text(subject, told),
        html=mail_html(subject, told, given=notice.html if notice else "", text=notice),
        slack=slack_text(subject),
        blocks=slack_blocks(subject, told, notice),
        plain=plain_message(parts, message_id, subject, now=now),
        attachments=notice.attachments if notice else (),
        alert_id=next(iter(alerts)) if single else "",
        change=parts[-1].change if single else None,
        thread=thread,
        parts=tuple(parts),
    )


def test_message(channel: str, model: str, message_id: str, *, now: datetime) -> Message:
    """A message that says that the channel works."""
    subject = f"homeostat: test of the channel {clean(channel, 64)}"
    section = Section(
        severity=AlertSeverity.LOW,
        change=None,
        headline="TEST",
        title=f"Alerts of {clean(model, 64)} arrive here",
        pairs=(("Sent", f"{now:%Y-%m-%d %H:%M:%S} UTC"), ("What to do", "Nothing.")),
    )
    return Message(
        id=message_id,
        channel=channel,
        model=model,
        severity=AlertSeverity.LOW,
        subject=subject,
        text=plain_text(subject, [section]),
        html=mail_html(subject, [section]),
        slack=slack_text(subject),
        blocks=slack_blocks(subject, [section]),
        plain={
            "id": message_id,
            "model": model,
            "sent_at": now.isoformat(),
            "subject": subject,
            "test": True,
            "changes": [],
        },
    )


test_message.__test__ = False  # type: ignore[attr-defined]  # its name, and pytest
