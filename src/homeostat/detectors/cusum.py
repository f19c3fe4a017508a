"""Cumulative sums of deviations from a known mean, upwards and downwards."""

from dataclasses import dataclass, replace
from math import exp, log
from typing import Any

from homeostat.detectors import DETECTORS, number, plain, require, restored
from homeostat.errors import UserError
from homeostat.profile import LARGEST

__all__ = ["Cusum", "CusumState"]

#: What a sum of normal steps overshoots its boundary by, once at either end: Siegmund (1985).
OVERSHOOT = 1.166


@dataclass(frozen=True, slots=True)
class CusumState:
    """Both sums, in standard deviations."""

    n: int
    alarmed_at: int | None
    high: float
    low: float
    threshold: float

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm."""
        return self.alarmed_at == self.n

    @property
    def statistic(self) -> float:
        """The larger of both sums."""
        return max(self.high, self.low)

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return plain(self)


@DETECTORS.register("cusum")
@dataclass(frozen=True, slots=True, kw_only=True)
class Cusum:
    r"""Signals that values no longer have the mean that they are known to have.

    .. math:: S^\pm_n = \max(0,\ S^\pm_{n-1} \pm z_n - k), \quad z = (x - \mu) / \sigma

    with an alarm when either sum reaches the threshold h; both then start from 0.  For a shift
    of 2k no test with as few false alarms is faster in the worst case.  It never gets used to
    a change: while one lasts, the alarm returns.

    References
    ----------
    Page (1954), Biometrika 41; optimality: Moustakides (1986), Annals of Statistics 14(4).

    Examples
    --------
    >>> detector = Cusum(slack=0.5, threshold=3.0)
    >>> state = detector.start()
    >>> for value in (2.0, 2.0):
    ...     state = detector.update(state, value)
    >>> state.alarm, state.statistic, state.threshold
    (True, 3.0, 3.0)
    """

    mean: float = 0.0  #: that the values should have
    spread: float = 1.0  #: their standard deviation
    slack: float = 0.25  #: k: half the shift worth a signal, in standard deviations
    threshold: float = 14.5  #: h, in standard deviations

    def __post_init__(self) -> None:
        require(
            "cusum",
            {
                f"mean must be a finite number, not {self.mean:g}": abs(self.mean) <= LARGEST,
                f"spread must be from {1 / LARGEST:g} to {LARGEST:g}, not {self.spread:g}": (
                    1 / LARGEST <= self.spread <= LARGEST
                ),
                f"slack must be in (0, 10], not {self.slack:g}": 0 < self.slack <= 10,
                f"threshold must be in (0, 1e6], not {self.threshold:g}": (
                    0 < self.threshold <= 1e6
                ),
            },
        )

    @classmethod
    def of_run_length(
        cls, run_length: float, *, mean: float = 0.0, spread: float = 1.0, slack: float = 0.25
    ) -> "Cusum":
        """The detector with one false alarm in `run_length` normal values.

        Raises
        ------
        UserError
            When so short a run length needs no threshold, or a setting is refused.

        Examples
        --------
        >>> detector = Cusum.of_run_length(1_000, slack=0.5)
        >>> round(detector.threshold, 2), round(detector.run_length)
        (5.75, 1000)
        """
        start = cls(mean=mean, spread=spread, slack=slack)
        asked = 4 * slack**2 * run_length  # on each side twice as long
        if not _excess(2 * slack * OVERSHOOT) < asked < exp(700):
            raise UserError(f"no threshold gives a cusum a run length of {run_length:g} values")
        reach = 1.0 + asked**0.5
        for _ in range(200):  # a contraction, since exp(reach) - 1 - reach = asked > 0
            reach = log(asked + reach + 1)
        return replace(start, threshold=reach / (2 * slack) - OVERSHOOT)

    @property
    def run_length(self) -> float:
        r"""Values between false alarms, for independent normal ones.

        On each side, in Siegmund's corrected diffusion approximation,

        .. math:: (e^{2kb} - 2kb - 1) / 2k^2, \quad b = h + 1.166

        and half of it for both.  Heavy tails make it shorter.

        References
        ----------
        Siegmund (1985), Sequential Analysis, chapter II.
        """
        reach = min(2 * self.slack * (self.threshold + OVERSHOOT), 700.0)
        return _excess(reach) / (4 * self.slack**2)

    def start(self) -> CusumState:
        """Both sums at 0."""
        return CusumState(0, None, 0.0, 0.0, self.threshold)

    def update(self, state: CusumState, value: float) -> CusumState:
        """The sums after one more value, from 0 after an alarm."""
        n = state.n + 1
        z = (number(value, n) - self.mean) / self.spread
        high, low = (0.0, 0.0) if state.alarmed_at == state.n else (state.high, state.low)
        high = max(0.0, high + z - self.slack)
        low = max(0.0, low - z - self.slack)
        threshold = self.threshold
        alarmed_at = n if high >= threshold or low >= threshold else state.alarmed_at
        return CusumState(n, alarmed_at, high, low, threshold)

    def from_dict(self, plain: dict[str, Any]) -> CusumState:
        """The state that `CusumState.to_dict` wrote."""
        return restored(CusumState, plain)


def _excess(x: float) -> float:
    return exp(x) - x - 1
