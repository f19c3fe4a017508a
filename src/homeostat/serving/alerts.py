"""Alerts, as the service tells them."""

import asyncio
from typing import Any

from pydantic import BaseModel, Field

from homeostat.store import Store

__all__ = ["Alerts", "read_alerts"]


class Alerts(BaseModel):
    """What is wrong, and since when."""

    model_name: str
    alerts: list[dict[str, Any]] = Field(
        description="newest first: type, severity, title, reason, facts, features, rows, window, "
        "advice, runbook, and since when it is open, who took it up, when it was resolved"
    )


async def read_alerts(store: Store, model: str, *, every: bool) -> Alerts:
    """The open alerts of a model, or all there ever were."""
    held = await asyncio.to_thread(store.alerts, model, open_only=not every)
    return Alerts(model_name=model, alerts=[one.to_dict() for one in held])
