"""Page-Hinkley: cumulative deviations from the mean so far."""

from dataclasses import dataclass
from typing import Any

from homeostat.detectors import DETECTORS, number, plain, require, restored

__all__ = ["PageHinkley", "PageHinkleyState"]


@dataclass(frozen=True, slots=True)
class PageHinkleyState:
    """The mean since the last restart, and both sums, in units of the values."""

    n: int
    alarmed_at: int | None
    since: int  #: values since the last restart
    mean: float
    rise: float
    fall: float
    threshold: float

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm."""
        return self.alarmed_at == self.n

    @property
    def statistic(self) -> float:
        """The larger of both sums."""
        return max(self.rise, self.fall)

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return plain(self)


@DETECTORS.register("page_hinkley")
@dataclass(frozen=True, slots=True, kw_only=True)
class PageHinkley:
    r"""Signals a lasting rise or fall of a mean that nobody knows beforehand.

    .. math:: m_t = \sum_{i \le t} (x_i - \bar x_i - \delta), \quad
              m_t - \min_{i \le t} m_i \ge \lambda

    with the running mean, and the mirror image for a fall; after an alarm all starts anew.
    The difference is kept as one sum that never falls below 0, which is the same and does not
    lose digits in long series.  Its scale is that of the values, so it promises no run length.

    References
    ----------
    Page (1954), Biometrika 41; Hinkley (1971), Biometrika 58(3).

    Examples
    --------
    >>> detector = PageHinkley(slack=0.0, threshold=2.0, grace=1)
    >>> state = detector.start()
    >>> for value in (0.0, 0.0, 3.0):
    ...     state = detector.update(state, value)
    >>> state.mean, state.rise, state.alarm
    (1.0, 2.0, True)
    """

    slack: float = 0.005  #: rise per value not worth a signal, in units of the values
    threshold: float = 50.0  #: accumulated rise that is, in units of the values
    grace: int = 30  #: values before the first alarm is possible

    def __post_init__(self) -> None:
        require(
            "page_hinkley",
            {
                f"slack must be finite and not negative, not {self.slack:g}": (
                    0 <= self.slack < float("inf")
                ),
                f"threshold must be finite and positive, not {self.threshold:g}": (
                    0 < self.threshold < float("inf")
                ),
                f"grace must be at least 1, not {self.grace}": self.grace >= 1,
            },
        )

    @property
    def run_length(self) -> None:
        """None: how often noise reaches the threshold depends on its scale."""
        return

    def start(self) -> PageHinkleyState:
        """No value, both sums at 0."""
        return PageHinkleyState(0, None, 0, 0.0, 0.0, 0.0, self.threshold)

    def update(self, state: PageHinkleyState, value: float) -> PageHinkleyState:
        """The sums after one more value, from 0 after an alarm."""
        n = state.n + 1
        x = number(value, n)
        if state.alarmed_at == state.n:
            since, mean, rise, fall = 1, x, 0.0, 0.0
        else:
            since = state.since + 1
            mean = state.mean + (x - state.mean) / since
            rise = max(0.0, state.rise + x - mean - self.slack)
            fall = max(0.0, state.fall - x + mean - self.slack)
        threshold = self.threshold
        drifted = since >= self.grace and (rise >= threshold or fall >= threshold)
        alarmed_at = n if drifted else state.alarmed_at
        return PageHinkleyState(n, alarmed_at, since, mean, rise, fall, threshold)

    def from_dict(self, plain: dict[str, Any]) -> PageHinkleyState:
        """The state that `PageHinkleyState.to_dict` wrote."""
        return restored(PageHinkleyState, plain)
