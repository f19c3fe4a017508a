"""Options that many commands share, and how a command answers."""

import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer import BadParameter, Option

from homeostat.cli.clock import system_clock
from homeostat.verdict import Outcome

__all__ = [
    "EXIT",
    "AsJson",
    "AsOf",
    "Config",
    "Since",
    "Until",
    "caller",
    "moment",
    "outcome_text",
    "plain_numbers",
    "print_json",
    "say",
    "show_table",
]

#: Exit code of a command that judges; 2 stays the parser's, 4 is an error.
EXIT = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3, Outcome.ERROR: 4}

PIPE_WIDTH = 200  #: columns of a table that goes to a file or another program

STYLES = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "ERROR": "magenta"}


def _utc(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time; write it as 2026-01-31T12:00:00Z"
        raise BadParameter(message) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


Config = Annotated[Path, Option("--config", "-c", help="The settings.")]
AsJson = Annotated[bool, Option("--json", help="Print JSON.")]
AsOf = Annotated[
    datetime | None,
    Option(parser=_utc, metavar="TIME", help="Take this for the present, UTC [default: now]."),
]


Since = Annotated[
    datetime | None, Option(parser=_utc, metavar="TIME", help="Only from this time on, UTC.")
]
Until = Annotated[
    datetime | None, Option(parser=_utc, metavar="TIME", help="Only before this time, UTC.")
]


def moment(as_of: datetime | None) -> datetime:
    """The present of a command: `as_of`, or else the time of this machine."""
    return as_of or system_clock()


def caller() -> str:
    """Who gave the command."""
    return getpass.getuser()


def print_json(plain: Any) -> None:
    """Print strict JSON to standard output."""
    print(json.dumps(plain, indent=2, allow_nan=False))  # noqa: T201  # a command's answer


def say(text: str) -> None:
    """Print a line for people; rich's markup is understood."""
    Console(highlight=False, soft_wrap=True).print(text)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table for people; outcomes are coloured, and a pipe is not too narrow."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_styled(cell) for cell in row))
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(highlight=False, width=width).print(table)


def outcome_text(outcome: str) -> str:
    """An outcome in its colour."""
    return f"[{STYLES.get(outcome, 'default')}]{outcome}[/]"


def _styled(cell: str) -> str:
    return outcome_text(cell) if cell in STYLES else escape(cell)


def plain_numbers(numbers: Mapping[str, float]) -> str:
    """Named numbers on one line."""
    return "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
