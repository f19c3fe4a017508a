"""What is done once a day beside the looks: reports, and what is old leaves."""

import os
import socket
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from homeostat.cli.clock import system_clock
from homeostat.cli.project import Project

if TYPE_CHECKING:
    from homeostat.retention import Pruned, Retention
    from homeostat.scheduled import Message, Reporting

__all__ = ["keep_house", "reporting", "retention"]

EVERY = timedelta(days=1)
KEPT = "kept:{model}"  #: flag in the store: when this was done last


def retention(project: Project, *, by: str) -> "Retention":
    """What takes old things out of the store of a project."""
    from homeostat.keeping import KeepPolicy
    from homeostat.retention import Retention

    settings, watch = project.settings, project.monitor.policy
    asked = settings.retention
    return Retention(
        store=project.store,
        model=project.model,
        schema=project.schema,
        folder=asked.path,
        reports=(settings.reports.path, settings.monitoring.path),
        policy=KeepPolicy(
            predictions_days=asked.predictions_days,
            verdicts_days=asked.verdicts_days,
            alerts_days=asked.alerts_days,
            reports_days=asked.reports_days,
        ),
        training=timedelta(days=settings.training.lookback_days),
        labels_due=timedelta(days=watch.due_days),
        lookback=watch.lookback,
        by=by,
        holder=f"{socket.gethostname()}:{os.getpid()}",
    )


def reporting(project: Project) -> "Reporting":
    """What makes the reports of a project."""
    from datetime import time
    from zoneinfo import ZoneInfo

    from homeostat.account.schedule import Schedule
    from homeostat.scheduled import Reporting

    asked = project.settings.reports
    return Reporting(
        store=project.store,
        model=project.model,
        folder=asked.path,
        schedule=None if asked.schedule == "never" else Schedule(asked.schedule),
        zone=ZoneInfo(asked.timezone),
        at=time(asked.hour),
        told=partial(_post, project),
    )


def _post(project: Project, message: "Message") -> None:
    """Put a report into the outbox, for each of the channels that are to get it."""
    from homeostat.outgoing import Attachment, Notice

    pages = tuple(
        Attachment(name=one.name, media_type="text/html", content=one.read_bytes())
        for one in message.files
        if one.suffix == ".html"
    )
    for channel in project.settings.reports.send_to:
        notice = Notice(
            id=f"{message.id}:{channel}",
            channel=channel,
            model=project.model,
            subject=message.subject,
            text=message.text,
            html=message.html,
            created_at=system_clock(),
            attachments=pages,
        )
        project.store.outbox.add(notice)


def keep_house(project: Project, *, now: datetime) -> tuple["Message | None", "Pruned | None"]:
    """The report that was due, and what left the store, each at most once a day.

    Raises
    ------
    Unavailable
        When something could not be written; it is tried again at the next round.
    """
    reports = reporting(project)
    message = reports.make_due(now=now)
    flag = KEPT.format(model=project.model)
    last = project.store.flag(flag)
    if last is not None and now - datetime.fromisoformat(last) < EVERY:
        return message, None
    reports.performance(days=project.settings.reports.days, as_of=now)
    pruned = retention(project, by="loop").prune(now=now)
    project.store.set_flag(flag, now.isoformat())
    return message, pruned
