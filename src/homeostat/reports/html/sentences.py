"""A measurement in plain words: what was seen, from how much on it counts, what to do."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from homeostat.profile import FeatureProfile
from homeostat.reports import Finding, State
from homeostat.reports.html import words
from homeostat.reports.html.bars import quantile
from homeostat.statistics import normal_scores
from homeostat.statistics.unit import LEAST_FACTOR, unit_factor
from homeostat.verdict import Measurement

__all__ = ["advice", "amount", "could_see", "nearest", "seen"]

_SHARES = frozenset({"ks", "g", "missing", "unseen", "tv", "constant"})
_DEVIATIONS = frozenset({"location", "creep", "mean_shift", "joint_location", "wasserstein"})

#: In the order in which they are told; the first ones are the easiest to understand.
_ORDER = ("missing", "unseen", "location", "creep", "spread", "g", "correlation", "tail", "ks")

#: Told only when none of the first ones is: each says less exactly what another one says.
_IMPLIED = {
    "ks": {"location", "spread", "tail"},
    "tail": {"location", "spread"},
    "creep": {"location"},
}


def amount(statistic: str, effect: float | None) -> str:
    """An effect with its unit.

    Examples
    --------
    >>> [amount(name, 0.25) for name in ("location", "spread", "g", "correlation")]
    ['0.25 standard deviations', '25%', '25.0%', '0.25 (Fisher’s z)']
    """
    if effect is None or not math.isfinite(effect):
        return "an unknown amount"
    if statistic in _SHARES:
        return words.share(effect)
    if statistic in _DEVIATIONS:
        return f"{words.number(effect, 2)} standard deviations"
    if statistic == "spread":
        return f"{words.number(100 * effect, 2)}%"
    if statistic == "tail":
        return f"{words.number(effect, 2)} (score of tails)"
    if statistic == "correlation":
        return f"{words.number(effect, 2)} (Fisher’s z)"
    if statistic == "domain_classifier":
        return f"{words.number(effect, 2)} AUC beyond guessing"
    return f"{words.number(effect)} ({statistic})"


def seen(
    finding: Finding, reference: FeatureProfile, current: FeatureProfile
) -> list[tuple[str, str]]:
    """A sentence for each question that shows a change, and from how much on it counts."""
    shown = {one.statistic: one for one in finding.tests if one.drifted}
    told = _questions(shown, reference)
    factor = _factor(reference, current) if shown else None
    if factor is None:
        return [_line(_Told(one, reference, current)) for one in told]
    # It says all at once what the questions about values say one by one.
    way = f"{'multiplied' if factor > 1 else 'divided'} by about {_rounded(factor)}"
    others = [one for one in told if one.statistic == "missing"]
    return [
        (f"The whole middle was {way}.", f"a factor of {words.number(LEAST_FACTOR)}"),
        *(_line(_Told(one, reference, current)) for one in others),
    ]


def _questions(shown: Mapping[str, Measurement], reference: FeatureProfile) -> list[Measurement]:
    """Those that say something of their own, the plainest first."""
    implied = dict(_IMPLIED)
    if np.count_nonzero(reference.present) <= 2:
        implied["spread"] = {"location"}  # of two values the spread follows from the mean
    told = [one for name, one in shown.items() if not implied.get(name, set()) & set(shown)]
    order = {name: i for i, name in enumerate(_ORDER)}
    told.sort(key=lambda one: order.get(one.statistic, len(order)))
    return told


def advice(finding: Finding, reference: FeatureProfile, current: FeatureProfile) -> str:
    """What the reader should do about a column in particular; empty for nothing."""
    if finding.state is not State.CHANGED:
        return ""
    if _factor(reference, current) is not None:
        return "See whether the unit changed at the source."
    names = {one.statistic for one in finding.tests if one.drifted}
    if current.missing * reference.n <= reference.missing * current.n:
        names.discard("missing")
    return next((text for name, text in _ADVICE.items() if name in names), "")


_ADVICE = {
    "missing": "Look at what fills this column: the form, the join, the default.",
    "unseen": (
        "See what the new values are: another spelling, another unit, or something that is "
        "really new.  A model has never learnt them."
    ),
    "correlation": (
        "See whether two columns were swapped, or joined to other rows.  If not, the relation "
        "itself changed."
    ),
}


def _line(told: "_Told") -> tuple[str, str]:
    return _sentence(told), amount(told.one.statistic, told.one.asked)


def _rounded(factor: float) -> str:
    """A factor to the one digit that is known of it."""
    return words.number(float(f"{max(factor, 1 / factor):.1g}"))


def _factor(reference: FeatureProfile, current: FeatureProfile) -> float | None:
    return unit_factor(reference, current) if reference.present.any() else None


def nearest(finding: Finding) -> str:
    """For a column without a change: the largest difference, beside what would matter."""
    main = finding.main
    if main is None or not main.asked or not main.effect:
        return ""
    seen_here = f"{_called(main)} {amount(main.statistic, main.effect)}"
    if main.effect >= main.asked:
        return f"{seen_here}, which chance explains"
    return f"{seen_here}; it counts from {amount(main.statistic, main.asked)} on"


def could_see(findings: Iterable[Finding]) -> str:
    """What four of five such samples would have shown in each of some columns.

    What changed is left out; of several columns the one counts that shows least.
    """
    least: dict[str, Measurement] = {}
    for one in (test for finding in findings for test in finding.tests):
        if one.asked and one.minimum_detectable_effect is not None and not one.drifted:
            known = least.get(one.statistic, one)
            least[one.statistic] = max(known, one, key=_detectable)
    order = {name: i for i, name in enumerate(CALLED)}
    told = sorted(least.values(), key=lambda one: order.get(one.statistic, len(order)))
    return ", ".join(f"{_called(one)} {amount(one.statistic, _detectable(one))}" for one in told)


def _detectable(one: Measurement) -> float:
    return max(one.minimum_detectable_effect or 0.0, one.asked or 0.0)


def _called(one: Measurement) -> str:
    return CALLED.get(one.statistic, one.statistic)


CALLED = {
    "location": "a shift by",
    "creep": "a slow creep by",
    "spread": "a spread changed by",
    "ks": "distributions apart by",
    "tail": "other tails by",
    "g": "categories moved by",
    "missing": "missing values by",
    "unseen": "unseen values by",
    "correlation": "a correlation changed by",
    "joint_location": "all columns moved by",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """A measurement, with the two profiles that it is of."""

    one: Measurement
    before: FeatureProfile
    now: FeatureProfile

    @property
    def sides(self) -> tuple[FeatureProfile, FeatureProfile]:
        return self.before, self.now


def _sentence(told: _Told) -> str:
    tell = _TELL.get(told.one.statistic)
    return tell(told) if tell else f"{told.one.statistic} is {words.number(told.one.effect)}."


def _location(told: _Told) -> str:
    up = normal_scores(told.before).values @ told.now.present > 0
    return (
        f"The values moved {'up' if up else 'down'} by "
        f"{amount('location', told.one.effect)}{_middles(*told.sides)}."
    )


def _creep(told: _Told) -> str:
    return (
        f"The values crept away from the reference, by {amount('creep', told.one.effect)} over "
        f"{told.one.n_current:,} rows."
    )


def _middles(before: FeatureProfile, now: FeatureProfile) -> str:
    """Where the middle was and is, by the first figure that shows it."""
    medians = [quantile(side, 0.5) for side in (before, now)]
    means = [side.mean for side in (before, now)]
    for name, pair in (("median", medians), ("mean", means)):
        first, second = words.numbers(pair)
        if first != second:
            return f": the {name} was {first} and is {second}"
    return ""


def _spread(told: _Told) -> str:
    scores = normal_scores(told.before).values
    share = told.now.present / told.now.present.sum()
    wider = share @ scores**2 - (share @ scores) ** 2 > 1
    way = "further apart" if wider else "closer together"
    log_ratio = told.one.effect if wider else -told.one.effect
    moved = f"{words.number(100 * abs(math.expm1(log_ratio)), 2)}% {way}"
    for part in (50, 80, 90):
        ends = (0.5 - part / 200, 0.5 + part / 200)
        values = [quantile(side, end) for side in told.sides for end in ends]
        if (values[3] - values[2] > values[1] - values[0]) == wider:
            shown = words.numbers(values)
            was, now = " to ".join(shown[:2]), " to ".join(shown[2:])
            return f"The values lie {moved}: the middle {part}% was {was} and is {now}."
    # A shift along a skewed scale widens the one and narrows the other.
    return f"Measured in ranks of the reference, the values lie {moved}."


def _ks(told: _Told) -> str:
    f, g = (np.cumsum(side.present) / side.present.sum() for side in told.sides)
    i = int(np.abs(f - g)[: len(told.before.bins.edges)].argmax())
    at = words.number(told.before.bins.edges[i], 4)
    return (
        f"The distributions are {words.share(told.one.effect)} of the rows apart: below {at} were "
        f"{words.share(float(f[i]))} and are {words.share(float(g[i]))}."
    )


def _tail(told: _Told) -> str:
    before, now = (words.share(_extreme(told.before, side)) for side in told.sides)
    return (
        f"The ends of the distribution changed their shape: of the values {before} lay beyond the "
        f"middle 98% of the reference, now {now} do."
    )


def _extreme(reference: FeatureProfile, side: FeatureProfile) -> float:
    below = np.cumsum(reference.present) / reference.present.sum()
    outer = (below <= 0.01) | (np.append(0.0, below[:-1]) >= 0.99)
    return float(side.present[outer].sum() / max(side.present.sum(), 1))


def _g(told: _Told) -> str:
    p, q = (side.present / side.present.sum() for side in told.sides)
    names = [*told.before.bins.categories, "not seen before"]
    order = np.argsort(-np.abs(q - p), kind="stable")[:2]
    before, now = ([words.share(float(side[i])) for i in order] for side in (p, q))
    most = " and ".join(
        f"{words.short(names[i], 40)!r} from {was} to {is_}"
        for i, was, is_ in zip(order, before, now, strict=True)
        if was != is_
    )
    return f"The mix of categories moved by {words.share(told.one.effect)}: {most}."


def _missing(told: _Told) -> str:
    p, q = (side.missing / side.n for side in told.sides)
    way = "rose" if q > p else "fell"
    return f"Missing values {way} from {words.share(p)} to {words.share(q)}."


def _unseen(told: _Told) -> str:
    mask = told.before.bins.out_of_range
    part = words.share(float(told.now.present[mask].sum() / max(told.now.present.sum(), 1)))
    if not told.before.bins.kind.is_numeric:
        return f"{part} of the values are categories that the reference never held."
    low, high = words.numbers([told.before.bins.low or 0.0, told.before.bins.high or 0.0])
    return f"{part} of the values lie outside the reference’s range, {low} to {high}."


def _correlation(told: _Told) -> str:
    partner = f" with {words.short(told.one.partner, 60)}" if told.one.partner else ""
    return f"Its correlation{partner} changed by {amount('correlation', told.one.effect)}."


_TELL: Mapping[str, Callable[[_Told], str]] = {
    "location": _location,
    "creep": _creep,
    "spread": _spread,
    "ks": _ks,
    "tail": _tail,
    "g": _g,
    "missing": _missing,
    "unseen": _unseen,
    "correlation": _correlation,
}
