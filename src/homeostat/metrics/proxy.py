"""Proxy metrics: what the answers of a model look like, known without any label.

They are read from the profile of a window, so their cost does not grow with its rows.  All
values are plain numbers; None stands for what a window without answers cannot say.
"""

import math
from collections.abc import Mapping

import numpy as np

from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.errors import StateError
from homeostat.profile import FeatureProfile, Profile

__all__ = ["ENTROPY_BINS", "WINDOWS_H", "overall_stats", "time_windowed"]

#: Equal bins of [0, 1] over which the entropy of the scores is taken.
ENTROPY_BINS = 10

#: Lengths of the windows that `time_windowed` is customarily given, in hours.
WINDOWS_H = (1, 6, 24)

Stats = dict[str, int | float | None]


def overall_stats(profile: Profile) -> Stats:
    """Count, positive rate, and the distribution of the scores of one window.

    Mean and standard deviation (dividing by n) are those of the rows.  Median and quartiles
    are true to the width of the bin they fall in.  The entropy, in nats, is that of ten equal
    bins of [0, 1], over which each bin of the profile is spread evenly: between 0, all scores
    alike, and ln 10 = 2.303, evenly spread.  Where the reference has scores its bins are
    narrow and the entropy is true to about 0.01; well beyond them to about 0.1.

    Raises
    ------
    StateError
        When the profile does not count the model's answers.
    """
    scores, answers = _answers(profile)
    return {
        "num_predictions": profile.n,
        "positive_rate": _positive_rate(answers),
        "probability_mean": _number(scores.mean),
        "probability_std": _number(scores.std),
        "probability_median": _quantile(scores, 0.5),
        "probability_q25": _quantile(scores, 0.25),
        "probability_q75": _quantile(scores, 0.75),
        "entropy": _entropy(scores),
    }


def time_windowed(windows: Mapping[int, Profile]) -> dict[str, Stats]:
    """The short form of `overall_stats` for windows by their length in hours.

    Examples
    --------
    >>> from homeostat.bins import Bins
    >>> nothing = Profile.empty(Bins(()).with_scores(np.array([0.2, 0.7])))
    >>> time_windowed({1: nothing})["window_1H"]["count"]
    0
    """
    return {f"window_{hours}H": _short(windows[hours]) for hours in sorted(windows)}


def _short(profile: Profile) -> Stats:
    stats = overall_stats(profile)
    kept = ("positive_rate", "probability_mean", "probability_std", "entropy")
    return {"count": profile.n, **{name: stats[name] for name in kept}}


def _answers(profile: Profile) -> tuple[FeatureProfile, FeatureProfile]:
    lacking = [name for name in (PROBABILITY, PREDICTION) if name not in profile.bins.index]
    if lacking:
        raise StateError(
            f"the profile does not count {' and '.join(lacking)}; "
            "sum the window in the bins of a reference with scores"
        )
    return profile.feature(PROBABILITY), profile.feature(PREDICTION)


def _positive_rate(answers: FeatureProfile) -> float | None:
    known = int(answers.present.sum())
    positive = int(answers.counts[answers.bins.categories.index("1")])
    return positive / known if known else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _quantile(scores: FeatureProfile, share: float) -> float | None:
    value = scores.quantile(share)
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else None


def _entropy(scores: FeatureProfile) -> float | None:
    if not scores.present.sum():
        return None
    ends = np.concatenate(([0.0], np.clip(scores.bins.edges, 0, 1), [1.0]))
    until = np.concatenate(([0], np.cumsum(scores.present))) / scores.present.sum()
    tenths = np.interp(np.linspace(0, 1, ENTROPY_BINS + 1), ends, until)
    tenths[0], tenths[-1] = 0.0, 1.0
    shares = np.diff(tenths)
    return abs(float(np.sum(shares * np.log(np.where(shares > 0, shares, 1.0)))))
