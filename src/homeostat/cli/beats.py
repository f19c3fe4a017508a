"""How beats are told."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from homeostat.cli.options import show_table
from homeostat.liveness import Beat

__all__ = ["plain_beat", "show_beats"]


def plain_beat(beat: Beat) -> dict[str, Any]:
    """A beat as plain data that JSON can hold; times, never ages."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(beat).items()
    }


def show_beats(beats: Sequence[Beat], states: Mapping[str, str]) -> None:
    """Print a table of loops for people."""
    rows = [
        (
            one.loop,
            states.get(one.loop, ""),
            _time(one.succeeded_at),
            "-" if one.every_s is None else f"{one.every_s:g} s",
            _time(one.seen_at),
            one.problem,
        )
        for one in beats
    ]
    columns = ("loop", "state", "last success (UTC)", "promised", "last sign (UTC)", "problem")
    show_table(columns, rows)


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
