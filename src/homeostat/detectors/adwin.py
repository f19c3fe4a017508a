"""Adaptive windowing: two parts of a window with different means."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from math import log, sqrt
from typing import Any

from homeostat.detectors import DETECTORS, number, plain, require, restored
from homeostat.profile import LARGEST

__all__ = ["Adwin", "AdwinState"]

#: Rows of buckets kept: windows of up to 5 * 2**24, some 84 million, values.
ROWS = 24

Bucket = tuple[float, float]  # sum, and sum of squared deviations from the mean
Rows = tuple[tuple[Bucket, ...], ...]
Part = tuple[int, float, float]  # size, sum, squared deviations


@dataclass(frozen=True, slots=True)
class AdwinState:
    """The window as an exponential histogram.

    The i-th row holds buckets of 2**i values each, oldest first; later rows are older.
    """

    n: int
    alarmed_at: int | None
    statistic: float  #: difference of means over its bound, the largest of the last look
    threshold: float
    rows: Rows

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm."""
        return self.alarmed_at == self.n

    @property
    def width(self) -> int:
        """How many values the window holds."""
        return sum(len(row) << i for i, row in enumerate(self.rows))

    @property
    def mean(self) -> float:
        """The mean of the window; 0 when it is empty."""
        return sum(one[0] for row in self.rows for one in row) / max(self.width, 1)

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return plain(self)


@DETECTORS.register("adwin")
@dataclass(frozen=True, slots=True, kw_only=True)
class Adwin:
    r"""Signals a change of the mean, and keeps a window of what came after it.

    While any split of the window into an older and a newer part has

    .. math:: |\mu_0 - \mu_1| \ge \sqrt{\frac{2}{m} \sigma^2 \ln \frac{2}{\delta'}}
              + \frac{2 R}{3 m} \ln \frac{2}{\delta'}, \quad
              \frac1m = \frac1{n_0} + \frac1{n_1}, \quad \delta' = \frac{\delta}{\ln n}

    the oldest bucket is dropped, R being the range of the values.  A change is told once: when
    the remains of an older one are dropped later, the clearest split lies before the alarm
    that has been given for it, and nothing is said.

    References
    ----------
    Bifet and Gavalda (2007), SIAM International Conference on Data Mining; the histogram:
    Datar, Gionis, Indyk and Motwani (2002), SIAM J. Computing 31(6).

    Examples
    --------
    >>> detector = Adwin(look_every=1)
    >>> state = detector.start()
    >>> for value in [0.0] * 60 + [1.0] * 15:
    ...     state = detector.update(state, value)
    >>> state.alarmed_at, state.width
    (74, 59)
    """

    delta: float = 0.002  #: chance of a false alarm at a look
    look_every: int = 32  #: values from look to look
    buckets: int = 5  #: of each size at most; more means a finer place of the split
    span: float = 1.0  #: R, largest value minus smallest; 1 for errors and probabilities
    least: int = 5  #: values on each side of a split

    def __post_init__(self) -> None:
        require(
            "adwin",
            {
                f"delta must be in (0, 1), not {self.delta:g}": 0 < self.delta < 1,
                f"look_every must be at least 1, not {self.look_every}": self.look_every >= 1,
                f"buckets must be from 2 to 100, not {self.buckets}": 2 <= self.buckets <= 100,
                f"span must be from {1 / LARGEST:g} to {LARGEST:g}, not {self.span:g}": (
                    1 / LARGEST <= self.span <= LARGEST
                ),
                f"least must be at least 1, not {self.least}": self.least >= 1,
            },
        )

    @property
    def run_length(self) -> float:
        """Looks between two false alarms, times the values from look to look."""
        return self.look_every / self.delta

    def start(self) -> AdwinState:
        """The empty window."""
        return AdwinState(0, None, 0.0, 1.0, ())

    def update(self, state: AdwinState, value: float) -> AdwinState:
        """The window with one more value, cut if a look is due and finds a change."""
        n = state.n + 1
        rows = self._add(state.rows, (number(value, n), 0.0))
        alarmed_at, statistic = state.alarmed_at, 0.0 if state.alarm else state.statistic
        if n % self.look_every == 0:
            statistic, newer = self._clearest(rows)
            if statistic >= 1 and n - newer >= (alarmed_at or 0):
                alarmed_at = n
            rows = self._cut(rows)
        return AdwinState(n, alarmed_at, statistic, 1.0, rows)

    def from_dict(self, plain: dict[str, Any]) -> AdwinState:
        """The state that `AdwinState.to_dict` wrote."""
        return restored(AdwinState, plain)

    def _add(self, rows: Rows, newest: Bucket) -> Rows:
        """The rows with one more bucket; where a row overflows its two oldest become one."""
        done: list[tuple[Bucket, ...]] = []
        for i, row in enumerate(rows):
            if len(row) < self.buckets:
                return (*done, (*row, newest), *rows[i + 1 :])
            done.append((*row[2:], newest))
            newest = _merged((1 << i, *row[0]), (1 << i, *row[1]))[1:]
        return (*done, (newest,))[:ROWS]

    def _cut(self, rows: Rows) -> Rows:
        while rows and self._clearest(rows)[0] >= 1:
            rows = (*rows[:-1], rows[-1][1:]) if len(rows[-1]) > 1 else rows[:-1]
        return rows

    def _clearest(self, rows: Rows) -> tuple[float, int]:
        """The largest difference of means over its bound, and the size of the newer part."""
        older = list(accumulate(_oldest_first(rows), _merged))
        if not older:
            return 0.0, 0
        n, total, squares = older[-1]
        level = log(2 * max(log(n), 1.0) / self.delta)
        found = 0.0, 0
        for n_0, sum_0, _ in older[:-1]:
            n_1 = n - n_0
            if min(n_0, n_1) >= self.least:
                spread = 1 / n_0 + 1 / n_1
                bound = sqrt(2 * spread * squares / n * level) + 2 / 3 * spread * level * self.span
                found = max(found, (abs(sum_0 / n_0 - (total - sum_0) / n_1) / bound, n_1))
        return found


def _oldest_first(rows: Rows) -> Iterator[Part]:
    for i in reversed(range(len(rows))):
        for total, squares in rows[i]:
            yield 1 << i, total, squares


def _merged(a: Part, b: Part) -> Part:
    """Both parts as one; the deviations by Chan, Golub and LeVeque (1983)."""
    apart = a[1] / a[0] - b[1] / b[0]
    return a[0] + b[0], a[1] + b[1], a[2] + b[2] + apart**2 * a[0] * b[0] / (a[0] + b[0])
