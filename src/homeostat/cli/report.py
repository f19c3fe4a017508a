"""Reports for people, made from what the store knew at a time."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from homeostat.cli.housekeeping import reporting
from homeostat.cli.options import AsJson, AsOf, Config, moment, print_json, say
from homeostat.cli.project import open_project

if TYPE_CHECKING:
    from homeostat.scheduled import Message

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def performance(
    config: Config = Path("homeostat.yaml"),
    days: Annotated[float | None, Option(min=0.01, help="To look back [settings].")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """How good the answers were, by the labels that were known: JSON and HTML."""
    with open_project(config) as project:
        length = days or project.settings.reports.days
        files = reporting(project).performance(days=length, as_of=moment(as_of))
    _tell(files, as_json=as_json)


@app.command()
def drift(
    config: Config = Path("homeostat.yaml"), as_of: AsOf = None, as_json: AsJson = False
) -> None:
    """What the last look at drift by then found, made again: JSON and HTML."""
    from homeostat.past import Past

    with open_project(config) as project:
        settings = project.settings
        past = Past(
            store=project.store,
            model=project.model,
            policy=project.monitor.policy.drift,
            folder=settings.reports.path / "drift_reports",
        )
        files = past.drift_report(as_of=moment(as_of))
    _tell(files, as_json=as_json)


@app.command()
def daily(
    config: Config = Path("homeostat.yaml"), as_of: AsOf = None, as_json: AsJson = False
) -> None:
    """What happened in the last whole day, as it is sent."""
    _period("daily", config, as_of, as_json=as_json)


@app.command()
def weekly(
    config: Config = Path("homeostat.yaml"), as_of: AsOf = None, as_json: AsJson = False
) -> None:
    """What happened in the last whole week, as it is sent."""
    _period("weekly", config, as_of, as_json=as_json)


def _period(schedule: str, config: Path, as_of: datetime | None, *, as_json: bool) -> None:
    from datetime import time

    from homeostat.account.schedule import Schedule, due

    with open_project(config) as project:
        reports = reporting(project)
        period = due(Schedule(schedule), now=moment(as_of), zone=reports.zone, at=time(), last=None)
        if period is None:  # pragma: no cover  # there is one without a last report
            return
        _show(reports.make(period), as_json=as_json)


def _show(message: "Message", *, as_json: bool) -> None:
    if as_json:
        print_json({"subject": message.subject, "files": [str(one) for one in message.files]})
        return
    print(message.text)  # noqa: T201  # the report is the command's answer
    for path in message.files:
        say(f"[dim]{path}[/]")


def _tell(files: tuple[Path, ...], *, as_json: bool) -> None:
    if as_json:
        print_json({"files": [str(one) for one in files]})
        return
    for path in files:
        say(str(path))
