"""Plain data: for receivers that are programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from homeostat.outgoing import Envelope

__all__ = ["plain_message"]


def plain_message(
    parts: Sequence[Envelope], message_id: str, subject: str, *, now: datetime
) -> dict[str, Any]:
    """The message as JSON can hold it; each change has an id that stays the same."""
    notice = parts[0].notice
    body: dict[str, Any] = {
        "id": message_id,
        "model": parts[0].model,
        "sent_at": now.isoformat(),
        "subject": subject,
        "changes": [_change(one) for one in parts if one.alert],
    }
    return {**body, "text": notice.text} if notice else body


def _change(one: Envelope) -> dict[str, Any]:
    return {
        "id": one.id,
        "change": one.change.value if one.change else None,
        "at": one.created_at.isoformat(),
        "alert": one.alert.to_dict() if one.alert else None,
    }
