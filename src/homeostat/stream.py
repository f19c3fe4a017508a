"""Stream: scored rows of a file, each window estimated as if its labels came later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.answers import Answers, Labelled
from homeostat.blend import BLEND
from homeostat.dataset import ScoredRows
from homeostat.errors import UserError
from homeostat.estimated import EstimatePolicy, judge_estimate
from homeostat.estimators import Estimate
from homeostat.verdict import Verdict
from homeostat.walk import Methods, Step, walk

__all__ = ["LAST", "Cut", "Streamed", "plain_step", "stream_windows", "streamed"]

LAST = "last labels"  #: what the newest labels said that were there


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How rows in time order are cut into a reference and windows."""

    reference: int  #: labelled rows, the first, that are learnt from
    rows: int = 1_000  #: of a window
    lag: int = 1  #: windows until the labels of a window are there
    threshold: float = 0.5  #: score from which on the prediction is the positive class


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Streamed:
    """What was expected of each window, what came of it, and the verdict on the newest."""

    steps: tuple[Step, ...]
    reference: Mapping[str, Estimate]  #: by metric
    verdict: Verdict  #: on the newest window
    unlabelled: int  #: rows without a label among labelled ones, which were left out

    def errors(self, metric: str) -> dict[str, float]:
        """Mean absolute error by method over the windows whose labels came."""
        return {
            method: float(np.mean([abs(a - b) for a, b in pairs]))
            for method, pairs in self._pairs(metric).items()
        }

    def covered(self, metric: str) -> tuple[int, int]:
        """Labelled windows within the interval of the blend, and how many there are."""
        held = [one for one in self.steps if metric in one.seen and metric in one.blended]
        inside = [one.blended[metric].interval for one in held]
        hits = sum(a <= one.seen[metric] <= b for one, (a, b) in zip(held, inside, strict=True))
        return hits, len(held)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data that JSON can hold."""
        metrics = [one for one in self.reference if self._pairs(one)]
        return {
            "verdict": self.verdict.to_dict(),
            "left_out": self.unlabelled,
            "mean_absolute_error": {one: self.errors(one) for one in metrics},
            "coverage": {
                one: dict(zip(("covered", "windows"), self.covered(one), strict=True))
                for one in metrics
            },
            "windows": [plain_step(one) for one in self.steps],
        }

    def _pairs(self, metric: str) -> dict[str, list[tuple[float, float]]]:
        found: dict[str, list[tuple[float, float]]] = {}
        for one in self.steps:
            if metric in one.seen and metric in one.blended:
                for method, value in _values(one, metric).items():
                    found.setdefault(method, []).append((value, one.seen[metric]))
        return found


def _values(step: Step, metric: str) -> dict[str, float]:
    """What each method says of a metric of a window."""
    said = step.said[metric]
    return {
        BLEND: step.blended[metric].value,
        "cbpe": said["cbpe"].value,
        LAST: step.last[metric],
        "reference": said["labels"].value,
    }


def plain_step(step: Step) -> dict[str, Any]:
    """One window as plain data that JSON can hold."""
    return {
        "window": step.window,
        "rows": step.n,
        "metrics": {
            metric: {
                **_values(step, metric),
                "interval": list(one.interval),
                "seen": step.seen.get(metric),
            }
            for metric, one in step.blended.items()
        },
    }


def streamed(rows: ScoredRows, cut: Cut, policy: EstimatePolicy | None = None) -> Streamed:
    """Every window after the reference, and the verdict on the newest.

    The rows after the last labelled one are the newest window; without any it is the last
    labelled one, judged as if its labels were not there yet.

    Raises
    ------
    UserError
        When there are too few labelled rows for a reference and a window.
    """
    asked = policy or EstimatePolicy()
    reference, windows, left_out = stream_windows(rows, cut)
    methods = Methods.of(reference, asked.min_rows)
    steps = walk(methods, windows, lag=cut.lag)
    known = methods.reference
    newest = steps[-1]
    verdict = judge_estimate(newest.blended, known, newest.n, asked)
    return Streamed(steps=tuple(steps), reference=known, verdict=verdict, unlabelled=left_out)


def stream_windows(
    rows: ScoredRows, cut: Cut
) -> tuple[Labelled, Sequence[Labelled | Answers], int]:
    """Reference, windows, and how many rows without a label were left out."""
    known = np.flatnonzero(rows.labelled)
    if len(known) < cut.reference + cut.rows or min(cut.reference, cut.rows) < 1:
        raise UserError(
            f"{len(known):,} labelled rows; {cut.reference:,} for the reference and {cut.rows:,} "
            "for each window are asked: give --reference and --rows that fit"
        )

    def labelled(part: np.ndarray[Any, np.dtype[np.intp]]) -> Labelled:
        return Labelled.of(rows.label[part], rows.score[part], cut.threshold)

    first, rest = known[: cut.reference], known[cut.reference :]
    parts = [rest[i : i + cut.rows] for i in range(0, len(rest) - cut.rows + 1, cut.rows)]
    windows: list[Labelled | Answers] = [labelled(one) for one in parts]
    newest = rows.score[known[-1] + 1 :]
    if len(newest):
        windows.append(Answers.of(newest, cut.threshold))
    return labelled(first), windows, len(rows.score) - len(newest) - len(known)
