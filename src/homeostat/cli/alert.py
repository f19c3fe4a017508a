"""What is wrong, since when, and who is told."""

import signal
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from typer import Argument, BadParameter, Exit, Option

from homeostat.cli.beginning import STORE
from homeostat.cli.clock import system_clock
from homeostat.cli.options import AsJson, Config, caller, print_json, say
from homeostat.cli.project import new_id, open_project
from homeostat.errors import NotFound, UserError

if TYPE_CHECKING:
    from homeostat.alert import Alert
    from homeostat.sending import Tried
    from homeostat.silence import Silence

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

ONCE_S = 60.0  #: that `send --once` takes at most

Key = Annotated[str, Argument(help="Its id, or its key, such as drift.")]
Reason = Annotated[str, Option(help="Why, for the record.")]


@app.callback()
def _alert() -> None:
    """What is wrong, since when, and who is told."""


@app.command("accept-missing")
def accept_missing(config: Config = Path("homeostat.yaml")) -> None:
    """Take note that rows which were acknowledged are gone, and be healthy again."""
    from homeostat.alerting import By
    from homeostat.store import MISSING

    with open_project(config) as project:
        text = project.store.flag(MISSING)
        project.store.set_flag(MISSING, None)
        by = By(who=caller(), at=system_clock(), reason=text or "")
        project.alerting.close(STORE, by)
    say(f"Accepted: {escape(text)}" if text else "Nothing is missing.")


@app.command("list")
def list_alerts(
    config: Config = Path("homeostat.yaml"),
    every: Annotated[bool, Option("--all", help="Resolved ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open alerts, and the silences in force."""
    with open_project(config) as project:
        alerts = project.store.alerts(project.model, open_only=not every)
        silences = project.store.alerting.silences(project.model, now=system_clock())
    if as_json:
        print_json([one.to_dict() for one in alerts])
        return
    if not alerts:
        say("No alert." if every else "No open alert.")
    for one in alerts:
        _show_short(one)
    for silence in silences:
        _show_silence(silence)


@app.command()
def show(alert: Key, config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """One alert: what was seen, who was told, and what people did."""
    with open_project(config) as project:
        held = project.store.alerting.alert(project.model, alert)
        tried = project.store.outbox.deliveries(held.id)
        done = project.store.alerting.events(project.model, subject=held.id)
    if as_json:
        plain = [
            {
                "at": one.at.isoformat(),
                "channel": one.channel,
                "outcome": one.outcome,
                "detail": one.detail,
                "message": one.message_id,
            }
            for one in tried
        ]
        events = [
            {"at": one.at.isoformat(), "event": one.event, "who": one.who, "reason": one.reason}
            for one in done
        ]
        print_json({**held.to_dict(), "deliveries": plain, "events": events})
        return
    _show_long(held)
    for one in tried:
        detail = f": {escape(one.detail)}" if one.detail else ""
        say(f"  {one.at:%Y-%m-%d %H:%M:%S}  {escape(one.channel)} {one.outcome}{detail}")
    for event in done:
        say(
            f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.event} by {escape(event.who)}"
            + (f": {escape(event.reason)}" if event.reason else "")
        )


@app.command()
def ack(alert: Key, config: Config = Path("homeostat.yaml"), reason: Reason = "") -> None:
    """Say that you have taken an alert up; it is not told again unless it gets worse."""
    from homeostat.alerting import By

    with open_project(config) as project:
        by = By(who=caller(), at=system_clock(), reason=reason)
        held = project.alerting.acknowledge(alert, by)
    say(f"{escape(held.key)}: taken up by {escape(caller())}")


@app.command()
def silence(
    config: Config = Path("homeostat.yaml"),
    *,
    key: Annotated[
        str | None, Option(help="Of the alerts, such as drift [default: all of the model].")
    ] = None,
    hours: Annotated[float, Option(help="For how long; at most 168.")] = 4.0,
    reason: Reason = "",
    owner: Annotated[str | None, Option(help="Who answers for it [default: you].")] = None,
    end: Annotated[str | None, Option(help="Take back the silence with this id.")] = None,
) -> None:
    """Have alerts recorded and not told for some time, or take that back.

    What tells that nobody looks, or that nobody is told, is never silenced.
    """
    from homeostat.silence import Silence

    now = system_clock()
    if not 0 < hours < 1e6:
        raise BadParameter("hours: give a number above 0")
    with open_project(config) as project:
        book = project.store.alerting
        if end is not None:
            book.end_silence(project.model, end, at=now, by=caller())
            say("Taken back.")
            return
        asked = Silence(
            id=new_id(),
            model=project.model,
            key=key,
            owner=caller() if owner is None else owner,
            reason=reason,
            created_at=now,
            ends_at=now + timedelta(hours=hours),
        )
        book.silence(asked)
    _show_silence(asked)


@app.command("test")
def try_channels(
    config: Config = Path("homeostat.yaml"),
    channel: Annotated[list[str] | None, Argument(help="Only these [default: all].")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message through each channel and say what came of it.

    Exits with 0 when all were taken, 1 when one was not, 2 when there is no such channel.
    """
    with open_project(config) as project:
        sender = project.sender(system_clock)
        known = {one.name: one for one in sender.channels}
        for name in channel or ():
            if name not in known:
                raise NotFound(f"no channel {name!r}; known: {', '.join(known) or 'none'}")
        if not known:
            raise UserError("no channel is set; see alerts.channels in the settings")
        results = {name: sender.test(known[name]) for name in channel or known}
    if as_json:
        print_json([_plain_try(name, one) for name, one in results.items()])
    else:
        for name, one in results.items():
            say(_told_try(name, one))
    raise Exit(0 if all(one.receipt is not None for one in results.values()) else 1)


@app.command()
def send(
    config: Config = Path("homeostat.yaml"),
    once: Annotated[
        bool, Option("--once", help="Send what waits, for at most a minute, then leave.")
    ] = False,
) -> None:
    """Deliver what is to be told, until told to stop.

    `homeostat loop run` and `homeostat monitor run` do it too; one of them suffices, and
    several do no harm.
    """
    with open_project(config) as project:
        sender = project.sender(system_clock)
        if once:
            project.alerting.escalate(now=system_clock())
            say(f"{sender.drain_all(limit_s=ONCE_S)} messages delivered")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with sender.running():
            stop.wait()


def _show_short(one: "Alert") -> None:
    state = f"until {one.resolved_at:%Y-%m-%d %H:%M}" if one.resolved_at else "open"
    taken = f", taken up by {escape(one.acknowledged_by)}" if one.acknowledged_by else ""
    say(
        f"[bold]{escape(one.key)}[/] since {one.opened_at:%Y-%m-%d %H:%M} UTC, {state}, "
        f"seen {one.times_seen} times, {one.severity.name} {one.finding.kind.value}{taken}\n"
        f"  {escape(one.reason)}. {escape(one.finding.advice)}\n  [dim]{one.id}[/]"
    )


def _show_long(one: "Alert") -> None:
    from homeostat.alert import Change
    from homeostat.messages import render
    from homeostat.outgoing import Envelope

    change = Change.RESOLVED if one.resolved_at else Change.OPENED
    envelope = Envelope(
        id=one.id,
        channel="",
        model=one.model,
        created_at=one.updated_at,
        due_at=one.updated_at,
        alert=one,
        change=change,
    )
    say(escape(render([envelope], one.id, now=one.updated_at).text.rstrip()))


def _show_silence(one: "Silence") -> None:
    say(
        f"[dim]silence[/] {escape(one.key or 'all alerts')} until {one.ends_at:%Y-%m-%d %H:%M} "
        f"UTC by {escape(one.owner)}: {escape(one.reason)}\n  [dim]{one.id}[/]"
    )


def _told_try(name: str, tried: "Tried") -> str:
    if tried.trouble is None:
        detail = tried.receipt.detail if tried.receipt else ""
        return f"{escape(name)}: [green]delivered[/] ({escape(detail)})"
    return f"{escape(name)}: [red]not delivered[/]: {escape(tried.trouble.reason)}"


def _plain_try(name: str, tried: "Tried") -> dict[str, Any]:
    return {
        "channel": name,
        "delivered": tried.receipt is not None,
        "detail": tried.trouble.reason if tried.trouble else tried.receipt and tried.receipt.detail,
    }
