"""From a verdict on two profiles to what is said of each column."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from homeostat.battery import TOGETHER
from homeostat.comparison.columns import CURRENT, REFERENCE
from homeostat.comparison.counting import Counted
from homeostat.comparison.result import Comparison, FeatureComparison
from homeostat.policy import WEEK_S, DriftPolicy, judge_drift, severity
from homeostat.reports import Finding, State, excess, findings
from homeostat.verdict import Measurement, Outcome, Verdict, worst

__all__ = ["at_level", "judged", "with_measurement"]

_OUTCOMES = {
    State.CHANGED: Outcome.FAIL,
    State.UNCHANGED: Outcome.PASS,
    State.NOT_COMPUTED: Outcome.ERROR,
}
SHOWN = 3  #: columns named in a reason


def at_level(policy: DriftPolicy, alpha: float) -> DriftPolicy:
    """The policy for a single look at this level.

    Examples
    --------
    >>> at_level(DriftPolicy(min_rows=500), 0.01).alpha
    0.01
    """
    return replace(policy, false_alarms_per_week=alpha, interval_s=WEEK_S)


def judged(counted: Counted, policy: DriftPolicy) -> Comparison:
    """What is found in two profiles."""
    verdict = judge_drift(counted.reference, counted.current, policy)
    found = findings(verdict, counted.reference.bins)
    by_name = {one.subject: one for one in (*found.features, *found.others)}
    told = {
        one.name: _feature(by_name[one.name], counted, verdict, policy)
        for one in counted.columns.features
    }
    untold = {
        name: FeatureComparison(name=name, outcome=Outcome.INCONCLUSIVE, reason=why)
        for name, why in counted.columns.untold.items()
    }
    together = by_name.get(TOGETHER)
    comparison = Comparison(
        outcome=Outcome.INCONCLUSIVE,
        reason="",
        features={**told, **untold},
        together=None if together is None else _plain(together),
        left_out=counted.columns.left_out,
        policy=policy,
        rows=counted.rows,
        reference=counted.reference,
        current=counted.current,
    )
    return _concluded(comparison)


def with_measurement(
    comparison: Comparison, seen: Measurement, given_away_by: Mapping[str, float]
) -> Comparison:
    """The comparison with one more measurement of all features together."""
    held = () if comparison.together is None else comparison.together.measurements
    both = (*held, seen)
    main = max((one for one in both if one.drifted), default=seen, key=excess)
    outcome = Outcome.FAIL if main.drifted else Outcome.PASS
    together = FeatureComparison(
        name=TOGETHER, outcome=outcome, reason=_seen(main), main=main, measurements=both
    )
    return _concluded(replace(comparison, together=together, given_away_by=given_away_by))


def _feature(
    finding: Finding, counted: Counted, verdict: Verdict, policy: DriftPolicy
) -> FeatureComparison:
    name = finding.subject
    few = _too_few(name, counted, policy)
    found = replace(
        _plain(finding),
        kind=counted.reference.feature(name).bins.kind,
        severity=severity(verdict, name, policy),
    )
    if finding.state is State.CHANGED or few is None:
        return found
    return replace(found, outcome=Outcome.INCONCLUSIVE, reason=few)


def _plain(finding: Finding) -> FeatureComparison:
    return FeatureComparison(
        name=finding.subject,
        outcome=_OUTCOMES.get(finding.state, Outcome.INCONCLUSIVE),
        reason=finding.reason,
        main=finding.main,
        measurements=finding.tests,
    )


def _too_few(name: str, counted: Counted, policy: DriftPolicy) -> str | None:
    """Why a feature cannot be told: too few values on a side."""
    sides = {REFERENCE: counted.reference, CURRENT: counted.current}
    held = {side: int(one.feature(name).present.sum()) for side, one in sides.items()}
    few = [f"{n:,} values in {side}" for side, n in held.items() if n < policy.min_rows]
    return f"{' and '.join(few)}, {policy.min_rows:,} asked" if few else None


def _concluded(comparison: Comparison) -> Comparison:
    outcomes = [one.outcome for one in comparison.features.values()]
    if comparison.together is not None and outcomes:
        outcomes.append(comparison.together.outcome)
    outcome = worst(outcomes)
    return replace(comparison, outcome=outcome, reason=_reason(comparison, outcome))


def _reason(comparison: Comparison, outcome: Outcome) -> str:
    before, now = comparison.rows or (0, 0)
    least = comparison.policy.min_rows
    if not comparison.features:
        return "no column is left to compare"
    if comparison.rows is not None and min(before, now) < least:
        rows = f"{now:,} row{'s' if now != 1 else ''}"
        return f"{rows} in {CURRENT}, {before:,} in {REFERENCE}; {least:,} asked on both sides"
    changed, untold = comparison.changed, comparison.untold
    together = comparison.together
    parts = []
    if changed:
        parts.append(f"{_of(changed, comparison)} changed: {_listed(_why(comparison, changed))}")
    if together is not None and together.outcome is Outcome.FAIL and not changed:
        parts.append(f"{TOGETHER} changed: {together.reason}")
    if untold:
        why = [f"{name} ({reason})" for name, reason in untold.items()]
        parts.append(f"{_of(untold, comparison)} cannot be told: {_listed(why)}")
    if outcome is Outcome.PASS:
        parts.append(f"none of {len(comparison.features)} columns changed")
    if not changed:
        parts += _blind(comparison)
    if comparison.rows is not None:
        parts.append(f"{now:,} rows against {before:,}")
    return "; ".join(parts)


def _of(some: Sequence[str] | Mapping[str, str], comparison: Comparison) -> str:
    return f"{len(some)} of {len(comparison.features)} columns"


def _why(comparison: Comparison, names: Sequence[str]) -> list[str]:
    return [f"{name} ({comparison.features[name].reason})" for name in names]


def _listed(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return ", ".join([*texts[:SHOWN], *more])


def _blind(comparison: Comparison) -> list[str]:
    """The largest change of each kind that may have been missed, in words."""
    blind: dict[str, float] = {}
    for feature in comparison.features.values():
        for one in feature.measurements:
            if one.asked is not None and one.minimum_detectable_effect is not None:
                blind[one.statistic] = max(
                    blind.get(one.statistic, 0.0), one.minimum_detectable_effect
                )
    if not blind:
        return []
    listed = ", ".join(f"{name} {effect:.2g}" for name, effect in sorted(blind.items()))
    return [f"{listed} would have been seen 4 times in 5"]


def _seen(one: Measurement) -> str:
    return f"{one.statistic} {one.effect:.3g} seen, {one.asked:.3g} asked"
