"""A drift of known size in a copy of a window, to see whether it is seen."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from homeostat.bins import PREDICTION, PROBABILITY, pair_places
from homeostat.profile import SQUARES, SUM, Counts, FeatureProfile, Profile, full_matrix
from homeostat.statistics import STATISTICS, grouped, normal_scores
from homeostat.verdict import Outcome, Verdict

__all__ = ["CANARY", "Shift", "judge_canary", "planted", "shifted"]

CANARY = "canary"  #: the question

#: Halvings of the amount that is moved, until it is known to a millionth.
HALVINGS = 20

Judge = Callable[[Profile], Verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What is to be planted."""

    feature: str
    statistic: str  #: in whose unit the effect is
    effect: float


def judge_canary(judge: Judge, reference: Profile, window: Profile, *, turn: int) -> Verdict:
    """Whether the judge sees the smallest change of one feature that it says it would see.

    The feature is moved until it lies so far from the reference as the judge said it would
    see in 80 of 100 windows.  What chance does to a window is in that distance already, so a
    judge that keeps its word sees it every time.

    Parameters
    ----------
    judge
        The one that judges the stream; it keeps nothing of what it is shown.
    turn
        Its number.  With each turn it is the next feature's.

    Returns
    -------
    Verdict
        ``question`` "canary".  PASS when the change was seen, FAIL with what was not seen;
        INCONCLUSIVE when the window cannot be judged, or no feature can be changed so that it
        shows: because all have drifted already, for one.  ERROR when the judge could not look.
    """
    before = judge(window)
    if before.outcome in {Outcome.INCONCLUSIVE, Outcome.ERROR}:
        return Verdict(question=CANARY, outcome=before.outcome, reason=before.reason)
    for shift in _in_turn(before, turn):
        changed = planted(reference, window, shift)
        if changed is not None:
            return _verdict(shift, judge(changed), before)
    reason = "no feature can be changed so that it shows: all have drifted, or hold one value"
    return Verdict(question=CANARY, outcome=Outcome.INCONCLUSIVE, reason=reason)


def planted(reference: Profile, window: Profile, shift: Shift) -> Profile | None:
    """The window with the least change of one feature whose effect is at least that asked.

    None when no change of this kind is so large.
    """
    place = window.bins.index[shift.feature]
    before, part = reference.parts[place], window.parts[place]
    move = _upwards(before, part) if part.bins.kind.is_numeric else _across(before, part)
    distance = STATISTICS[shift.statistic]().distance

    def enough(amount: float) -> bool:
        made = FeatureProfile(part.bins, move(amount), part.moments)
        return distance(before, made).size >= shift.effect

    least, most = 0.0, 1.0
    if not enough(most):
        return None
    for _ in range(HALVINGS):
        middle = (least + most) / 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return shifted(window, shift.feature, move(most))


def shifted(window: Profile, feature: str, counts: Counts) -> Profile:
    """The window with other counts of one feature, and all else as it follows from them.

    What the feature has in common with others stays: it moves by the same wherever they are.
    """
    bins, place = window.bins, window.bins.index[feature]
    start, end = bins.offsets[place], bins.offsets[place + 1]
    all_counts = window.counts.copy()
    all_counts[start:end] = counts
    moments = window.moments.copy()
    if bins.features[place].kind.is_numeric:
        more = (counts - window.counts[start:end])[:-1]
        positions = bins.features[place].positions
        moments[place, SUM] += float(more @ positions)
        moments[place, SQUARES] += float(more @ positions**2)
    return Profile(bins, all_counts, moments, _joint(window, all_counts, place))


def _joint(window: Profile, counts: Counts, place: int) -> Counts:
    bins = window.bins
    if place not in bins.watched:
        return window.joint
    i, width = bins.watched.index(place), len(bins.watched)
    table = bins.score_table.astype(float)
    sums = np.add.reduceat(table * window.counts, bins.offsets[:-1])[list(bins.watched)]
    start, end = bins.offsets[place], bins.offsets[place + 1]
    scores, now = table[start:end], counts[start:end]
    joint = full_matrix(window.joint.astype(float), width)
    moved = (scores @ now - sums[i]) / max(window.n, 1)
    joint[i, :] += moved * sums
    joint[:, i] = joint[i, :]
    joint[i, i] = scores**2 @ now
    return np.rint(joint[pair_places(width)]).astype(np.int64)


def _in_turn(before: Verdict, turn: int) -> Iterator[Shift]:
    """What may be planted, that of this turn first."""
    found = [
        one
        for one in before.measurements
        if one.statistic in {"location", "g"} and one.subject not in {PROBABILITY, PREDICTION}
    ]
    for i in range(len(found)):
        one = found[(turn + i) % len(found)]
        seen = one.minimum_detectable_effect
        if seen is not None and one.subject not in before.details.get("drifted", ()):
            yield Shift(feature=one.subject, statistic=one.statistic, effect=seen)


def _upwards(before: FeatureProfile, part: FeatureProfile) -> Callable[[float], Counts]:
    """Raises the normal score of every row; at 1 all are at the end."""
    scores = normal_scores(before).values
    held = np.flatnonzero(before.present)
    known = scores[held]

    def move(amount: float) -> Counts:
        counts = np.zeros_like(part.counts)
        counts[-1] = part.counts[-1]
        wanted = np.clip(scores + amount * (known[-1] - known[0]), known[0], known[-1])
        above = np.clip(np.searchsorted(known, wanted), 1, len(known) - 1)
        share = (wanted - known[above - 1]) / (known[above] - known[above - 1])
        up = np.rint(share * part.present).astype(np.int64)
        np.add.at(counts, held[above], up)
        np.add.at(counts, held[above - 1], part.present - up)
        return counts

    return move


def _across(before: FeatureProfile, part: FeatureProfile) -> Callable[[float], Counts]:
    """Moves rows from the largest category to the next, as far as it has any.

    Where there are more than two, from the one of both that has lost already.
    """
    p = before.present / max(1, int(before.present.sum()))
    q = part.present / max(1, int(part.present.sum()))
    source, target = np.argsort(-p, kind="stable")[:2].tolist()
    if len(grouped(before, part)[0]) > 2 and q[source] - p[source] > q[target] - p[target]:
        source, target = target, source

    def move(amount: float) -> Counts:
        counts = part.counts.copy()
        rows = round(amount * int(counts[source]))
        counts[source] -= rows
        counts[target] += rows
        return counts

    return move


def _verdict(shift: Shift, after: Verdict, before: Verdict) -> Verdict:
    about = [one for one in after.measurements if one.subject == shift.feature]
    shown = next((one for one in about if one.drifted), None)
    same = next(one for one in about if one.statistic == shift.statistic)
    seen = shift.feature in after.details.get("drifted", ())
    size = f"{shift.statistic} {shift.effect:.3g}"
    rows = f"over {same.n_current:,} rows"
    if seen:
        by = shown.statistic if shown else "all together"
        reason = f"a change of {shift.feature} to {size} was planted and seen by {by}, {rows}"
    else:
        chance = "no p-value" if same.p_value is None else f"p {same.p_value:.2g}"
        reason = (
            f"a change of {shift.feature} to {size} was planted and not seen: "
            f"{same.effect:.3g} measured, {same.asked or 0.0:.3g} asked, {chance}, {rows}"
        )
    return Verdict(
        question=CANARY,
        outcome=Outcome.PASS if seen else Outcome.FAIL,
        reason=reason,
        measurements=tuple(about),
        details={
            "feature": shift.feature,
            "statistic": shift.statistic,
            "effect": shift.effect,
            "before": before.outcome.value,
        },
    )
