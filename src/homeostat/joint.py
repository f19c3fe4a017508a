"""What no feature shows alone: correlations, and all features moved a little at once."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, chndtrinc, ndtr, ndtri

from homeostat.bins import STRONGEST
from homeostat.power import POWER
from homeostat.profile import Profile, Scored, full_matrix
from homeostat.statistics import Distance

__all__ = ["PairChange", "Together", "together"]

#: Rows under which a correlation has no spread that could be stated.
LEAST_ROWS = 10


@dataclass(frozen=True, slots=True)
class PairChange:
    """How far the correlation of a feature changed, with the feature where it changed most."""

    partner: str
    distance: Distance
    spread: float  #: standard error of Fisher's z, were nothing changed
    partners: int  #: features that it was looked at with

    def detectable(self, alpha: float) -> float:
        """The change of Fisher's z that is seen in 80 of 100 windows."""
        each = min(1.0, 2 * alpha / self.partners)
        return float((ndtri(1 - each / 2) + ndtri(POWER)) * self.spread)


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """Two profiles, compared over the features that are looked at together."""

    names: tuple[str, ...]  #: of the watched features
    reference: Scored
    current: Scored
    noise: NDArray[np.float64]  #: as `homeostat.bins.Bins.noise`, a full matrix
    compared: NDArray[np.intp]  #: the places of those that are compared

    def correlations(self) -> dict[str, PairChange]:
        r"""For each feature the change of its correlations, the least likely one.

        .. math:: \left| \tanh^{-1} r_n - \tanh^{-1} r_m \right|

        of normal scores in twelve levels, for which a missing value counts as a middle one.  The
        p-value is Bonferroni's over the pairs of the feature; a pair is asked about once for
        each of its two features, so each counts half.  Features that vary on neither or one
        side only are left out.

        References
        ----------
        Fisher (1921), Metron 1; the spread is that of `homeostat.bins.Bins.noise`.
        """
        width = len(self.names)
        if width < 2 or min(self.reference.n, self.current.n) < LEAST_ROWS:
            return {}
        before, after = (
            np.arctanh(np.clip(side.correlation, -STRONGEST, STRONGEST))
            for side in (self.reference, self.current)
        )
        spread = np.sqrt(self.noise * (1 / (self.reference.n - 3) + 1 / (self.current.n - 3)))
        change = np.abs(after - before)
        np.fill_diagonal(change, np.nan)
        among = np.isin(np.arange(width), self.compared)
        known = np.isfinite(change) & among & among[:, None]
        z = np.where(known, change / spread, -1.0)
        found = {}
        for i, j in enumerate(z.argmax(axis=1).tolist()):
            partners = int(known[i].sum())
            if not partners:
                continue
            p_value = min(1.0, float(2 * ndtr(-z[i, j])) * partners / 2)
            distance = Distance(float(change[i, j]), p_value)
            found[self.names[i]] = PairChange(
                self.names[j], distance, float(spread[i, j]), partners
            )
        return found

    def moved_by(self, deviations: float) -> list[str]:
        """The features whose scores moved by more on average, or that do not vary."""
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = (self.current.mean - self.reference.mean) / self.reference.deviation
        return [
            name
            for name, far in zip(self.names, ~(np.abs(shift) <= deviations), strict=True)
            if far
        ]

    def moved(self) -> Distance:
        r"""How far the middle of all features moved at once.

        .. math:: T^2 = \frac{d^\top R^{-1} d}{1/n + 1/m}

        where d are the shifts in deviations and R the correlations of the reference.  The
        effect is the distance the middle moved, in deviations and beyond what chance moves
        it: 0.1 on each of seven independent features is 0.26.

        References
        ----------
        Hotelling (1931), Annals of Mathematical Statistics 2(3), with R taken as known.
        """
        kept = self.reference.varying
        if not len(kept) or not min(self.reference.n, self.current.n):
            return Distance(0.0, 1.0)
        shift = (self.current.mean - self.reference.mean)[kept] / self.reference.deviation[kept]
        shift[~np.isin(kept, self.compared)] = 0.0
        spread = 1 / self.reference.n + 1 / self.current.n
        squared = float(shift @ self.reference.precision @ shift)
        effect = max(0.0, squared - len(kept) * spread) ** 0.5
        return Distance(squared / spread, float(chdtrc(len(kept), squared / spread)), effect)

    def moved_detectable(self, alpha: float) -> float:
        """The distance that is seen in 80 of 100 windows."""
        width = len(self.reference.varying)
        if not width or not min(self.reference.n, self.current.n):
            return float("inf")
        excess = float(chndtrinc(chdtri(width, alpha), width, 1 - POWER))
        return float(np.sqrt(excess * (1 / self.reference.n + 1 / self.current.n)))


def together(reference: Profile, current: Profile, *, without: Collection[str] = ()) -> Together:
    """Two profiles, which were counted in the same bins, made ready to be compared.

    Parameters
    ----------
    without
        Names of features that are left out.
    """
    bins = reference.bins
    names = tuple(bins.features[i].name for i in bins.watched)
    width = len(names)
    return Together(
        names,
        reference.scored,
        current.scored,
        full_matrix(np.asarray(bins.noise), width) if bins.noise else np.ones((width, width)),
        np.array([i for i, name in enumerate(names) if name not in without], dtype=np.intp),
    )
