"""Slow creep: a window of 200 rows a day, in none of which the change can be seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.cases import REFERENCE_ROWS
from benchmarks.quality.counting import fit, profiles
from benchmarks.quality.population import Block, mixed
from homeostat.policy import DriftPolicy
from homeostat.verdict import Outcome, Verdict
from homeostat.watch import Compared, WatchState, judge_windows

__all__ = ["CREEPS", "DAYS", "Seen", "days_until"]

DAY_S = 86_400.0

#: One false alarm a year is allowed: more would be as many as there are changes.
WEEKLY = 1 / 52

DAYS = 60  #: for which one waits
ROWS, FEATURES = 200, 20

#: How far the first feature has moved after so many days, in standard deviations.
CREEPS: Mapping[str, Callable[[int], float]] = {
    "nothing": lambda _: 0.0,
    "mean 0.1 sd": lambda _: 0.1,
    "mean 0.15 sd": lambda _: 0.15,
    "mean 0.005 sd more each day": lambda day: 0.005 * day,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Days until it was seen; None when it was not."""

    at_all: int | None
    in_a_day: int | None  #: in the rows of one day alone


def days_until(creep: str, seed: int) -> Seen:
    """One stream, of which it is known how noisy it is, day after day."""
    population = mixed(FEATURES)
    rng = np.random.default_rng([seed, list(CREEPS).index(creep)])
    reference = population.draw(rng, 1, REFERENCE_ROWS)
    bins = fit(population, reference)
    (before,) = profiles(reference, population, bins)
    compared = Compared(lambda _: before, lambda *_: None, before)
    policy, state = (
        DriftPolicy(interval_s=DAY_S, false_alarms_per_week=WEEKLY),
        WatchState(settled=True),
    )
    at_all = in_a_day = None
    for day in range(1, DAYS + 1):
        z = population.normals(rng, 1, ROWS)
        z[0] += CREEPS[creep](day)
        (window,) = profiles(Block(population.values(z)), population, bins)
        verdict, state = judge_windows(compared, {1: window}, policy, state, look=day)
        if verdict.outcome is Outcome.FAIL:
            at_all = at_all or day
            in_a_day = in_a_day or (day if _alone(verdict) else None)
    return Seen(at_all, in_a_day)


def _alone(verdict: Verdict) -> bool:
    return "FAIL" in verdict.details["windows"].values()
