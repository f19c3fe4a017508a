"""What is compared, by homeostat and by SciPy on the rows themselves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

import homeostat
from benchmarks.agreement.samples import Pair
from homeostat.bins import QUANTILES

__all__ = ["MEASURES", "Measure", "by_scipy", "measured", "ours"]

Rows = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One distance, with what binning may move it by."""

    statistic: str  #: as homeostat calls it
    shown: str  #: and in words
    numeric: bool | None  #: for numbers only, for text only, or for both
    value: Callable[[Rows, Rows], float]  #: by SciPy, of the rows
    error: float  #: at most so far from that of the rows
    relative: float = 0.0  #: and beyond it so much of the value
    effect: bool = False  #: homeostat's effect is meant, not the value


def measured(pair: Pair) -> Iterator[tuple[str, Measure]]:
    """Which columns are compared by which measure."""
    for name, kind in pair.reference.schema.items():
        for one in MEASURES:
            if one.numeric is None or one.numeric == kind.is_numeric():
                yield name, one


def ours(pair: Pair) -> dict[tuple[str, str], float]:
    """Every value of `homeostat.compare`, by column and by what the table calls it."""
    features = homeostat.compare(pair.reference, pair.current).to_dict()["features"]
    found = {}
    for column, one in measured(pair):
        seen = {each["statistic"]: each for each in features[column]["measurements"]}
        found[column, one.shown] = seen[one.statistic]["effect" if one.effect else "value"]
    return found


def by_scipy(pair: Pair) -> dict[tuple[str, str], float]:
    """The same from the rows."""
    return {
        (column, one.shown): one.value(_rows(pair.reference[column]), _rows(pair.current[column]))
        for column, one in measured(pair)
    }


def _rows(column: pl.Series) -> Rows:
    """Floats, or text."""
    return column.cast(pl.Float64).to_numpy() if column.dtype.is_numeric() else column.to_numpy()


def _shares(reference: Rows, current: Rows) -> tuple[Rows, Rows]:
    """By deciles of the reference, or by category."""
    if reference.dtype.kind == "f":
        cuts = np.unique(np.quantile(reference, np.linspace(0.1, 0.9, 9), method="inverted_cdf"))
        groups = [np.searchsorted(cuts, side) for side in (reference, current)]
    else:
        names = np.unique(np.concatenate((reference, current)))
        groups = [np.searchsorted(names, side) for side in (reference, current)]
    size = 1 + max(int(side.max()) for side in groups)
    p, q = (np.bincount(side, minlength=size) / len(side) for side in groups)
    return p, q


def _psi(reference: Rows, current: Rows) -> float:
    p, q = _shares(reference, current)
    return float(stats.entropy(p, q) + stats.entropy(q, p))


def _js(reference: Rows, current: Rows) -> float:
    return float(distance.jensenshannon(*_shares(reference, current), base=2))


def _hellinger(reference: Rows, current: Rows) -> float:
    p, q = _shares(reference, current)
    return float(distance.euclidean(np.sqrt(p), np.sqrt(q)) / np.sqrt(2))


def _tv(reference: Rows, current: Rows) -> float:
    return float(distance.cityblock(*_shares(reference, current)) / 2)


def _contingency(
    reference: Rows, current: Rows, law: Literal["pearson", "log-likelihood"]
) -> float:
    table = stats.contingency.crosstab(
        np.repeat([0, 1], [len(reference), len(current)]), np.concatenate((reference, current))
    )
    found = stats.chi2_contingency(np.asarray(table.count), correction=False, lambda_=law)
    return float(found.statistic)


def _ks(reference: Rows, current: Rows) -> float:
    return float(stats.ks_2samp(reference, current, method="asymp").statistic)


def _wasserstein(reference: Rows, current: Rows) -> float:
    return float(stats.wasserstein_distance(reference, current) / reference.std())


def _mean_shift(reference: Rows, current: Rows) -> float:
    return float(abs(current.mean() - reference.mean()) / reference.std())


def _variance_ratio(reference: Rows, current: Rows) -> float:
    return float(abs(np.log(stats.tvar(current) / stats.tvar(reference))))


#: A quantile bin holds 1/256 of the reference.
BIN = 1 / QUANTILES

MEASURES = (
    Measure(statistic="ks", shown="KS", numeric=True, value=_ks, error=BIN),
    Measure(
        statistic="wasserstein",
        shown="Wasserstein / s",
        numeric=True,
        value=_wasserstein,
        error=0.01,
    ),
    Measure(
        statistic="mean_shift",
        shown="mean shift / s",
        numeric=True,
        value=_mean_shift,
        error=1e-9,
        effect=True,
    ),
    Measure(
        statistic="variance_ratio",
        shown="ln variance ratio",
        numeric=True,
        value=_variance_ratio,
        error=0.5e-3,
    ),
    Measure(statistic="psi", shown="PSI", numeric=None, value=_psi, error=0.5e-3, relative=0.05),
    Measure(statistic="js", shown="Jensen-Shannon", numeric=None, value=_js, error=BIN / 2),
    Measure(
        statistic="hellinger", shown="Hellinger", numeric=None, value=_hellinger, error=BIN / 2
    ),
    Measure(statistic="tv", shown="total variation", numeric=None, value=_tv, error=BIN / 2),
    Measure(
        statistic="chi2",
        shown="chi-square",
        numeric=False,
        value=lambda reference, current: _contingency(reference, current, "pearson"),
        error=1e-6,
    ),
    Measure(
        statistic="g",
        shown="G",
        numeric=False,
        value=lambda reference, current: _contingency(reference, current, "log-likelihood"),
        error=1e-6,
    ),
)
