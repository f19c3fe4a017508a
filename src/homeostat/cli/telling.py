"""Rounds with the sender of alerts beside them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from homeostat.cli.clock import system_clock
from homeostat.cli.rounds import Rounds
from homeostat.verdict import Outcome, Verdict

if TYPE_CHECKING:
    from homeostat.cli.project import Project

__all__ = ["told_in"]

LAST_S = 30.0  #: that is taken for sending after a single round

T = TypeVar("T")


def told_in(
    project: "Project", one_round: Callable[[], T], *, once: bool, as_of: datetime | None
) -> T | None:
    """What a single round gave; None after rounds until told to stop.

    Alerts are sent meanwhile; after a single round what is due by then, for at most 30 s.  A
    round that could not be made is an alert too, which the next good one resolves.
    """
    sender = project.sender(system_clock if as_of is None else lambda: as_of)
    if once or as_of is not None:
        made = one_round()
        if sender.channels:
            sender.drain_all(limit_s=LAST_S)
        return made

    def tell(verdicts: Sequence[Verdict]) -> None:
        project.alerting.consider(verdicts, now=system_clock())

    def well() -> None:
        one_round()
        passed = Verdict(question="watch", outcome=Outcome.PASS, reason="the round was made")
        tell([passed])

    rounds = Rounds(
        store=project.store,
        model=project.model,
        interval_s=project.settings.monitoring.interval_s,
        tell=tell,
    )
    with sender.running():
        rounds.run(well)
    return None
