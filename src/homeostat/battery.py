"""The questions that two profiles are asked, and what each answer is worth among the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from scipy.special import ndtri

from homeostat.bins import FeatureBins
from homeostat.joint import together
from homeostat.power import POWER
from homeostat.profile import FeatureProfile, Profile
from homeostat.statistics import STATISTICS, Distance, Levelled, Statistic
from homeostat.verdict import Measurement

__all__ = ["EFFECTS", "TOGETHER", "Asked", "corrected", "left_out", "measure", "weights"]

TOGETHER = "all features together"  #: the subject of what no single feature shows

#: The effect from which on a change matters, for each statistic that decides.  Location is in
#: standard deviations of normal scores, as is the joint one; spread 0.1 is 10 %; tail is in
#: deviations of its score; correlation is in Fisher's z; the others are shares of rows.
EFFECTS = {
    "location": 0.05,
    "spread": 0.10,
    "ks": 0.05,
    "tail": 0.15,
    "g": 0.05,
    "missing": 0.004,
    "unseen": 0.003,
    "correlation": 0.15,
    "joint_location": 0.15,
}

#: A feature whose share of missing values changed by more is not looked at with others: what
#: is missing counts as a middle value there.
MOST_GONE = 0.05

#: Nor are the correlations of one that moved by more deviations: its scores end at those of
#: the outermost levels, which a shift alone makes them reach more often.
MOST_MOVED = 0.25

#: Nor are those of one of which fewer rows than these have another value than its usual one:
#: a correlation that hangs on a handful of rows has no normal law.
FEWEST_OTHERS = 50

#: The part of the level that a question gets, beside 1 for all others.  So weighed that of the
#: changes planted in benchmarks/quality the one seen least often in time is seen the most
#: often; the question about all features has to find a little of it anywhere, and gets this
#: for each of them.
WEIGHTS = {
    "location": 50.0,
    "spread": 31.0,
    "ks": 1.0,
    "tail": 38.0,
    "g": 8.0,
    "missing": 7.0,
    "unseen": 6.0,
    "correlation": 4.0,
    "joint_location": 57.0,
}


#: In so many rows that an effect's p-value is smaller, what is seen of it hardly scatters.
LEAST_LEVEL = 1e-200


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of two profiles."""

    effects: Mapping[str, float]  #: the statistics that decide, and from which effect on
    min_rows: int  #: fewer values and only the share of the missing is asked
    alpha: float  #: chance that anything is called changed when nothing is
    detectable: bool = True  #: whether to say what could have been seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    subject: str
    statistic: str
    asked: float | None
    rows: tuple[int, int]
    distance: Callable[[], Distance]
    detectable: Callable[[float], float | None]
    partner: str | None = None

    def answer(self, alpha: float, *, detectable: bool) -> Measurement:
        """What is seen, and what could have been seen at this level."""
        distance = self.distance()
        return Measurement(
            subject=self.subject,
            statistic=self.statistic,
            value=distance.value,
            p_value=distance.p_value,
            effect=distance.size,
            asked=self.asked,
            minimum_detectable_effect=self.detectable(alpha) if detectable else None,
            n_reference=self.rows[0],
            n_current=self.rows[1],
            partner=self.partner,
        )


def _detectable(
    statistic: Statistic,
    sides: tuple[FeatureProfile, FeatureProfile],
    asked: float | None,
    alpha: float,
) -> float | None:
    """The effect that is both significant and as large as asked in 80 of 100 windows."""
    if asked and isinstance(statistic, Levelled):
        level = statistic.level(*sides, asked)
        if level > LEAST_LEVEL:
            return statistic.detectable(*sides, min(alpha, level))
    return _shifted(partial(statistic.detectable, *sides), asked, alpha)


def _shifted(
    significant: Callable[[float], float | None], asked: float | None, alpha: float
) -> float | None:
    """The same where what is seen scatters round what is there as a mean does.

    By the share of what is significant that the level and the power of 0.8 leave; so at the
    size asked for a change is found in every second window only.
    """
    seen = significant(alpha)
    if seen is None:
        return None
    power = float(ndtri(POWER))
    spread = seen / (float(ndtri(1 - alpha / 2)) + power)
    return max(seen, (asked or 0.0) + power * spread)


def weights(statistics: Sequence[str]) -> list[float]:
    """What each of these questions gets of the level, by its statistic, as a multiple of the least.

    Examples
    --------
    >>> weights(["location", "location", "missing", "joint_location"])
    [50.0, 50.0, 7.0, 114.0]
    """
    several = max(1, statistics.count("location"))
    return [
        WEIGHTS.get(one, 1.0) * (several if one == "joint_location" else 1) for one in statistics
    ]


def left_out(reference: Profile, current: Profile, min_rows: int) -> dict[str, str]:
    """The features of which too few rows have a value to be compared, and why, in words."""
    return {
        now.bins.name: f"{int(one.present.sum()):,} values in the {side}, {min_rows:,} asked"
        for before, now in zip(reference.parts, current.parts, strict=True)
        for side, one in (("window", now), ("reference", before))
        if one.present.sum() < min_rows
    }


def measure(
    reference: Profile, current: Profile, asked: Asked, *, deciding: bool = True
) -> list[Measurement]:
    """The answers to all questions that decide, or to all others.

    P-values are those of the question alone.  The minimum detectable effect is at the part
    of ``asked.alpha`` that the question gets; None unless ``asked.detectable``.
    """
    excluded = left_out(reference, current, asked.min_rows)

    def wanted(statistic: str) -> bool:
        return (statistic in asked.effects) is deciding

    questions = list(_by_feature(reference, current, asked, excluded, wanted))
    if any(wanted(one) for one in ("correlation", "joint_location")):
        joint = _jointly(reference, current, asked, excluded)
        questions += [one for one in joint if wanted(one.statistic)]
    parts = weights([one.statistic for one in questions])
    each = asked.alpha / (sum(parts) if deciding and parts else 1.0)
    return [
        one.answer(each * part, detectable=asked.detectable)
        for one, part in zip(questions, parts, strict=True)
    ]


def corrected(measured: Sequence[Measurement], alpha: float) -> tuple[Measurement, ...]:
    """The measurements with corrected p-values, and which of them show a change at `alpha`.

    Holm's correction with weights.  What is only reported is left as it is and costs nothing;
    what should decide but has no p-value is left as it is: it cannot be told.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2), section 3.
    """
    known = [
        (i, one.p_value)
        for i, one in enumerate(measured)
        if one.asked is not None and one.p_value is not None and np.isfinite(one.p_value)
    ]
    places = np.array([i for i, _ in known], dtype=int)
    p_values = np.array([p_value for _, p_value in known], dtype=float)
    parts = np.array(weights([measured[i].statistic for i in places]), dtype=float)
    order = np.argsort(p_values / parts, kind="stable")
    remaining = np.cumsum(parts[order][::-1])[::-1]
    steps = p_values[order] * remaining / parts[order]
    adjusted = dict(
        zip(
            places[order].tolist(),
            np.minimum(1.0, np.maximum.accumulate(steps)).tolist(),
            strict=True,
        )
    )
    return tuple(_decided(one, adjusted.get(i), alpha) for i, one in enumerate(measured))


def _decided(one: Measurement, adjusted: float | None, alpha: float) -> Measurement:
    if adjusted is None or one.asked is None:
        return one
    return replace(one, p_value=adjusted, drifted=adjusted < alpha and one.effect >= one.asked)


@cache
def _battery() -> dict[str, Statistic]:
    return {name: make() for name, make in STATISTICS.items()}


def _applying(bins: FeatureBins, *, excluded: bool) -> list[str]:
    """The statistics that apply; of an excluded feature only the share of the missing."""
    if excluded:
        return ["missing"]
    return [name for name, one in _battery().items() if one.applies(bins)]


def _by_feature(
    reference: Profile,
    current: Profile,
    asked: Asked,
    excluded: Mapping[str, str],
    wanted: Callable[[str], bool],
) -> Iterator[_Question]:
    for before, now in zip(reference.parts, current.parts, strict=True):
        subject = before.bins.name
        for name in _applying(before.bins, excluded=subject in excluded):
            if wanted(name):
                statistic = _battery()[name]
                yield _Question(
                    subject=subject,
                    statistic=name,
                    asked=asked.effects.get(name),
                    rows=(before.n, now.n),
                    distance=partial(statistic.distance, before, now),
                    detectable=partial(
                        _detectable, statistic, (before, now), asked.effects.get(name)
                    ),
                )


def _jointly(
    reference: Profile, current: Profile, asked: Asked, excluded: Mapping[str, str]
) -> Iterator[_Question]:
    """The questions about several features; those whose values went missing are left out."""
    gone = {
        before.bins.name
        for before, now in zip(reference.parts, current.parts, strict=True)
        if abs(before.missing / before.n - now.missing / now.n) > MOST_GONE
    }
    both = together(reference, current, without=gone | set(excluded))
    rows = (reference.n, current.n)
    unsteady = {*both.moved_by(MOST_MOVED), *_nearly_constant(reference, current)}
    steady = together(reference, current, without=gone | set(excluded) | unsteady)
    for subject, change in steady.correlations().items():
        yield _Question(
            subject=subject,
            statistic="correlation",
            asked=asked.effects.get("correlation"),
            rows=rows,
            distance=partial(_given, change.distance),
            detectable=partial(_shifted, change.detectable, asked.effects.get("correlation")),
            partner=change.partner,
        )
    if len(both.compared) > 1:
        yield _Question(
            subject=TOGETHER,
            statistic="joint_location",
            asked=asked.effects.get("joint_location"),
            rows=rows,
            distance=both.moved,
            detectable=partial(
                _shifted, both.moved_detectable, asked.effects.get("joint_location")
            ),
        )


def _nearly_constant(reference: Profile, current: Profile) -> list[str]:
    """The features of which hardly a row of a window has another value than the usual one."""
    return [
        before.bins.name
        for before in reference.parts
        if current.n * (1 - before.counts.max(initial=0) / before.n) < FEWEST_OTHERS
    ]


def _given(distance: Distance) -> Distance:
    return distance
