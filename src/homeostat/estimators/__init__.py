"""Estimators: quality without labels, with an interval.

An estimator is settings only.  It is fitted on labelled rows, and what comes out tells from
the answers to other rows what their labels would say.  All of them believe that the relation
between a row and its label is that of the rows they were fitted on: **they follow a change of
the rows, and are blind to a change of that relation** (concept drift).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from scipy.special import ndtri

from homeostat.answers import Answers, Labelled
from homeostat.extension import Catalog

__all__ = ["BLIND", "ESTIMATORS", "LEVEL", "Estimate", "Estimator", "Fitted"]

#: Share of the windows whose labels are to say something within the interval.
LEVEL = 0.95

#: What every message about an estimate says.
BLIND = "an estimate without labels is blind to concept drift"

_WIDTH = float(ndtri((1 + LEVEL) / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the labels of some rows would say of one metric, as far as can be told without."""

    metric: str
    value: float
    noise: float  #: standard deviation of what labels say around what they say on average
    doubt: float = 0.0  #: standard deviation of the estimator's own error
    n: int  #: rows it is about
    lowest: float = float("-inf")  #: values that the metric cannot go beyond
    highest: float = float("inf")

    @property
    def deviation(self) -> float:
        """Standard deviation of what the labels will say around the value."""
        return float((self.noise**2 + self.doubt**2) ** 0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Within it the labels will say something in `LEVEL` of all windows."""
        width = _WIDTH * self.deviation
        return max(self.lowest, self.value - width), min(self.highest, self.value + width)

    def to_dict(self) -> dict[str, float]:
        """The numbers that `Estimate` cannot be told without."""
        return {"value": self.value, "noise": self.noise, "doubt": self.doubt}


class Fitted(Protocol):
    """An estimator that knows its labelled rows."""

    def estimate(self, answers: Answers) -> Mapping[str, Estimate]:
        """By metric; what cannot be told is left out.

        Precision cannot where nothing is called positive, and of no rows nothing can.

        Raises
        ------
        UserError
            When the answers lack what the estimator reads.
        """
        ...


class Estimator(Protocol):
    """Learns from labelled rows what labels would say of others."""

    def fit(self, labelled: Labelled) -> Fitted:
        """What it learnt.

        Raises
        ------
        UserError
            When these rows cannot be learnt from; all that is wrong is named.
        """
        ...


ESTIMATORS: Catalog[Callable[..., Estimator]] = Catalog("estimator", "homeostat.estimators")
