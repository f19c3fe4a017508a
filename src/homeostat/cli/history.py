"""What happened: alerts, performance, drift, decisions, verdicts; and what is kept of it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer import Option

from homeostat.cli.options import (
    AsJson,
    AsOf,
    Config,
    Since,
    Until,
    caller,
    moment,
    outcome_text,
    print_json,
    say,
)
from homeostat.cli.project import open_project

if TYPE_CHECKING:
    from homeostat.store import Entry

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Limit = Annotated[int, Option(min=1, max=10_000, help="At most so many, newest first.")]
Page = Annotated[
    str | None, Option(help="Go on where a page ended: what it said is next.", metavar="NEXT")
]


def _asking(kind: str, what: str) -> Callable[..., None]:
    """The command for one kind of history."""

    def ask(
        *,
        config: Config = Path("homeostat.yaml"),
        since: Since = None,
        until: Until = None,
        as_of: AsOf = None,
        limit: Limit = 50,
        page: Page = None,
        as_json: AsJson = False,
    ) -> None:
        from homeostat.store import Kind, Span

        span = Span(since=since, until=until, as_of=as_of, limit=limit, page=page)
        with open_project(config) as project:
            found = project.store.history.entries(Kind(kind), project.model, span)
        if as_json:
            print_json({"entries": [_plain(one) for one in found.entries], "next": found.following})
            return
        if not found.entries:
            say("Nothing in this time.")
        for one in found.entries:
            for line in _LINES[kind](one.at, one.body):
                say(line)
        if found.following:
            say(f"[dim]There is more: --page {found.following}[/]")

    ask.__doc__ = f"{what}, newest first, as they were known at --as-of."
    return ask


def _plain(one: "Entry") -> dict[str, Any]:
    from homeostat.reports import strict

    return {"at": one.at.isoformat(), "key": one.key, **strict(dict(one.body))}


def _alert(at: datetime, body: Mapping[str, Any]) -> Iterator[str]:
    ended = body["resolved_at"]
    state = f"resolved {ended[:16].replace('T', ' ')}" if ended else "[red]open[/]"
    yield f"{at:%Y-%m-%d %H:%M}  [bold]{escape(body['key'])}[/]  {state}  [dim]{body['id']}[/]"
    yield f"  {escape(body['reason'])}"


def _verdict(at: datetime, body: Mapping[str, Any]) -> Iterator[str]:
    outcome = outcome_text(body["outcome"])
    yield f"{at:%Y-%m-%d %H:%M}  {escape(body['question'])}  {outcome}  {escape(body['reason'])}"


def _drift(at: datetime, body: Mapping[str, Any]) -> Iterator[str]:
    yield from _verdict(at, body)
    names = dict.fromkeys(one["subject"] for one in body["measurements"] if one["drifted"])
    if names:
        yield f"  drifted: {escape(', '.join(names))}"


def _performance(at: datetime, body: Mapping[str, Any]) -> Iterator[str]:
    from homeostat.account.performance import interval, rows_of, title_of
    from homeostat.verdict import Verdict

    yield from _verdict(at, body)
    for one in rows_of(Verdict.from_dict(dict(body)), at):
        where = f" in {one.segment}" if one.segment else ""
        limit = f", {one.asked:.3g} asked" if one.asked is not None else ""
        mark = "  [red]breached[/]" if one.breached else ""
        told = f"{title_of(one.metric)}{where} {interval(one)} on {one.n:,} rows{limit}"
        yield f"  {escape(told)}{mark}"


def _decision(at: datetime, body: Mapping[str, Any]) -> Iterator[str]:
    champion = f"champion {body['version_before'] or '-'} > {body['version_after'] or '-'}"
    yield f"{at:%Y-%m-%d %H:%M}  {body['action']:<9}  {champion}  [dim]{body['id']}[/]"
    reason = body["reasons"][0] if body["reasons"] else "no reason"
    yield f"  {escape(body['decided_by'])}: {escape(reason)}"


_LINES: Mapping[str, Callable[[datetime, Mapping[str, Any]], Iterator[str]]] = {
    "alerts": _alert,
    "performance": _performance,
    "drift": _drift,
    "decisions": _decision,
    "verdicts": _verdict,
}

for _kind, _what in (
    ("alerts", "Alerts by when they were opened"),
    ("performance", "Figures of quality, look by look"),
    ("drift", "What looks at drift found"),
    ("decisions", "What was done, and why"),
    ("verdicts", "Answers to all questions"),
):
    app.command(_kind)(_asking(_kind, _what))


@app.command()
def prune(
    config: Config = Path("homeostat.yaml"),
    dry_run: Annotated[
        bool, Option("--dry-run", help="Only tell what would leave the store.")
    ] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Take out of the store what is older than the settings of retention ask for.

    The loop does it once a day.  Predictions move to Parquet files, day by day, unless
    something still needs them; every day that leaves is written down.
    """
    from homeostat.cli.housekeeping import retention

    with open_project(config) as project:
        done = retention(project, by=caller()).prune(now=moment(as_of), dry_run=dry_run)
    if as_json:
        print_json(
            {
                "removed": [_removal(one) for one in done.removals],
                "held": [{"day": str(one.day), "reason": one.reason} for one in done.held],
                "files": [str(one) for one in done.files],
                "dry_run": dry_run,
            }
        )
        return
    verb = "would leave" if dry_run else "left"
    for one in done.removals:
        where = f" for {one.place}" if one.place else ""
        say(f"{one.day}  {one.rows:,} {one.kind} {verb} the store{where}")
    for held in done.held:
        say(f"{held.day}  predictions stay: {escape(held.reason)}")
    say(f"{len(done.removals)} days {verb} the store, {len(done.files)} files of reports {verb}.")


@app.command()
def removed(config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """What left the store, when, by whom, and where it lies now."""
    with open_project(config) as project:
        held = project.store.history.removed(project.model)
    if as_json:
        print_json([_removal(one) for one in held])
        return
    if not held:
        say("Nothing so far.")
    for one in held:
        where = f" > {one.place}" if one.place else ""
        who = escape(one.removed_by)
        say(f"{one.removed_at:%Y-%m-%d %H:%M}  {who}: {one.rows:,} {one.kind} of {one.day}{where}")


def _removal(one: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(one), "removed_at": one.removed_at.isoformat()}
