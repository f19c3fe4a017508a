"""What is wrong, and since when."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from typer import Option

from homeostat.cli.beginning import STORE
from homeostat.cli.clock import system_clock
from homeostat.cli.options import AsJson, Config, print_json, say
from homeostat.cli.project import open_project

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _alert() -> None:
    """What is wrong, and since when."""


@app.command("accept-missing")
def accept_missing(config: Config = Path("homeostat.yaml")) -> None:
    """Take note that rows which were acknowledged are gone, and be healthy again."""
    from homeostat.store import MISSING

    with open_project(config) as project:
        text = project.store.flag(MISSING)
        project.store.set_flag(MISSING, None)
        alert = project.store.open_alert(project.model, STORE)
        if alert is not None:
            now = system_clock()
            project.store.save_alert(replace(alert, updated_at=now, resolved_at=now))
    say(f"Accepted: {escape(text)}" if text else "Nothing is missing.")


@app.command("list")
def list_alerts(
    config: Config = Path("homeostat.yaml"),
    every: Annotated[bool, Option("--all", help="Resolved ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open alerts."""
    with open_project(config) as project:
        alerts = project.store.alerts(project.model, open_only=not every)
    if as_json:
        print_json(
            [
                {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in asdict(one).items()}
                for one in alerts
            ]
        )
        return
    if not alerts:
        say("No alert." if every else "No open alert.")
    for one in alerts:
        state = f"until {one.resolved_at:%Y-%m-%d %H:%M}" if one.resolved_at else "open"
        say(
            f"[bold]{one.key}[/] since {one.opened_at:%Y-%m-%d %H:%M} UTC, {state}, "
            f"seen {one.times_seen} times\n  {escape(one.reason)}"
        )
