"""What was done, and why."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from typer import Argument, Option

from homeostat.cli.options import AsJson, Config, outcome_text, print_json, say
from homeostat.cli.project import open_project

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_decisions(
    config: Config = Path("homeostat.yaml"),
    limit: Annotated[int, Option(min=1, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Decisions, newest first."""
    with open_project(config) as project:
        decisions = project.store.decisions(project.model, limit=limit)
    if as_json:
        print_json([one.to_dict() for one in decisions])
        return
    if not decisions:
        say("No decision yet.")
        return
    for one in decisions:
        champion = f"champion {one.version_before or '-'} > {one.version_after or '-'}"
        say(f"{one.decided_at:%Y-%m-%d %H:%M}  {one.action.value:<9}  {champion}  [dim]{one.id}[/]")
        say(f"  {escape(one.decided_by)}: {escape(one.reasons[0] if one.reasons else 'no reason')}")


@app.command()
def show(
    decision: Annotated[str, Argument(help="Its id.")],
    config: Config = Path("homeostat.yaml"),
    as_json: AsJson = False,
) -> None:
    """One decision with every verdict behind it."""
    with open_project(config) as project:
        held = project.store.decision(decision)
    if as_json:
        print_json(held.to_dict())
        return
    say(
        f"[bold]{held.action.value}[/] {held.decided_at:%Y-%m-%d %H:%M} UTC by "
        f"{escape(held.decided_by)}: champion {held.version_before or 'none'} before, "
        f"{held.version_after or 'none'} after"
    )
    for reason in held.reasons:
        say(f"  {escape(reason)}")
    for one in held.verdicts:
        say(f"  {one.question:<16} {outcome_text(one.outcome.value)}  {escape(one.reason)}")
    say(f"  [dim]evidence sha256 {held.evidence_digest}[/]")
