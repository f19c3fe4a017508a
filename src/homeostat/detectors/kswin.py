"""Kolmogorov-Smirnov windowing: the newest values against a sample of those before."""

from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np

from homeostat.detectors import DETECTORS, number, plain, require, restored, uniform

__all__ = ["Kswin", "KswinState"]


@dataclass(frozen=True, slots=True)
class KswinState:
    """The window, oldest value first."""

    n: int
    alarmed_at: int | None
    statistic: float  #: the distance D of the last look
    threshold: float
    window: tuple[float, ...]

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm."""
        return self.alarmed_at == self.n

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return plain(self)


@DETECTORS.register("kswin")
@dataclass(frozen=True, slots=True, kw_only=True)
class Kswin:
    r"""Signals that the newest r values are distributed differently from those before.

    Once the window is full, as many of the older values are drawn, and it is an alarm when

    .. math:: D = \max_x |F(x) - G(x)| \ge \sqrt{-\ln(\alpha / 2) / r}

    which is Smirnov's two-sided bound for two samples of r.  After it the window holds the
    newest r only.  Drawn are the values with the least hashes, so a replay draws the same.

    References
    ----------
    Raab, Heusinger and Schleif (2020), Neurocomputing 416; the bound: Smirnov (1948), Annals
    of Mathematical Statistics 19(2).

    Examples
    --------
    >>> detector = Kswin(window=40, recent=10, look_every=1, alpha=0.01)
    >>> state = detector.start()
    >>> for i in range(60):
    ...     state = detector.update(state, i % 7 + (9 if i >= 40 else 0))
    >>> state.alarmed_at, round(state.threshold, 3)
    (48, 0.728)
    """

    alpha: float = 0.001  #: chance of a false alarm at a look
    window: int = 300  #: values kept
    recent: int = 100  #: r, the newest of them
    look_every: int = 10  #: values from look to look
    seed: int = 0  #: of the draws

    def __post_init__(self) -> None:
        require(
            "kswin",
            {
                f"alpha must be in (0, 1), not {self.alpha:g}": 0 < self.alpha < 1,
                f"recent must be at least 5, not {self.recent}": self.recent >= 5,
                f"window must be from {2 * self.recent} (twice recent) to 2000, not "
                f"{self.window}": 2 * self.recent <= self.window <= 2_000,
                f"look_every must be at least 1, not {self.look_every}": self.look_every >= 1,
            },
        )

    @property
    def run_length(self) -> float:
        """Looks between two false alarms, times the values from look to look."""
        return self.look_every / self.alpha

    def start(self) -> KswinState:
        """The empty window."""
        return KswinState(0, None, 0.0, self._threshold, ())

    def update(self, state: KswinState, value: float) -> KswinState:
        """The window with one more value, and what a look says if one is due."""
        n = state.n + 1
        window = (*state.window[-self.window + 1 :], number(value, n))
        alarmed_at, statistic = state.alarmed_at, 0.0 if state.alarm else state.statistic
        threshold = self._threshold
        if len(window) == self.window and n % self.look_every == 0:
            statistic = self._distance(window, n)
            if statistic >= threshold:
                alarmed_at, window = n, window[-self.recent :]
        return KswinState(n, alarmed_at, statistic, threshold, window)

    def from_dict(self, plain: dict[str, Any]) -> KswinState:
        """The state that `KswinState.to_dict` wrote."""
        return restored(KswinState, plain)

    @property
    def _threshold(self) -> float:
        return sqrt(-log(self.alpha / 2) / self.recent)

    def _distance(self, window: tuple[float, ...], n: int) -> float:
        older, newest = np.array(window[: -self.recent]), np.sort(window[-self.recent :])
        keys = uniform(self.seed, n, len(older))
        drawn = np.sort(older[np.argsort(keys)[: self.recent]])
        x = np.concatenate((drawn, newest))
        f, g = (np.searchsorted(side, x, side="right") for side in (drawn, newest))
        return float(np.abs(f - g).max() / self.recent)
