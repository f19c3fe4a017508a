"""What commands that make rounds do besides: signs of life, heartbeat, canary."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from homeostat.cli.clock import system_clock
from homeostat.cli.project import Project, drift_policy
from homeostat.cli.pulse import Pulse
from homeostat.cli.rounds import Rounds
from homeostat.cli.settings import Settings
from homeostat.errors import HomeostatError
from homeostat.liveness import LivenessPolicy
from homeostat.verdict import Verdict

if TYPE_CHECKING:
    from homeostat.planted import Planted
    from homeostat.vigil import Vigil

__all__ = [
    "keep_round",
    "liveness_policy",
    "planted_in",
    "rounds_of",
    "vigil_over",
    "with_interval",
]

T = TypeVar("T")


def vigil_over(project: Project) -> "Vigil":
    """What looks whether the loops of the project's model are alive."""
    from homeostat.vigil import Vigil

    return Vigil(
        store=project.store,
        model=project.model,
        policy=liveness_policy(project.settings),
        told=lambda verdicts: project.alerting.consider(verdicts, now=system_clock()),
    )


def liveness_policy(settings: Settings) -> LivenessPolicy:
    """When something is wrong with a loop, as the settings say."""
    return LivenessPolicy(silent=timedelta(seconds=settings.watch.silent_s))


def rounds_of(project: Project, loop: str, tell: Callable[[Sequence[Verdict]], None]) -> Rounds:
    """The rounds of this loop, with signs of life; `tell` makes alerts of what goes wrong."""
    return Rounds(
        store=project.store,
        model=project.model,
        interval_s=project.settings.monitoring.interval_s,
        pulse=_pulse(project, loop),
        tell=tell,
    )


def with_interval(project: Project, minutes: float | None) -> Project:
    """The project with another time between two looks, if one is given."""
    if minutes is None:
        return project
    settings = project.settings
    monitoring = settings.monitoring.model_copy(update={"interval_s": 60 * minutes})
    return replace(project, settings=settings.model_copy(update={"monitoring": monitoring}))


def keep_round(project: Project, loop: str, one_round: Callable[[], T], *, promised: bool) -> T:
    """What one round gives that counts as a sign of life; the others are looked at, too.

    Parameters
    ----------
    promised
        Whether whoever calls will call again after the interval of the settings: then it is
        missed when that does not happen, and counted when it fails.
    """
    pulse = _pulse(project, loop)
    if promised:
        pulse.promise(project.settings.monitoring.interval_s)
    try:
        made = one_round()
    except HomeostatError as error:
        if promised:
            pulse.failed(error)
        raise
    pulse.succeeded()
    pulse.tick()
    return made


def planted_in(project: Project, *, now: datetime) -> None:
    """Plant a drift in a copy of the newest rows if it is time, and see that it is seen."""
    hours = project.settings.watch.canary_interval_h
    if not hours:
        return
    verdict = _planted(project, timedelta(hours=hours)).look(now=now)
    if verdict is not None:
        project.alerting.consider([verdict], now=now)


def _planted(project: Project, every: timedelta) -> "Planted":
    from homeostat.planted import Planted

    return Planted(
        store=project.store,
        model=project.model,
        drift=drift_policy(project.settings),
        lookback=timedelta(hours=project.settings.monitoring.lookback_h),
        every=every,
    )


def _pulse(project: Project, loop: str) -> Pulse:
    from homeostat.heartbeat import Heartbeat

    watch = project.settings.watch
    heartbeat = None
    if watch.heartbeat_url:
        heartbeat = Heartbeat(url=watch.heartbeat_url, timeout_s=watch.heartbeat_timeout_s)
    return Pulse(
        vigil_over(project),
        loop,
        every_s=watch.pulse_s,
        clock=system_clock,
        heartbeat=heartbeat,
    )
