"""Rounds with signs of life, and the sender of alerts beside them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from homeostat.cli.clock import system_clock
from homeostat.cli.watching import keep_round, rounds_of
from homeostat.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from homeostat.cli.project import Project

__all__ = ["Way", "told_in"]

LAST_S = 30.0  #: that is taken for sending after a single round

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How often something is done, and when it is said to be."""

    loop: str  #: its name, as others know it
    once: bool
    as_of: datetime | None  #: UTC; None: now, and it counts as a sign of life
    promised: bool = False  #: whether a single round is one of many that somebody asks for


def told_in(project: "Project", one_round: Callable[[], T], way: Way) -> T | None:
    """What a single round gave; None after rounds until told to stop.

    Alerts are sent meanwhile; after a single round what is due by then, for at most 30 s.  A
    round that could not be made is an alert too, which the next good one resolves.
    """
    as_of = way.as_of
    sender = project.sender(system_clock if as_of is None else lambda: as_of)
    if way.once or as_of is not None:
        made = (
            keep_round(project, way.loop, one_round, promised=way.promised)
            if as_of is None
            else one_round()
        )
        if sender.channels:
            sender.drain_all(limit_s=LAST_S)
        return made

    def tell(verdicts: Sequence[Verdict]) -> None:
        project.alerting.consider(verdicts, now=system_clock())

    def well() -> None:
        one_round()
        passed = Verdict(question="watch", outcome=Outcome.PASS, reason="the round was made")
        tell([passed])

    with sender.running():
        rounds_of(project, way.loop, tell).run(well)
    return None
