"""Estimated: what was expected of a window, what its labels said, and the verdict on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isnan
from typing import Any

import numpy as np

from homeostat.answers import LOWER_IS_BETTER, RANGES, Answers, Labelled
from homeostat.blend import BLEND, Blended
from homeostat.estimators import BLIND, LEVEL, Estimate
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "JUDGED",
    "EstimatePolicy",
    "Estimated",
    "Scored",
    "judge_estimate",
    "labelled_from",
    "plain_labelled",
    "said_from",
]


#: The metrics whose estimate is judged.
JUDGED = ("accuracy", "f1", "roc_auc")


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatePolicy:
    """When an expected quality is too low."""

    metrics: tuple[str, ...] = JUDGED  #: that are judged; all are told
    at_least: Mapping[str, float] = field(default_factory=dict)  #: by metric, in its own unit
    fall: float = 0.05  #: below the reference that matters, as a share of it
    #: Chance that labels say otherwise, over all metrics.  While nothing changes false alarms
    #: are rarer by far: the chance holds the noise of the labels, which an estimate has not.
    alpha: float = 0.05
    min_rows: int = 200
    matured_share: float = 0.9  #: of the rows of a window, labelled, for it to be scored
    due_days: float = 90.0  #: after them it is scored by the labels that came


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Scored:
    """What the labels of a window said when enough of them were there."""

    at: datetime  #: UTC
    n: int  #: labelled rows
    seen: Mapping[str, float]  #: by metric that is defined
    labelled: Labelled  #: the labels by score, in bins

    def to_dict(self) -> dict[str, Any]:
        """All but the time as plain data that JSON can hold."""
        return {"n": self.n, "seen": dict(self.seen), "labelled": plain_labelled(self.labelled)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], at: datetime) -> "Scored":
        """What `to_dict` wrote."""
        labelled = labelled_from(plain["labelled"])
        return cls(at=at, n=plain["n"], seen=plain["seen"], labelled=labelled)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Estimated:
    """What was expected of one window, at the time when nobody knew."""

    model: str
    version: int
    at: datetime  #: UTC, when it was estimated
    since: datetime  #: of the window, [since, until), UTC
    until: datetime
    n: int  #: rows of the window
    said: Mapping[str, Mapping[str, Estimate]]  #: by metric and method
    combined: Mapping[str, tuple[float, float, float]]  #: by metric: value and interval
    scored: Scored | None = None  #: None until its labels are there

    def to_dict(self) -> dict[str, Any]:
        """What was said, as plain data that JSON can hold."""
        said = {
            metric: {method: one.to_dict() for method, one in methods.items()}
            for metric, methods in self.said.items()
        }
        return {"said": said, "combined": {name: list(one) for name, one in self.combined.items()}}


def said_from(plain: Mapping[str, Any], n: int) -> dict[str, dict[str, Estimate]]:
    """What was said, by metric and method, as `Estimated.to_dict` wrote it."""
    return {
        metric: {
            method: Estimate(
                metric=metric, n=n, lowest=RANGES[metric][0], highest=RANGES[metric][1], **one
            )
            for method, one in methods.items()
        }
        for metric, methods in plain.items()
    }


def plain_labelled(labelled: Labelled) -> dict[str, list[float]]:
    """Labels by score as plain data that JSON can hold."""
    answers = labelled.answers
    return {
        "score": answers.score.tolist(),
        "positive": answers.positive.astype(int).tolist(),
        "rows": answers.rows.tolist(),
        "truth": labelled.truth.tolist(),
    }


def labelled_from(plain: Mapping[str, Any]) -> Labelled:
    """What `plain_labelled` wrote."""
    score, rows, truth = (np.array(plain[one], dtype=float) for one in ("score", "rows", "truth"))
    positive = np.array(plain["positive"], dtype=bool)
    return Labelled(answers=Answers(score=score, positive=positive, rows=rows), truth=truth)


def judge_estimate(
    blended: Mapping[str, Blended],
    reference: Mapping[str, Estimate],
    n: int,
    policy: EstimatePolicy,
) -> Verdict:
    """Whether the quality that is expected of a window is too low.

    FAIL when a metric is expected to lie below what is asked of it, or further below the
    reference than matters, and the chance that labels say otherwise is under ``policy.alpha``
    after Bonferroni's correction for the metrics.  INCONCLUSIVE with too few rows, and where
    the estimator of every metric that is judged has lost its vote.

    Parameters
    ----------
    reference
        What the labels of the reference say.
    n
        Rows of the window.
    """
    if n < policy.min_rows:
        reason = f"{n:,} rows in the window, {policy.min_rows:,} asked; {BLIND}"
        return Verdict(question="estimate", outcome=Outcome.INCONCLUSIVE, reason=reason)
    asked = [name for name in policy.metrics if name in blended]
    judged = [name for name in asked if not blended[name].coverage[BLEND].lost]
    measured = tuple(
        _measured(name, blended[name], reference[name], policy, len(judged)) for name in judged
    )
    lost = [f"{one} cannot be told: {_lost(blended[one])}" for one in asked if one not in judged]
    told = [_told(one, blended[one.subject], reference[one.subject]) for one in measured]
    outcome = Outcome.INCONCLUSIVE
    if measured:
        outcome = Outcome.FAIL if any(one.drifted for one in measured) else Outcome.PASS
    reason = "; ".join([*told, *lost, f"{n:,} rows", _tested(blended), BLIND])
    return Verdict(
        question="estimate",
        outcome=outcome,
        reason=reason,
        measurements=measured,
        details={name: _details(one, reference[name]) for name, one in blended.items()},
    )


def _measured(
    name: str, one: Blended, before: Estimate, policy: EstimatePolicy, questions: int
) -> Measurement:
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    fall = sign * (before.value - one.value) / abs(before.value) if before.value else 0.0
    worst = before.value * (1 - sign * policy.fall)
    least = policy.at_least.get(name)
    by_fall = min(1.0, questions * _chance_of_better(one, before.value, sign))
    by_limit = 1.0
    if least is not None:
        by_limit = min(1.0, questions * _chance_of_better(one, least, sign))
    fallen = by_fall < policy.alpha and fall >= policy.fall
    limit = worst if least is None else sign * max(sign * worst, sign * least)
    return Measurement(
        subject=name,
        statistic="estimate",
        value=one.value,
        p_value=min(by_fall, by_limit),
        effect=fall,
        asked=limit,
        n_reference=before.n,
        n_current=one.n,
        drifted=fallen or by_limit < policy.alpha,
    )


def _chance_of_better(one: Blended, limit: float, sign: float) -> float:
    below = one.mixture.below(limit)
    return 1 - below if sign > 0 else below


def _told(seen: Measurement, one: Blended, before: Estimate) -> str:
    low, high = one.interval
    side = "at most" if seen.subject in LOWER_IS_BETTER else "at least"
    return (
        f"{seen.subject} {seen.value:.3f} expected ({low:.3f} to {high:.3f} in {LEVEL:.0%}), "
        f"{before.value:.3f} in the reference, {side} {seen.asked:.3f} asked"
    )


def _lost(one: Blended) -> str:
    return f"its estimator lost its vote, {one.coverage[BLEND].reason}"


def _tested(blended: Mapping[str, Blended]) -> str:
    """How much the estimates were tried so far, for people."""
    windows = max((one.coverage[BLEND].windows for one in blended.values()), default=0)
    if not windows:
        return "no labels have tested it yet"
    return f"tested on {windows} labelled window{'s' if windows > 1 else ''}"


def _details(one: Blended, before: Estimate) -> dict[str, Any]:
    """What is kept of a metric, as plain data."""
    low, high = one.interval
    return {
        "value": one.value,
        "interval": [low, high],
        "reference": before.value,
        "weights": {name: round(weight, 6) for name, weight in one.weights.items()},
        "coverage": {
            name: {
                **{key: asdict(found)[key] for key in ("windows", "covered")},
                "lost_its_vote": found.reason if found.lost else None,
            }
            for name, found in one.coverage.items()
        },
        "mean_absolute_error": {
            name: None if isnan(error) else error for name, error in one.errors.items()
        },
    }
