"""Looking at the model: drift, quality, reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer import Exit, Option

from homeostat.cli.options import EXIT, AsJson, AsOf, Config, moment, outcome_text, print_json, say
from homeostat.cli.project import open_project
from homeostat.cli.telling import told_in

if TYPE_CHECKING:
    from homeostat.monitor import Observation

__all__ = ["app", "plain_observation", "show_observation"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _monitor() -> None:
    """Looking at the model: drift, quality, reports."""


@app.command()
def run(
    config: Config = Path("homeostat.yaml"),
    once: Annotated[bool, Option("--once", help="Look once, then leave.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Look at the newest window every interval, and write down what is seen.

    With --once exits with 0 when nothing changed, 1 when something did, 3 when it cannot be
    told.  Alerts are opened, told and resolved; nothing else is acted upon: that is
    `homeostat loop run`.
    """
    with open_project(config) as project:

        def look() -> "Observation":
            seen = project.monitor.observe(at=moment(as_of))
            if as_json:
                print_json(plain_observation(seen))
            else:
                show_observation(seen)
            verdicts = (seen.drift, seen.quality)
            project.alerting.consider(verdicts, now=seen.at, diagnosis=seen.diagnosis)
            return seen

        seen = told_in(project, look, once=once, as_of=as_of)
    if seen is not None:
        raise Exit(EXIT[seen.drift.outcome])


def plain_observation(seen: "Observation") -> dict[str, Any]:
    """An observation as plain data that JSON can hold."""
    return {
        "at": seen.at.isoformat(),
        "model_version": seen.version,
        "drift": seen.drift.to_dict(),
        "quality": seen.quality.to_dict(),
        "confirmed_drift": seen.confirmed_drift.outcome.value,
        "health": seen.health.value,
        "diagnosis": seen.diagnosis.to_dict(),
        "reports": [str(path) for path in seen.reports],
    }


def show_observation(seen: "Observation") -> None:
    """Print an observation for people."""
    say(f"[bold]{seen.at:%Y-%m-%d %H:%M} UTC[/]  version {seen.version or 'none'}")
    for verdict in (seen.drift, seen.quality):
        outcome = outcome_text(verdict.outcome.value)
        say(f"  {verdict.question:<9} {outcome}  {escape(verdict.reason)}")
    say(f"  {'cause':<9} {seen.diagnosis.cause.value}: {escape(seen.diagnosis.reason)}")
    say(f"  {'next':<9} {escape(seen.diagnosis.advice)}")
    for path in seen.reports:
        say(f"  [dim]{path}[/]")
