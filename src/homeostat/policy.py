"""Measurements to a verdict: significance, size, multiplicity, persistence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import takewhile

import numpy as np

from homeostat.battery import EFFECTS, TOGETHER, Asked, corrected, left_out, measure
from homeostat.bins import PREDICTION, PROBABILITY, same_bins
from homeostat.creep import HORIZON
from homeostat.profile import Profile
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "MOST_ALPHA",
    "DriftPolicy",
    "Level",
    "Severity",
    "judge_at",
    "judge_drift",
    "persistent",
    "severity",
    "with_creep",
    "with_reported",
]

WEEK_S = 7 * 24 * 3600

#: Largest chance of a false alarm at one look that a budget can ask for.
MOST_ALPHA = 0.05


class Severity(StrEnum):
    """How large a change is that was shown."""

    NONE = "none"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    """When a difference is a drift."""

    false_alarms_per_week: float = 1.0  #: allowed for one model in which nothing changes
    interval_s: float = 300.0  #: between two looks
    min_rows: int = 200  #: fewer in the window and nothing can be told
    effects: Mapping[str, float] = field(default_factory=lambda: dict(EFFECTS))
    seasonal_weeks: int = 0  #: compare with the same hours of so many weeks before; 0: not
    warning_effect: float = 0.2  #: PSI from which on a change is worth a warning
    critical_effect: float = 0.5  #: PSI from which on it is critical

    @property
    def alpha(self) -> float:
        """Chance of a false alarm at one look, so that a week of them keeps the budget."""
        return min(MOST_ALPHA, self.false_alarms_per_week * self.interval_s / WEEK_S)

    @classmethod
    def once(cls, alpha: float = 0.001, *, min_rows: int = 200) -> "DriftPolicy":
        """For a comparison that is made once: the chance of a false alarm is `alpha`.

        Examples
        --------
        >>> DriftPolicy.once(0.01).alpha
        0.01
        """
        return cls(false_alarms_per_week=alpha, interval_s=WEEK_S, min_rows=min_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """At which level a comparison is made, which may be one of several."""

    alpha: float  #: chance that anything is called changed when nothing is
    #: What makes the p-values those of rows that are not independent.
    tempered: Callable[[Sequence[Measurement]], Sequence[Measurement]] = tuple
    detectable: bool = True  #: whether to say what could have been seen


def judge_drift(reference: Profile, current: Profile, policy: DriftPolicy) -> Verdict:
    """Whether the current window differs from the reference.

    A feature has drifted when a deciding statistic is significant at ``policy.alpha`` after
    Holm's correction over all questions asked, and its effect is at least the one that
    matters.  Statistics without such an effect are reported only.

    Returns
    -------
    Verdict
        ``question`` "drift".  INCONCLUSIVE under ``policy.min_rows`` and when no statistic
        decides; ERROR when nothing drifted and a deciding statistic has no p-value.  Its
        ``measurements`` hold every statistic of every feature with corrected p-values; its
        ``details`` say which features were ``excluded`` and why, and which ``drifted``.

    Raises
    ------
    StateError
        When the profiles were counted in different bins.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2).
    """
    verdict = judge_at(reference, current, policy, Level(alpha=policy.alpha))
    return with_reported(verdict, reference, current, policy)


def with_reported(
    verdict: Verdict, reference: Profile, current: Profile, policy: DriftPolicy
) -> Verdict:
    """The verdict with what is measured besides, and decides nothing."""
    if not verdict.measurements:
        return verdict
    asked = Asked(effects=policy.effects, min_rows=policy.min_rows, alpha=policy.alpha)
    more = measure(reference, current, asked, deciding=False)
    return replace(verdict, measurements=(*verdict.measurements, *more))


def with_creep(verdict: Verdict, measured: Sequence[Measurement]) -> Verdict:
    """The verdict with what adds up over days, which fails it as a window does."""
    if not measured:
        return verdict
    both = (*verdict.measurements, *measured)
    found = [one for one in _ranked(measured) if one.drifted]
    if not found:
        reason = verdict.reason
        if verdict.outcome is Outcome.PASS:
            least = max(one.minimum_detectable_effect or 0.0 for one in measured)
            reason += f"; a creep by {least:.2g} would be seen within {HORIZON} windows"
        return replace(verdict, reason=reason, measurements=both)
    listed = "; ".join(
        f"{one.subject}: {one.effect:.3g} seen, {one.asked:.3g} asked over {one.n_current:,} rows"
        for one in found[:3]
    )
    reason = f"{len(found)} of {len(measured)} crept away from the reference ({listed})"
    if verdict.outcome is not Outcome.PASS:
        reason = f"{verdict.reason}; {reason}"
    drifted = _subjects([one for one in both if one.drifted])
    return replace(
        verdict,
        outcome=Outcome.FAIL,
        reason=reason,
        measurements=both,
        details={**verdict.details, "drifted": drifted},
    )


def judge_at(reference: Profile, current: Profile, policy: DriftPolicy, level: Level) -> Verdict:
    """`judge_drift` at this level instead of that of the policy, by what decides alone."""
    same_bins(reference.bins, current.bins)
    if current.n < policy.min_rows or reference.n < policy.min_rows:
        reason = (
            f"{current.n:,} rows in the window and {reference.n:,} in the reference; "
            f"{policy.min_rows:,} asked on both sides"
        )
        return Verdict(question="drift", outcome=Outcome.INCONCLUSIVE, reason=reason)
    asked = Asked(
        effects=policy.effects,
        min_rows=policy.min_rows,
        alpha=level.alpha,
        detectable=level.detectable,
    )
    measured = corrected(level.tempered(measure(reference, current, asked)), level.alpha)
    return _drift_verdict(measured, left_out(reference, current, policy.min_rows), reference)


def severity(verdict: Verdict, subject: str, policy: DriftPolicy) -> Severity:
    """How bad the change of a feature is: by its PSI, and none while it is not shown."""
    measured = [one for one in verdict.measurements if one.subject == subject]
    if not any(one.drifted for one in measured):
        return Severity.NONE
    psi = max((one.value for one in measured if one.statistic == "psi"), default=0.0)
    if psi >= policy.critical_effect:
        return Severity.CRITICAL
    return Severity.WARNING if psi >= policy.warning_effect else Severity.NONE


def persistent(verdicts: Sequence[Verdict], patience: int) -> Verdict:
    """The newest verdict, with a FAIL held back until `patience` in a row have failed.

    Parameters
    ----------
    verdicts
        Of one question, newest first, at least one.
    patience
        Windows in a row, at least 1.  A window that could not be judged breaks the row.
    """
    newest = verdicts[0]
    if newest.outcome is not Outcome.FAIL:
        return newest
    row = len(list(takewhile(lambda one: one.outcome is Outcome.FAIL, verdicts)))
    outcome = Outcome.FAIL if row >= patience else Outcome.INCONCLUSIVE
    reason = f"in {row} windows in a row, {patience} asked: {newest.reason}"
    return replace(newest, outcome=outcome, reason=reason)


def _drift_verdict(
    measured: tuple[Measurement, ...], excluded: Mapping[str, str], reference: Profile
) -> Verdict:
    deciding = [one for one in measured if one.asked is not None]
    unknown = [one for one in deciding if one.p_value is None or not np.isfinite(one.p_value)]
    found = [one for one in _ranked(deciding) if one.drifted]
    if found:
        outcome, shown = Outcome.FAIL, found
        lead = _counted(found, reference)
    elif unknown:
        outcome, shown = Outcome.ERROR, unknown
        lead = "no p-value, so it cannot be told whether these changed"
    elif not deciding:
        outcome, shown = Outcome.INCONCLUSIVE, []
        lead = "no statistic is asked to decide"
    else:
        outcome, shown = Outcome.PASS, _ranked(deciding)
        lead = f"nothing changed; {_detectable(deciding)} would have been seen 4 times in 5"
    rows = f"{max((one.n_current for one in measured), default=0):,} rows"
    listed = "; ".join(
        f"{one.subject}: {_named(one)} {one.effect:.3g} seen, {one.asked:.3g} asked{_chance(one)}"
        for one in shown[:3]
    )
    lead = f"{lead} ({listed})" if listed else lead
    return Verdict(
        question="drift",
        outcome=outcome,
        reason=f"{lead}; {rows} against {reference.n:,}, {len(deciding)} questions",
        measurements=measured,
        details={
            "drifted": _subjects(found),
            "excluded": dict(excluded),
        },
    )


def _subjects(found: Sequence[Measurement]) -> list[str]:
    """The features that changed, or else all together where no single one did."""
    names = dict.fromkeys(one.subject for one in found)
    return [name for name in names if name != TOGETHER] or list(names)


def _chance(one: Measurement) -> str:
    large = one.asked is not None and one.effect >= one.asked
    return ", within chance" if large and not one.drifted and one.p_value is not None else ""


def _named(one: Measurement) -> str:
    return f"{one.statistic} with {one.partner}" if one.partner else one.statistic


def _ranked(deciding: Sequence[Measurement]) -> list[Measurement]:
    """By how far the effect lies beyond what was asked, the farthest first."""
    return sorted(deciding, key=lambda one: one.effect / (one.asked or 1.0), reverse=True)


def _counted(found: Sequence[Measurement], reference: Profile) -> str:
    answers = {PROBABILITY, PREDICTION}
    names = {one.subject for one in found}
    features = {one.name for one in reference.bins.features} - answers
    if names == {TOGETHER}:
        return "no feature alone, but all of them together changed"
    scores = " and the model's answers" if names & answers else ""
    return f"{len(names & features)} of {len(features)} features{scores} changed"


def _detectable(deciding: Sequence[Measurement]) -> str:
    """The largest blind spot of each statistic, in words."""
    blind: dict[str, float] = {}
    for one in deciding:
        seen = one.minimum_detectable_effect or 0.0
        blind[one.statistic] = max(blind.get(one.statistic, 0.0), seen)
    return ", ".join(f"{name} {effect:.2g}" for name, effect in blind.items())
