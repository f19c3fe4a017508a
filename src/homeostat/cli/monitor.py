"""Looking at the model: drift, quality, reports."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer import Argument, Exit, Option

from homeostat.cli.beats import plain_beat, show_beats
from homeostat.cli.housekeeping import keep_house
from homeostat.cli.options import EXIT, AsJson, AsOf, Config, moment, outcome_text, print_json, say
from homeostat.cli.project import open_project
from homeostat.cli.telling import Way, told_in
from homeostat.cli.watching import planted_in, vigil_over, with_interval
from homeostat.errors import NotFound, UserError
from homeostat.extension import did_you_mean

if TYPE_CHECKING:
    from homeostat.monitor import Observation

__all__ = ["Mode", "app", "plain_observation", "show_observation"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _monitor() -> None:
    """Looking at the model: drift, quality, reports."""


class Mode(StrEnum):
    """How often it is looked."""

    ONCE = "once"
    CONTINUOUS = "continuous"


@app.command()
def run(
    config: Config = Path("homeostat.yaml"),
    *,
    mode: Annotated[
        Mode | None, Option(help="once, or continuous until told to stop [default: continuous].")
    ] = None,
    interval: Annotated[
        float | None,
        Option(
            min=0.01,
            help="Minutes between two looks, in the place of `monitoring.interval_s`, which is "
            "in seconds; with --mode once: until this command is given again.",
        ),
    ] = None,
    once: Annotated[bool, Option("--once", help="The same as --mode once.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Look at the newest window every interval, and write down what is seen.

    With --mode once exits with 0 when nothing changed, 1 when something did, 3 when it cannot
    be told.  Alerts are opened, told and resolved; nothing else is acted upon: that is
    `homeostat loop run`.
    """
    _refuse_both(mode, once=once, as_of=as_of)
    with open_project(config) as opened:
        project = with_interval(opened, interval)

        def look() -> "Observation":
            at = moment(as_of)
            seen = project.monitor.observe(at=at)
            if as_json:
                print_json(plain_observation(seen))
            else:
                show_observation(seen)
            project.alerting.consider(seen.verdicts, now=at, diagnosis=seen.diagnosis)
            planted_in(project, now=at)
            if as_of is None:
                keep_house(project, now=at)
            return seen

        single = once or mode is Mode.ONCE
        way = Way(loop="monitor", once=single, as_of=as_of, promised=interval is not None)
        seen = told_in(project, look, way)
    if seen is not None:
        raise Exit(EXIT[seen.drift.outcome])


def _refuse_both(mode: Mode | None, *, once: bool, as_of: datetime | None) -> None:
    if mode is Mode.CONTINUOUS and (once or as_of is not None):
        what = "--once" if once else "--as-of"
        message = f"--mode continuous and {what} contradict each other; give one of them"
        raise UserError(message)


@app.command()
def status(config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """When each loop last did its work, and whether that is as it promised.

    Exits with 0 when all do, 1 when one is dead or stalled or no rows come where they should,
    3 when nothing was promised, 4 when one is erring.
    """
    with open_project(config) as project:
        now = moment(None)
        beats = project.store.heart.beats(project.model)
        verdict = vigil_over(project).judge(now=now)
        held = project.store.verdicts(project.model, "canary", limit=1)
    canary = {"at": held[0][0].isoformat(), **held[0][1].to_dict()} if held else None
    if as_json:
        print_json(
            {
                "at": now.isoformat(),
                "liveness": verdict.to_dict(),
                "loops": [plain_beat(one) for one in beats],
                "canary": canary,
            }
        )
    else:
        show_beats(beats, verdict.details["states"])
        say(f"liveness  {outcome_text(verdict.outcome.value)}  {escape(verdict.reason)}")
        if held:
            at, last = held[0]
            outcome = outcome_text(last.outcome.value)
            say(f"canary    {outcome}  {at:%Y-%m-%d %H:%M} UTC: {escape(last.reason)}")
    raise Exit(EXIT[verdict.outcome])


@app.command()
def forget(
    loop: Annotated[str, Argument(help="Its name, as `homeostat monitor status` has it.")],
    config: Config = Path("homeostat.yaml"),
) -> None:
    """Expect no more of a LOOP that was stopped for good.

    Exits with 2 when no loop has this name.
    """
    with open_project(config) as project:
        known = [one.loop for one in project.store.heart.beats(project.model)]
        if not project.store.heart.forget(project.model, loop):
            raise NotFound(f"no loop {loop!r}; {did_you_mean(loop, known)}")
        say(f"{escape(loop)}: nothing is expected of it until it starts again")


def plain_observation(seen: "Observation") -> dict[str, Any]:
    """An observation as plain data that JSON can hold."""
    return {
        "at": seen.at.isoformat(),
        "model_version": seen.version,
        "drift": seen.drift.to_dict(),
        "quality": seen.quality.to_dict(),
        "performance": [one.to_dict() for one in seen.performance],
        "estimate": seen.estimate.to_dict() if seen.estimate else None,
        "confirmed_drift": seen.confirmed_drift.outcome.value,
        "health": seen.health.value,
        "diagnosis": seen.diagnosis.to_dict(),
        "reports": [str(path) for path in seen.reports],
    }


def show_observation(seen: "Observation") -> None:
    """Print an observation for people."""
    say(f"[bold]{seen.at:%Y-%m-%d %H:%M} UTC[/]  version {seen.version or 'none'}")
    for verdict in seen.verdicts:
        outcome = outcome_text(verdict.outcome.value)
        say(f"  {verdict.question:<9} {outcome}  {escape(verdict.reason)}")
    say(f"  {'cause':<9} {seen.diagnosis.cause.value}: {escape(seen.diagnosis.reason)}")
    say(f"  {'next':<9} {escape(seen.diagnosis.advice)}")
    for path in seen.reports:
        say(f"  [dim]{path}[/]")
