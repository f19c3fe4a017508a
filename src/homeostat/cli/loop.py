"""Healing: look, judge, decide, act, write down."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer import Option

from homeostat.cli.clock import system_clock
from homeostat.cli.housekeeping import keep_house
from homeostat.cli.monitor import plain_observation, show_observation
from homeostat.cli.options import AsJson, AsOf, Config, caller, moment, print_json, say
from homeostat.cli.project import Project, new_id, open_project
from homeostat.cli.telling import Way, told_in
from homeostat.cli.watching import planted_in
from homeostat.errors import Unavailable
from homeostat.verdict import Outcome

if TYPE_CHECKING:
    from homeostat.loop import Turn

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

LEASE_S = 3600.0  #: of the one loop of a model; renewed at every turn


@app.command()
def run(
    config: Config = Path("homeostat.yaml"),
    once: Annotated[bool, Option("--once", help="Take one turn, then leave.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Take a turn every interval: look once, and take at most one action.

    Exits with 0 after --once, whatever was found and done; with 4 when the turn could not be
    taken.
    """
    with open_project(config) as project, _leased(project, moment(as_of)) as renew:

        def turn() -> None:
            now = moment(as_of)
            renew(now)
            _show(project.loop.turn(now=now), as_json=as_json)
            project.alerting.escalate(now=now)
            planted_in(project, now=now)
            if as_of is None:
                keep_house(project, now=now)

        told_in(project, turn, Way(loop="loop", once=once, as_of=as_of))


@app.command()
def pause(
    config: Config = Path("homeostat.yaml"),
    reason: Annotated[str, Option(help="Why, for the decision record.")] = "paused by hand",
) -> None:
    """Switch automatic action off; it is looked and alerted all the same."""
    from homeostat.loop import PAUSED

    with open_project(config) as project:
        project.store.set_flag(PAUSED.format(model=project.model), reason)
        _record(project, reason)
    say(f"{project.model}: automatic action is off until `homeostat loop resume`")


@app.command()
def resume(
    config: Config = Path("homeostat.yaml"),
    reason: Annotated[str, Option(help="Why, for the decision record.")] = "resumed by hand",
) -> None:
    """Switch automatic action on again, also after candidates failed in a row."""
    from homeostat.loop import PAUSED

    with open_project(config) as project:
        project.store.set_flag(PAUSED.format(model=project.model), None)
        _record(project, reason)
    say(f"{project.model}: automatic action is on")


def _record(project: Project, reason: str) -> None:
    from homeostat.decision import Action, Decision

    held = project.store.deployment(project.model)
    champion = held.champion if held else None
    project.store.add_decision(
        Decision(
            id=new_id(),
            model=project.model,
            action=Action.HOLD,
            outcome=Outcome.PASS,
            decided_at=system_clock(),
            decided_by=caller(),
            reasons=(reason,),
            version_before=champion,
            version_after=champion,
        )
    )


@contextmanager
def _leased(project: Project, now: datetime) -> Iterator[Any]:
    """The lease of the model's one loop, given back at the end; what renews it."""
    name, holder = f"loop:{project.model}", f"{socket.gethostname()}:{os.getpid()}"

    def renew(at: datetime) -> None:
        if project.store.lease(name, holder, now=at, ttl_s=LEASE_S) is None:
            message = (
                f"another loop is at work on {project.model!r}; stop it, or wait until its "
                "lease has run out (an hour after its last turn)"
            )
            raise Unavailable(message)

    renew(now)
    try:
        yield renew
    finally:
        project.store.release(name, holder)


def _show(turn: "Turn", *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(turn))
        return
    show_observation(turn.observation)
    for alert, change in turn.alerts:
        say(f"  alert     {change.value}: {escape(alert.key)}")
    say(f"  action    [bold]{turn.action.value}[/] ({turn.situation.phase.value})")
    for verdict in turn.verdicts:
        say(f"    {verdict.question}: {verdict.outcome.value}: {escape(verdict.reason)}")


def _plain(turn: "Turn") -> dict[str, Any]:
    return {
        "observation": plain_observation(turn.observation),
        "phase": turn.situation.phase.value,
        "action": turn.action.value,
        "verdicts": [one.to_dict() for one in turn.verdicts],
        "decision": turn.decision.to_dict() if turn.decision else None,
        "alerts": [{"key": one.key, "change": change.value} for one, change in turn.alerts],
    }
