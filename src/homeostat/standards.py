"""Figures to verdicts: limits that must be kept, the reference that must not be fallen behind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from homeostat.metrics import NONE, Estimate
from homeostat.performance import FEWER_IS_BETTER, MORE_IS_BETTER
from homeostat.verdict import Measurement, Outcome, Verdict
from homeostat.weakness import WeakSegment, holm

__all__ = [
    "METRIC_NAMES",
    "Standards",
    "interval_text",
    "judge_degradation",
    "judge_segments",
    "judge_thresholds",
]

#: How figures are called where people read them.
METRIC_NAMES: Mapping[str, str] = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "ece": "Calibration error",
    "positive_rate": "Positive rate",
    "predicted_positive_rate": "Predicted positive rate",
    "business_value": "Business value",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R2",
    "quantile_loss": "Quantile loss",
    "mean_error": "Mean error",
}

Figures = Mapping[str, Estimate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards:
    """What is asked of the figures of a model, and when it counts as missed."""

    limits: Mapping[str, float] = field(default_factory=dict)  #: least or most, by figure
    degradation: float = 0.05  #: worse than the reference, as a share of it
    compared: tuple[str, ...] = ("accuracy", "precision", "recall", "f1", "roc_auc")
    alpha: float = 0.01  #: of a verdict, where nothing is worse than it may be
    min_rows: int = 200  #: labelled rows asked
    min_cases: int = 20  #: rows that one figure must rest on
    weak_effect: float = 0.1  #: see `weak_segments`


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One figure beside what is asked of it."""

    metric: str
    seen: Estimate
    limit: float
    p_value: float  #: of the figure being no worse than it may be
    effect: float  #: how much worse it is than asked, 0 when it is not
    large: bool  #: whether that is as much as matters
    reference: Estimate | None = None
    part: str | None = None


def judge_thresholds(figures: Figures, standards: Standards, rows: int) -> Verdict:
    """Whether every figure keeps the limit that is set for it.

    FAIL names each figure that is shown to be beyond its limit, with Holm's correction for
    as many as have one.  A figure beyond its limit that chance may explain, or of too few
    rows, is INCONCLUSIVE: neither a breach nor an all-clear.

    Parameters
    ----------
    rows
        Labelled rows that the figures are of.

    Examples
    --------
    >>> from homeostat.metrics import share_estimate
    >>> seen = share_estimate(0.65, 0.65 * 0.35 / 500, (500, 500), method="Wilson")
    >>> standards = Standards(limits={"recall": 0.7})
    >>> judge_thresholds({"recall": seen}, standards, 812).reason
    'Recall 0.65 (0.61 to 0.69) below 0.70 on 812 labelled rows'
    """
    if rows < standards.min_rows:
        return _too_few("thresholds", rows, standards)
    asked = [_limited(name, figures.get(name), limit) for name, limit in standards.limits.items()]
    return _verdict("thresholds", asked, standards, rows)


def judge_degradation(
    figures: Figures, reference: Figures, standards: Standards, rows: int
) -> Verdict:
    """Whether any figure fell behind that of the frozen reference of the version.

    FAIL names each that is shown to be worse than the reference, with Holm's correction,
    and worse by `standards.degradation` of it.  The reference is frozen, so a slow decline
    adds up.

    Parameters
    ----------
    reference
        The figures of rows that the version was not fitted on, with their own errors.
    """
    if rows < standards.min_rows:
        return _too_few("degradation", rows, standards)
    both = [name for name in standards.compared if name in figures and name in reference]
    asked = [_compared(name, figures[name], reference[name], standards) for name in both]
    if not asked:
        reason = "the reference of the version has no figure to compare with"
        return Verdict(question="degradation", outcome=Outcome.INCONCLUSIVE, reason=reason)
    return _verdict("degradation", asked, standards, rows)


def judge_segments(
    parts: Mapping[str, Figures], weak: Sequence[WeakSegment], standards: Standards, rows: int
) -> Verdict:
    """Whether every part of the rows keeps the limits, and none is weak without being named.

    FAIL names each declared part in which a figure is shown to be beyond its limit, with
    Holm's correction over all of them, and each weak segment that was found.  A part with
    fewer rows than `standards.min_cases` for a figure is left out and counted.
    """
    if rows < standards.min_rows:
        return _too_few("segments", rows, standards)
    every = [
        _limited(name, figures.get(name), limit, part)
        for part, figures in parts.items()
        for name, limit in standards.limits.items()
    ]
    asked = [one for one in every if one.seen.known and one.seen.n >= standards.min_cases]
    measured = [*_measurements(asked, standards), *(_found(one, standards) for one in weak)]
    said = [
        _breach(one, rows=one.seen.n)
        for one, told in zip(asked, measured, strict=False)
        if told.drifted
    ]
    said += [_weak_text(one) for one in weak]
    if said:
        outcome, reason = Outcome.FAIL, "; ".join(said)
    else:
        outcome = Outcome.PASS
        reason = f"no weak part is shown on {rows:,} labelled rows"
        if asked:
            reason += f"; {len(asked)} figures of declared parts keep their limits or may"
    if len(every) > len(asked):
        reason += f"; {len(every) - len(asked)} of parts with too few rows are unknown"
    return Verdict(
        question="segments",
        outcome=outcome,
        reason=reason,
        measurements=tuple(measured),
        details={"weak": [_weak_details(one) for one in weak]},
    )


def interval_text(seen: Estimate) -> str:
    """A figure with its interval, as people read it."""
    if not seen.known:
        return "unknown"
    if not (isfinite(seen.lower) and isfinite(seen.upper)):
        return _number(seen.value)
    return f"{_number(seen.value)} ({_number(seen.lower)} to {_number(seen.upper)})"


def _limited(metric: str, seen: Estimate | None, limit: float, part: str | None = None) -> _Asked:
    known = seen or NONE
    more = metric in MORE_IS_BETTER
    p_value = known.p_value_low(limit) if more else known.p_value_high(limit)
    short = (limit - known.value) if more else (known.value - known.bias - limit)
    return _Asked(
        metric=metric,
        seen=known,
        limit=limit,
        p_value=p_value,
        effect=max(short, 0.0) if known.known else 0.0,
        large=short > 0,
        part=part,
    )


def _compared(metric: str, seen: Estimate, before: Estimate, standards: Standards) -> _Asked:
    sign = -1.0 if metric in FEWER_IS_BETTER else 1.0
    limit = before.value - sign * standards.degradation * abs(before.value)
    apart = sign * ((before.value - before.bias) - (seen.value - seen.bias))
    p_value = seen.p_value_under(before)
    share = apart / abs(before.value) if before.value else 0.0
    return _Asked(
        metric=metric,
        seen=seen,
        limit=limit,
        p_value=p_value if sign > 0 else 1 - p_value,
        effect=max(share, 0.0) if seen.known else 0.0,
        large=share >= standards.degradation,
        reference=before,
    )


def _verdict(question: str, asked: Sequence[_Asked], standards: Standards, rows: int) -> Verdict:
    usable = [one for one in asked if one.seen.known and one.seen.n >= standards.min_cases]
    measured = _measurements(usable, standards)
    failed = [one for one, told in zip(usable, measured, strict=True) if told.drifted]
    unclear = [one for one in usable if one.large and one not in failed]
    unknown = [one for one in asked if one not in usable]
    if failed:
        outcome, said = Outcome.FAIL, [_breach(one, rows=rows) for one in failed]
    elif unclear or unknown:
        outcome, said = Outcome.INCONCLUSIVE, []
    else:
        outcome = Outcome.PASS
        said = [f"{_met(one)}" for one in usable]
        said[-1] += f", on {rows:,} labelled rows"
    said += [
        f"{_name(one.metric)} {interval_text(one.seen)} is not shown to be {_beyond(one)} on "
        f"{rows:,} labelled rows"
        for one in unclear
    ]
    said += [
        f"{_name(one.metric)} is unknown: {one.seen.n:,} rows to tell it from, "
        f"{standards.min_cases:,} asked"
        for one in unknown
    ]
    return Verdict(
        question=question,
        outcome=outcome,
        reason="; ".join(said),
        measurements=tuple(measured),
        details=dict(_details(asked)),
    )


def _measurements(asked: Sequence[_Asked], standards: Standards) -> list[Measurement]:
    corrected = holm([one.p_value for one in asked])
    return [
        Measurement(
            subject=one.metric,
            statistic="segment" if one.part else "degradation" if one.reference else "threshold",
            value=one.seen.value,
            p_value=p_value,
            effect=one.effect,
            asked=one.limit,
            n_reference=one.reference.n if one.reference else 0,
            n_current=one.seen.n,
            drifted=one.large and p_value < standards.alpha,
            partner=one.part,
        )
        for one, p_value in zip(asked, corrected, strict=True)
    ]


def _details(asked: Sequence[_Asked]) -> Iterator[tuple[str, Any]]:
    known = [one for one in asked if one.seen.known]
    ends = {one.metric: [_finite(one.seen.lower), _finite(one.seen.upper)] for one in known}
    yield "intervals", ends
    yield "methods", {one.metric: one.seen.method for one in known}
    if any(one.reference for one in asked):
        yield "reference", {one.metric: one.reference.value for one in asked if one.reference}


def _breach(one: _Asked, *, rows: int) -> str:
    where = f"in {one.part}: " if one.part else ""
    return (
        f"{where}{_name(one.metric)} {interval_text(one.seen)} {_beyond(one)} on {rows:,} "
        "labelled rows"
    )


def _beyond(one: _Asked) -> str:
    more = one.metric in MORE_IS_BETTER
    if one.reference is None:
        return f"{'below' if more else 'above'} {_number(one.limit)}"
    allowed = abs(one.limit - one.reference.value) / abs(one.reference.value)
    word = "below" if more else "above"
    return (
        f"{one.effect:.1%} {word} the {_number(one.reference.value)} of the reference "
        f"({allowed:.1%} asked)"
    )


def _met(one: _Asked) -> str:
    word = "at least" if one.metric in MORE_IS_BETTER else "at most"
    return f"{_name(one.metric)} {interval_text(one.seen)}, {word} {_number(one.limit)} asked"


def _found(one: WeakSegment, standards: Standards) -> Measurement:
    return Measurement(
        subject="brier",
        statistic="weak_segment",
        value=one.brier,
        p_value=one.p_value,
        effect=one.brier / one.expected_brier - 1 if one.expected_brier > 0 else 0.0,
        asked=standards.weak_effect,
        n_reference=0,
        n_current=one.n,
        drifted=True,
        partner=one.name,
    )


def _weak_text(one: WeakSegment) -> str:
    return (
        f"weak in {one.name}: Brier score {_number(one.brier)} and positives {one.seen:.1%}, where "
        f"equal scores give {_number(one.expected_brier)} and {one.expected:.1%}, on {one.n:,} "
        f"labelled rows, {one.share:.1%} of all; costs {one.cost:.4f} of the Brier score"
    )


def _weak_details(one: WeakSegment) -> dict[str, Any]:
    return {
        "segment": one.name,
        "n": one.n,
        "share": one.share,
        "positive_rate": one.seen,
        "expected_positive_rate": one.expected,
        "brier": one.brier,
        "expected_brier": one.expected_brier,
        "cost": one.cost,
        "p_value": one.p_value,
    }


def _too_few(question: str, rows: int, standards: Standards) -> Verdict:
    reason = f"{rows:,} labelled rows, {standards.min_rows:,} asked"
    return Verdict(question=question, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _name(metric: str) -> str:
    return METRIC_NAMES.get(metric, metric)


def _number(value: float) -> str:
    """Two digits after the point for shares, three for small figures, more for large ones."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3f}"


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
