"""Measurements to a verdict: significance, size, multiplicity, persistence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import takewhile

import numpy as np

from homeostat.bins import PREDICTION, PROBABILITY, same_bins
from homeostat.metrics.calibration import Calibration
from homeostat.metrics.confusion import PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.profile import FeatureProfile, Profile
from homeostat.statistics import STATISTICS, Statistic
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "AftermathPolicy",
    "DriftPolicy",
    "QualityPolicy",
    "fixed_look",
    "judge_aftermath",
    "judge_drift",
    "judge_quality",
    "persistent",
]

WEEK_S = 7 * 24 * 3600

#: The effect from which on a change matters, for each statistic that decides.  KS 0.05 is a
#: shift by an eighth of a standard deviation; the others are shares of rows.
EFFECTS = {"ks": 0.05, "chi2": 0.05, "missing": 0.01, "unseen": 0.005}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftPolicy:
    """When a difference is a drift."""

    false_alarms_per_week: float = 1.0  #: allowed for one model in which nothing changes
    interval_s: float = 300.0  #: between two looks
    min_rows: int = 200  #: fewer in the window and nothing can be told
    effects: Mapping[str, float] = field(default_factory=lambda: dict(EFFECTS))

    @property
    def alpha(self) -> float:
        """Chance of a false alarm at one look, so that a week of them keeps the budget."""
        return min(0.05, self.false_alarms_per_week * self.interval_s / WEEK_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPolicy:
    """When a model's answers no longer hold."""

    alpha: float = 0.001
    min_rows: int = 200
    brier_excess: float = 0.10  #: Brier score above what the scores promise, as a share of that
    positives_excess: float = 0.20  #: positives off from what the scores promise, as a share


@dataclass(frozen=True, slots=True, kw_only=True)
class AftermathPolicy:
    """When a promotion was a mistake."""

    min_rows: int = 200  #: labelled rows since the promotion
    min_positives: int = 20
    worse_f1_pct: float = 5.0  #: fall of F1 that matters, of the version before
    worse_brier: float = 0.005  #: rise of the Brier score that matters
    alpha: float = 0.01  #: spent over all looks: half of what is left at each doubling of rows


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
    same_bins(reference.bins, current.bins)
    if current.n < policy.min_rows or reference.n < policy.min_rows:
        reason = (
            f"{current.n:,} rows in the window and {reference.n:,} in the reference; "
            f"{policy.min_rows:,} asked on both sides"
        )
        return Verdict(question="drift", outcome=Outcome.INCONCLUSIVE, reason=reason)
    names = [one.name for one in reference.bins.features]
    pairs = {name: (reference.feature(name), current.feature(name)) for name in names}
    excluded = {
        name: f"{int(now.present.sum()):,} values in the window, {policy.min_rows:,} asked"
        for name, (_, now) in pairs.items()
        if now.present.sum() < policy.min_rows
    }
    questions = _count_questions(pairs, excluded, policy)
    measured = [
        _measure(name, statistic, pair, policy.effects, policy.alpha / questions)
        for name, pair in pairs.items()
        for statistic in _asked(pair, excluded=name in excluded)
    ]
    return _drift_verdict(_corrected(measured, policy.alpha), excluded, reference)


def judge_quality(seen: Calibration, policy: QualityPolicy) -> Verdict:
    """Whether labels still agree with the probabilities that were given for them.

    FAIL when the Brier score, or the number of positives, is off from what the scores
    themselves promise, by Spiegelhalter's and the binomial z-test with Bonferroni's
    correction for the two, and by more than the size that matters.  A covariate shift alone
    does not fail it: the promise moves with the rows.

    References
    ----------
    Spiegelhalter (1986), Statistics in Medicine 5(5).
    """
    if seen.n < policy.min_rows:
        reason = f"{seen.n:,} labelled rows, {policy.min_rows:,} asked"
        return Verdict(question="quality", outcome=Outcome.INCONCLUSIVE, reason=reason)
    measured = tuple(
        Measurement(
            subject="labels",
            statistic=name,
            value=value,
            p_value=min(1.0, 2 * p_value),
            effect=effect,
            asked=asked,
            n_reference=0,
            n_current=seen.n,
            drifted=2 * p_value < policy.alpha and effect >= asked,
        )
        for name, value, p_value, effect, asked in (
            (
                "brier_excess",
                seen.brier,
                seen.brier_p_value,
                seen.brier_excess,
                policy.brier_excess,
            ),
            (
                "positives_excess",
                seen.positive_share,
                seen.positives_p_value,
                abs(seen.positives_excess),
                policy.positives_excess,
            ),
        )
    )
    outcome = Outcome.FAIL if any(one.drifted for one in measured) else Outcome.PASS
    reason = (
        f"Brier score {seen.brier:.4f} where the scores promise {seen.expected_brier:.4f} "
        f"({seen.brier_excess:+.0%}; {policy.brier_excess:+.0%} asked), positives "
        f"{seen.positive_share:.2%} where they promise {seen.expected_share:.2%} "
        f"({seen.positives_excess:+.0%}; {policy.positives_excess:.0%} asked), "
        f"{seen.n:,} labelled rows"
    )
    return Verdict(question="quality", outcome=outcome, reason=reason, measurements=measured)


def fixed_look(rows: int, least: int) -> int:
    """How many of `rows` to look at: `least`, or the largest doubling of it that there is.

    A question that is asked again and again while rows come in is asked at these sizes
    only, so that the looks can be counted.

    Examples
    --------
    >>> [fixed_look(rows, 200) for rows in (150, 200, 399, 400, 1700)]
    [150, 200, 200, 400, 1600]
    """
    if rows < least:
        return rows
    return int(least * 2 ** int(np.log2(rows / least)))


def judge_aftermath(paired: PairedConfusion, brier: PairedLoss, policy: AftermathPolicy) -> Verdict:
    """Whether a promoted version is worse than the one before, on rows served since.

    It is asked at `fixed_look` sizes while labels come in, and the level is spent over these
    looks: half of it at the first, half of what is left at the next, so all looks together
    keep it.

    Parameters
    ----------
    paired, brier
        With the version before as the champion and the promoted one as the candidate.

    Returns
    -------
    Verdict
        FAIL when it is shown to be worse by more than what matters, PASS when it is not and
        there were enough rows, INCONCLUSIVE before.
    """
    rows, positives = paired.n, paired.positives
    if rows < policy.min_rows or positives < policy.min_positives:
        reason = (
            f"{rows:,} labelled rows since the promotion, {policy.min_rows:,} asked; "
            f"{positives:,} positives, {policy.min_positives:,} asked"
        )
        return Verdict(question="aftermath", outcome=Outcome.INCONCLUSIVE, reason=reason)
    doublings = int(np.log2(rows / policy.min_rows))
    alpha = policy.alpha / 2 ** (doublings + 1)
    fall_pct = -100 * paired.f1_gain_share
    worse_f1 = fall_pct >= policy.worse_f1_pct and paired.p_value_of_loss < alpha / 2
    lower, _ = brier.bounds(alpha / 2)
    worse_brier = brier.mean >= policy.worse_brier and lower > 0
    reason = (
        f"F1 {paired.candidate.f1:.3f}, {paired.champion.f1:.3f} by the version before "
        f"({-fall_pct:+.1f} %, {-policy.worse_f1_pct:+.1f} % asked); Brier score changes by "
        f"{brier.mean:+.4f} ({policy.worse_brier:+.4f} asked) on {rows:,} rows since the promotion"
    )
    outcome = Outcome.FAIL if worse_f1 or worse_brier else Outcome.PASS
    return Verdict(question="aftermath", outcome=outcome, reason=reason)


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


@cache
def _battery() -> dict[str, Statistic]:
    return {name: make() for name, make in STATISTICS.items()}


_Pair = tuple[FeatureProfile, FeatureProfile]


def _asked(pair: _Pair, *, excluded: bool) -> list[str]:
    """The statistics that apply; of an excluded feature only the share of the missing."""
    if excluded:
        return ["missing"]
    return [name for name, one in _battery().items() if one.applies(pair[0].bins)]


def _count_questions(
    pairs: Mapping[str, _Pair], excluded: Mapping[str, str], policy: DriftPolicy
) -> int:
    asked = [_asked(pair, excluded=name in excluded) for name, pair in pairs.items()]
    return max(1, sum(name in policy.effects for names in asked for name in names))


def _measure(
    subject: str, name: str, pair: _Pair, effects: Mapping[str, float], alpha: float
) -> Measurement:
    reference, current = pair
    statistic = _battery()[name]
    distance = statistic.distance(reference, current)
    asked = effects.get(name)
    seen = statistic.detectable(reference, current, alpha)
    return Measurement(
        subject=subject,
        statistic=name,
        value=distance.value,
        p_value=distance.p_value,
        effect=distance.size,
        asked=asked,
        minimum_detectable_effect=None if seen is None else max(seen, asked or 0.0),
        n_reference=reference.n,
        n_current=current.n,
    )


def _corrected(measured: Sequence[Measurement], alpha: float) -> tuple[Measurement, ...]:
    """The measurements with Holm-corrected p-values, and which of them show a drift.

    One that should decide but has no p-value is left as it is: it cannot be told.
    """
    deciding = {i: one.p_value for i, one in enumerate(measured) if one.asked is not None}
    known = {i: p for i, p in deciding.items() if p is not None and np.isfinite(p)}
    p_values = np.array(list(known.values()), dtype=float)
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty_like(steps)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    at = dict(zip(known, adjusted.tolist(), strict=True))
    return tuple(_decided(one, at.get(i), alpha) for i, one in enumerate(measured))


def _decided(one: Measurement, adjusted: float | None, alpha: float) -> Measurement:
    if adjusted is None or one.asked is None:
        return one
    return replace(one, p_value=adjusted, drifted=adjusted < alpha and one.effect >= one.asked)


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
        f"{one.subject}: {one.statistic} {one.effect:.3g} seen, {one.asked:.3g} asked"
        for one in shown[:3]
    )
    lead = f"{lead} ({listed})" if listed else lead
    return Verdict(
        question="drift",
        outcome=outcome,
        reason=f"{lead}; {rows} against {reference.n:,}, {len(deciding)} questions",
        measurements=measured,
        details={
            "drifted": list(dict.fromkeys(one.subject for one in found)),
            "excluded": dict(excluded),
        },
    )


def _ranked(deciding: Sequence[Measurement]) -> list[Measurement]:
    """By how far the effect lies beyond what was asked, the farthest first."""
    return sorted(deciding, key=lambda one: one.effect / (one.asked or 1.0), reverse=True)


def _counted(found: Sequence[Measurement], reference: Profile) -> str:
    answers = {PROBABILITY, PREDICTION}
    names = {one.subject for one in found}
    features = {one.name for one in reference.bins.features} - answers
    scores = " and the model's answers" if names & answers else ""
    return f"{len(names - answers)} of {len(features)} features{scores} changed"


def _detectable(deciding: Sequence[Measurement]) -> str:
    """The largest blind spot of each statistic, in words."""
    blind: dict[str, float] = {}
    for one in deciding:
        seen = one.minimum_detectable_effect or 0.0
        blind[one.statistic] = max(blind.get(one.statistic, 0.0), seen)
    return ", ".join(f"{name} {effect:.2g}" for name, effect in blind.items())
