"""The settings of reports, and of how long things are kept."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from homeostat.cli.settings_types import CONFIG, Names, Positive, Whole, Zone

__all__ = ["ReportSettings", "RetentionSettings"]


class ReportSettings(BaseModel):
    """Reports for people."""

    model_config = CONFIG

    path: Path = Field(default=Path("reports"), description="folder of the reports")
    schedule: Literal["never", "daily", "weekly"] = Field(
        default="never", description="how often a report of what happened is made"
    )
    hour: Whole = Field(
        default=7, ge=0, le=23, description="from this hour on, in the time zone, it is made"
    )
    timezone: Zone = Field(default="UTC", description="in which days begin and end")
    send_to: Names = Field(
        default=(), description="of `alerts.channels`, those that get the report"
    )
    days: Positive = Field(default=30.0, description="days in the performance report")


class RetentionSettings(BaseModel):
    """How many days things are kept; null is for ever."""

    model_config = CONFIG

    path: Path = Field(
        default=Path("history"), description="folder of the files that old predictions move to"
    )
    predictions_days: Positive | None = Field(
        default=None, description="then predictions move to files, unless they are still needed"
    )
    verdicts_days: Positive | None = Field(default=365.0, description="what looks found")
    alerts_days: Positive | None = Field(
        default=365.0, description="after they were resolved, and messages after they were told"
    )
    reports_days: Positive | None = Field(
        default=30.0, description="files of looks and reports, and the reports in the store"
    )
