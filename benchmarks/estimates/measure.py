"""How far off each method was on a stream, and how often its interval held."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.estimates.stream import Stream
from homeostat.blend import BLEND, BlendPolicy
from homeostat.walk import Methods, Step, walk

__all__ = [
    "CONSTANT",
    "LAST",
    "METRICS",
    "NANNYML",
    "OURS",
    "PERFECT",
    "REFERENCE",
    "SINGLE",
    "Measured",
    "measured",
]

METRICS = ("accuracy", "f1", "roc_auc")
LAST, OURS, REFERENCE, NANNYML = "last labels", "cbpe", "reference", "NannyML"

#: Dummies, which show that the figures can tell good from bad.
PERFECT, CONSTANT = "dummy: perfect", "dummy: constant"

SINGLE = (NANNYML, OURS, LAST, REFERENCE)  #: the methods that the blend is held against


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One method on one stream."""

    stream: str
    changes: str
    lag: int
    metric: str
    method: str
    windows: int
    error: float  #: mean absolute error
    covered: int | None = None  #: windows whose interval held; None where there is none


def measured(
    stream: Stream,
    lag: int,
    *,
    policy: BlendPolicy | None = None,
    nannyml: Mapping[str, list[float]] | None = None,
) -> list[Measured]:
    """Every method on every metric, over the windows from the first to the last."""
    methods = Methods.of(stream.reference.labelled(stream.threshold))
    steps = walk(methods, stream.windows, lag=lag, policy=policy, metrics=METRICS)
    found = []
    for metric in METRICS:
        told: dict[str, list[tuple[float, bool | None]]] = {}
        for step in steps:
            if metric not in step.blended or metric not in step.seen:
                continue
            for method, value, held in _told(step, metric):
                told.setdefault(method, []).append((abs(value - step.seen[metric]), held))
            if nannyml is not None:
                error = abs(nannyml[metric][step.window] - step.seen[metric])
                told.setdefault(NANNYML, []).append((error, None))
        for method, each in told.items():
            covered = [one for _, one in each if one is not None]
            found.append(
                Measured(
                    stream=stream.name,
                    changes=stream.changes,
                    lag=lag,
                    metric=metric,
                    method=method,
                    windows=len(each),
                    error=float(np.mean([error for error, _ in each])),
                    covered=sum(covered) if covered else None,
                )
            )
    return found


def _told(step: Step, metric: str) -> list[tuple[str, float, bool | None]]:
    """What each method says of a window, and whether its interval holds what labels say."""
    truth, blended, cbpe = step.seen[metric], step.blended[metric], step.said[metric]["cbpe"]
    return [
        (BLEND, blended.value, _within(truth, blended.interval)),
        (OURS, cbpe.value, _within(truth, cbpe.interval)),
        (LAST, step.last[metric], None),
        (REFERENCE, step.said[metric]["labels"].value, None),
        (PERFECT, truth, True),
        (CONSTANT, 0.5, truth == 0.5),
    ]


def _within(value: float, interval: tuple[float, float]) -> bool:
    return interval[0] <= value <= interval[1]
