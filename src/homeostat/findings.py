"""Findings: what a verdict says is wrong, in words, and how urgent it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from homeostat.alert import AlertSeverity, AlertType, Finding
from homeostat.diagnosis import Cause, Diagnosis
from homeostat.policy import DriftPolicy, Severity, severity
from homeostat.verdict import Measurement, Verdict

__all__ = ["MOST_FACTS", "Known", "finding_of", "known_of"]

MOST_FACTS = 10

_LOW, _MEDIUM, _HIGH, _CRITICAL = AlertSeverity

_OF_DRIFT = {Severity.NONE: _MEDIUM, Severity.WARNING: _HIGH, Severity.CRITICAL: _CRITICAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How a question is told that was answered with FAIL."""

    kind: AlertType
    severity: AlertSeverity
    title: str
    advice: str
    silenceable: bool = True


KNOWN = {
    "drift": Known(
        kind=AlertType.DATA_DRIFT,
        severity=_MEDIUM,
        title="Drift",
        advice="Look at the drift report, and ask who changed what is sent.",
    ),
    "quality": Known(
        kind=AlertType.MODEL_DEGRADATION,
        severity=_HIGH,
        title="The labels no longer agree with the scores",
        advice="A candidate is trained as soon as enough new labels are in.",
    ),
    "thresholds": Known(
        kind=AlertType.THRESHOLD_BREACH,
        severity=_HIGH,
        title="A metric is beyond its limit",
        advice="Look at the newest labels and at what drifted; roll back if a promotion did it.",
    ),
    "degradation": Known(
        kind=AlertType.MODEL_DEGRADATION,
        severity=_MEDIUM,
        title="The model does worse than on the reference",
        advice="Look at what drifted; a candidate is trained once enough new labels are in.",
    ),
    "segments": Known(
        kind=AlertType.MODEL_DEGRADATION,
        severity=_LOW,
        title="The model does worse in a part of the rows",
        advice="Look at the rows of the segments that are named.",
    ),
    "estimate": Known(
        kind=AlertType.MODEL_DEGRADATION,
        severity=_MEDIUM,
        title="The model is estimated to do worse; no label says so yet",
        advice="Get labels for the newest rows sooner, if that is possible.",
    ),
    "aftermath": Known(
        kind=AlertType.MODEL_DEGRADATION,
        severity=_HIGH,
        title="The promoted version does worse than the one before",
        advice="The version before is put back into service; see `homeostat decision list`.",
    ),
    "canary": Known(
        kind=AlertType.INFRASTRUCTURE,
        severity=_CRITICAL,
        title="The monitor is blind: it missed a drift that was put in to be seen",
        advice="Trust no good news until it is repaired; look at the log of the monitor.",
        silenceable=False,
    ),
    "liveness": Known(
        kind=AlertType.INFRASTRUCTURE,
        severity=_CRITICAL,
        title="The monitor does not look",
        advice="See whether its process runs, and whether predictions come in.",
        silenceable=False,
    ),
    "store": Known(
        kind=AlertType.SYSTEM_ERROR,
        severity=_CRITICAL,
        title="Rows that were acknowledged are missing",
        advice="See what they were, then `homeostat alert accept-missing`.",
    ),
    "channel": Known(
        kind=AlertType.INFRASTRUCTURE,
        severity=_HIGH,
        title="Alerts do not arrive",
        advice="Repair it, then `homeostat alert test`.",
        silenceable=False,
    ),
}
_OTHER = Known(
    kind=AlertType.THRESHOLD_BREACH,
    severity=_MEDIUM,
    title="A question was answered with no",
    advice="See `homeostat alert show`.",
)


def known_of(question: str) -> Known:
    """How FAIL to this question is told.

    Examples
    --------
    >>> known_of("channel:slack").kind.value
    'INFRASTRUCTURE'
    """
    return KNOWN.get(question.partition(":")[0], _OTHER)


def finding_of(verdict: Verdict, policy: DriftPolicy, diagnosis: Diagnosis | None) -> Finding:
    """What a verdict that is FAIL says is wrong.

    Parameters
    ----------
    policy
        From which effect on a drift is worth how much.
    diagnosis
        The cause of it, where one was looked for.
    """
    question, known = verdict.question, known_of(verdict.question)
    bad = _worst_first([one for one in verdict.measurements if one.drifted], question)
    finding = Finding(
        key=question,
        kind=known.kind,
        severity=_severity(verdict, known, bad, policy),
        title=_title(verdict, known, bad),
        reason=verdict.reason,
        facts=tuple(dict.fromkeys(_fact(one, question) for one in bad))[:MOST_FACTS],
        features=_features(verdict, bad),
        rows=max((one.n_current for one in bad or verdict.measurements), default=None),
        window=verdict.window,
        advice=known.advice,
        silenceable=known.silenceable,
    )
    return _diagnosed(finding, diagnosis) if diagnosis else finding


def _diagnosed(finding: Finding, found: Diagnosis) -> Finding:
    """With the cause in front, where the finding is one that the diagnosis explains."""
    if found.cause is Cause.NONE or finding.key not in {"drift", "quality"}:
        return finding
    said = [found.reason] if finding.reason in found.reason else [found.reason, finding.reason]
    told = replace(finding, cause=found.cause.value, reason=". ".join(said), advice=found.advice)
    if found.cause is not Cause.DATA_FAULT or finding.key != "drift":
        return told
    rest = [one for one in finding.features if one not in found.features]
    return replace(
        told,
        kind=AlertType.DATA_QUALITY,
        severity=max(_HIGH, finding.severity),
        title=f"Broken feed: {_listed(found.features)}",
        features=(*found.features, *rest),
    )


def _severity(
    verdict: Verdict, known: Known, bad: Sequence[Measurement], policy: DriftPolicy
) -> AlertSeverity:
    if verdict.question == "drift":
        subjects = {one.subject for one in bad}
        found = (_OF_DRIFT[severity(verdict, one, policy)] for one in subjects)
        return max(found, default=known.severity)
    if verdict.question == "thresholds":
        return _CRITICAL if max(map(_gap, bad), default=0.0) >= 0.05 else known.severity
    if verdict.question == "degradation":
        lost = max((_lost(verdict, one) or 0.0 for one in bad), default=0.0)
        return _CRITICAL if lost >= 0.20 else _HIGH if lost >= 0.10 else known.severity
    return known.severity


def _gap(one: Measurement) -> float:
    """How far the value lies beyond its limit, as a share of the limit."""
    return abs(one.value - one.asked) / abs(one.asked) if one.asked else 0.0


def _lost(verdict: Verdict, one: Measurement) -> float | None:
    """The fall from what the reference had, as a share of that; None where that is not known."""
    before = _before(verdict, one)
    return abs(before - one.value) / abs(before) if before else None


def _before(verdict: Verdict, one: Measurement) -> float | None:
    before = verdict.details.get("reference")
    found = before.get(one.subject) if isinstance(before, dict) else None
    return float(found) if isinstance(found, int | float) else None


def _worst_first(bad: Sequence[Measurement], question: str) -> list[Measurement]:
    if question in {"thresholds", "degradation"}:
        return sorted(bad, key=_gap, reverse=True)
    return sorted(bad, key=lambda one: one.effect / (one.asked or 1.0), reverse=True)


def _title(verdict: Verdict, known: Known, bad: Sequence[Measurement]) -> str:
    names = _features(verdict, bad)
    if verdict.question == "drift" and names:
        measured = [one for one in verdict.measurements if one.subject in names]
        psi = [one.value for one in measured if one.statistic == "psi"]
        return f"Drift in {_listed(names)}" + (f" (PSI {max(psi):.2f})" if psi else "")
    if verdict.question in {"thresholds", "degradation", "estimate"} and bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        return _number_title(verdict, bad[0]) + more
    if verdict.question == "segments" and names:
        return f"The model does worse in {_listed(names)}"
    return known.title


def _number_title(verdict: Verdict, worst: Measurement) -> str:
    name = worst.subject.replace("_", " ")
    before = _before(verdict, worst)
    if verdict.question == "degradation" and before:
        lost = abs(before - worst.value) / abs(before)
        return f"{name} degraded by {lost:.1%} ({before:.3g} → {worst.value:.3g})"
    if worst.asked is None:
        return f"{name} is {worst.value:.3g}"
    side = "below the minimum" if worst.value < worst.asked else "above the maximum"
    estimated = "estimated " if verdict.question == "estimate" else ""
    return f"{estimated}{name} ({worst.value:.3g}) is {side} of {worst.asked:.3g}"


def _fact(one: Measurement, question: str) -> str:
    rows = f" over {one.n_current:,} rows" if one.n_current else ""
    if question in {"thresholds", "degradation", "estimate"}:
        asked = "" if one.asked is None else f", {one.asked:.4g} asked"
        return f"{one.subject}: {one.value:.4g} seen{asked}{rows}"
    asked = "" if one.asked is None else f", {one.asked:.3g} asked"
    return f"{one.subject}: {one.statistic} {one.effect:.3g} seen{asked}{rows}"


def _features(verdict: Verdict, bad: Sequence[Measurement]) -> tuple[str, ...]:
    named = verdict.details.get("drifted", ()) if verdict.question == "drift" else ()
    return tuple(dict.fromkeys([*(one.subject for one in bad), *map(str, named)]))


def _listed(names: Sequence[str]) -> str:
    """The first three, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
