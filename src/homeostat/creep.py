"""Slow creep: shifts too small for any window, added up against the original reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, inf, log
from typing import Any

import numpy as np
from scipy.special import ndtri

from homeostat.power import POWER
from homeostat.profile import FeatureProfile, Profile
from homeostat.statistics import Scores, normal_scores
from homeostat.usual import INDEPENDENT, Name, Noise
from homeostat.verdict import Measurement

__all__ = ["CREEP", "HORIZON", "LOCATION", "Creeping", "Sum", "crept", "measured_creep"]

CREEP = "creep"  #: the name of the statistic
LOCATION = "location"  #: the one whose effect and noise it shares

#: The mean of the reference is known to so many of its standard errors: no bias that it may
#: have adds up.
REFERENCE_Z = 3.0

#: Fewer windows are no creep: one odd day, or a weekend, is for the windows to judge.
LEAST_WINDOWS = 3

#: How far beyond what is needed evidence is kept: a mended creep is over as many windows
#: later as it takes to undo it.
SPARE = 3.0

#: Windows to come within which the minimum detectable effect would be seen.
HORIZON = 28


@dataclass(frozen=True, slots=True)
class Sum:
    """The evidence that a feature moves one way, since there was last none."""

    evidence: float = 0.0  #: logarithm of a likelihood ratio, at least 0
    windows: int = 0
    rows: int = 0
    shift: float = 0.0  #: mean over these rows, in deviations, positive the way it is looked for

    def after(self, shift: float, rows: int, gain: float, most: float) -> "Sum":
        """With one more window, which changes the evidence by `gain`, and no more than `most`."""
        evidence = self.evidence + gain
        if evidence <= 0:
            return Sum()
        total = self.rows + rows
        mean = self.shift + (shift - self.shift) * rows / total
        return Sum(min(evidence, most), self.windows + 1, total, mean)


@dataclass(frozen=True, slots=True)
class Creeping:
    """What is known of one feature."""

    up: Sum = field(default_factory=Sum)
    down: Sum = field(default_factory=Sum)
    worth: float = 0.0  #: independent rows that the last window was worth

    def to_list(self) -> list[Any]:
        """Plain data, shorter than a table of names."""
        sums = [
            [round(one.evidence, 4), one.windows, one.rows, round(one.shift, 5)]
            for one in (self.up, self.down)
        ]
        return [*sums, round(self.worth, 2)]

    @classmethod
    def from_list(cls, plain: Sequence[Any]) -> "Creeping":
        """What `to_list` wrote."""
        return cls(Sum(*plain[0]), Sum(*plain[1]), plain[2])


def crept(
    known: Mapping[str, Creeping],
    sides: tuple[Profile, Profile],
    noise: Mapping[Name, Noise],
    *,
    asked: float,
    alpha: float,
) -> dict[str, Creeping]:
    r"""The evidence after one more window that none before it overlaps.

    A cumulative sum of likelihood ratios: of the reference's normal scores :math:`a` against
    the same law tilted so that their mean is about twice the effect asked for,

    .. math:: S \leftarrow \max(0, S + \tfrac{n}{f} (\theta \bar a - K(\theta))), \quad
              K(\theta) = \ln \sum_i p_i e^{\theta a_i}

    for :math:`\theta = \pm 2` times that effect, where f is how much noisier than independent
    rows the feature is.  While nothing has changed such a ratio is 1 on average, so S reaches
    h not more often than once in :math:`e^h` windows, whatever the feature's distribution.

    Parameters
    ----------
    sides
        The original reference and the window.
    noise
        Of the questions in windows of this length.
    asked
        Shift from which on a creep matters, in deviations.
    alpha
        Chance that a window makes anything seem to creep when nothing does.

    References
    ----------
    Page (1954), Biometrika 41; the bound: Lorden (1971), Annals of Mathematical Statistics
    42(6), theorem 2.
    """
    pairs = [
        (before, now)
        for before, now in zip(sides[0].parts, sides[1].parts, strict=True)
        if before.bins.kind.is_numeric and before.present.any() and normal_scores(before).known
    ]
    most = _needed(len(pairs), alpha) + SPARE
    found = {}
    for before, now in pairs:
        name = before.bins.name
        one = known.get(name, Creeping())
        rows = int(now.present.sum())
        if rows:
            scores = normal_scores(before)
            mean = float(scores.values @ now.present) / rows
            worth = rows / noise.get((name, LOCATION), INDEPENDENT).factor
            up, down = (
                side.after(way * mean, rows, worth * _gain(scores, way, mean, asked), most)
                for side, way in ((one.up, 1), (one.down, -1))
            )
            one = Creeping(up, down, worth)
        found[name] = one
    return found


def measured_creep(
    known: Mapping[str, Creeping], reference: Profile, *, asked: float, alpha: float
) -> list[Measurement]:
    """What has been added up, as one measurement for each feature that could be looked at.

    The p-value is the chance that a window brings so much evidence for any feature while
    nothing changes.  The minimum detectable effect is the shift that `HORIZON` more windows
    like the last show 4 times in 5, from no evidence on.
    """
    return [
        _measured(known[part.bins.name], part, len(known), asked=asked, alpha=alpha)
        for part in reference.parts
        if part.bins.name in known and known[part.bins.name].worth
    ]


def _measured(
    one: Creeping, reference: FeatureProfile, features: int, *, asked: float, alpha: float
) -> Measurement:
    side = max(one.up, one.down, key=lambda side: side.evidence)
    scores = normal_scores(reference)
    p_value = min(1.0, 2 * features * exp(-side.evidence))
    effect = max(0.0, side.shift)
    rows = HORIZON * one.worth
    theta = 2 * asked
    scatter = float(ndtri(POWER)) * theta * rows**0.5
    slope = (_needed(features, alpha) + scatter) / rows
    return Measurement(
        subject=reference.bins.name,
        statistic=CREEP,
        value=side.evidence,
        p_value=p_value,
        effect=effect,
        asked=asked,
        minimum_detectable_effect=_bias(scores) + (_cumulant(scores, theta) + slope) / theta,
        n_reference=reference.n,
        n_current=side.rows,
        drifted=p_value < alpha and effect >= asked and side.windows >= LEAST_WINDOWS,
    )


def _needed(features: int, alpha: float) -> float:
    """The evidence at which one of so many features, either way, counts as creeping."""
    return log(2 * max(1, features) / alpha) if alpha > 0 else inf


def _gain(scores: Scores, way: int, mean: float, asked: float) -> float:
    """What a row adds to the evidence for one way, the bias of the reference taken off."""
    theta = 2 * asked
    return float(theta * (way * mean - _bias(scores))) - _cumulant(scores, way * theta)


def _bias(scores: Scores) -> float:
    return float(REFERENCE_Z / scores.rows**0.5)


@lru_cache(maxsize=1024)
def _cumulant(scores: Scores, theta: float) -> float:
    """The logarithm of the reference's mean of exp(theta times the score)."""
    return float(np.log(scores.weights @ np.exp(theta * scores.atoms) / scores.rows))
