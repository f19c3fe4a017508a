"""The settings of who watches the monitor."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from homeostat.cli.settings_types import CONFIG, Positive, Real

__all__ = ["WatchSettings"]


def _web(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("should begin with https:// or http://")
    return url


class WatchSettings(BaseModel):
    """Who watches the monitor."""

    model_config = CONFIG

    heartbeat_url: Annotated[str, AfterValidator(_web)] = Field(
        default="",
        repr=False,
        description="is asked as long as the rounds succeed, of a service outside that complains "
        'when that ends; keep it in the environment; "" is off',
    )
    heartbeat_timeout_s: Positive = Field(default=5.0, description="seconds it may take")
    pulse_s: Positive = Field(
        default=60.0,
        le=240.0,
        description="seconds between two signs of life, and two looks at those of the others",
    )
    silent_s: Positive = Field(
        default=300.0, description="seconds without a sign of life after which a process is dead"
    )
    canary_interval_h: Real = Field(
        default=24.0,
        ge=0,
        description="hours between two drifts that are planted in a copy of the rows and must be "
        "seen; 0 is off",
    )
