"""Requests as sums that add: how many were answered, how many failed, and how long they took."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, exp2, inf, log2, sqrt
from typing import Any

__all__ = ["RELATIVE_ERROR", "Traffic", "TrafficCounter", "total_traffic"]

#: Bins of the histogram of latencies: so many to each doubling, from 2**-17 s (8 microseconds)
#: up to 2**11 s.  What lies beyond is in the outermost.
PER_DOUBLING, FIRST, LAST = 16, -17, 11

#: A quantile is known to this share of itself: half a bin.
RELATIVE_ERROR = 2 ** (0.5 / PER_DOUBLING) - 1


@dataclass(frozen=True, slots=True)
class Traffic:
    """What became of the requests to one version in some time.

    Sums of two times, or of two processes, are the sums of both: in any order, to rounding.
    """

    answered: int = 0  #: requests that got their answer
    failed: int = 0  #: requests that got none for a reason that is not theirs
    refused: int = 0  #: requests that were wrong themselves
    rows: int = 0  #: of the answered requests
    seconds: float = 0.0  #: that they took, added up
    squares: float = 0.0  #: of these seconds, added up
    least_s: float = inf
    most_s: float = 0.0
    histogram: Mapping[int, int] = field(default_factory=dict)  #: answered ones, by latency

    @property
    def requests(self) -> int:
        """Answered, failed and refused ones."""
        return self.answered + self.failed + self.refused

    @property
    def error_rate(self) -> float | None:
        """Failed ones as a share of those that were not refused; None without any."""
        asked = self.answered + self.failed
        return self.failed / asked if asked else None

    @property
    def mean_s(self) -> float | None:
        """Mean latency of the answered requests; None without any."""
        return self.seconds / self.answered if self.answered else None

    @property
    def deviation_s(self) -> float | None:
        """Standard deviation of a latency, dividing by n; None without any."""
        if not self.answered:
            return None
        mean = self.seconds / self.answered
        variance = max(0.0, self.squares / self.answered - mean * mean)
        return sqrt(variance)

    def __add__(self, other: "Traffic") -> "Traffic":
        """Both together."""
        return total_traffic((self, other))

    def quantile_s(self, share: float) -> float | None:
        """The latency that this share of the answered requests did not exceed.

        To `RELATIVE_ERROR`, and never beyond what was seen; None without any.

        Examples
        --------
        >>> counter = TrafficCounter()
        >>> for ms in range(1, 101):
        ...     counter.answer(ms / 1_000)
        >>> round(counter.traffic.quantile_s(0.95), 3)
        0.094
        """
        if not self.answered:
            return None
        wanted = max(1, ceil(share * self.answered))
        seen = 0
        for place in sorted(self.histogram):
            seen += self.histogram[place]
            if seen >= wanted:
                middle = exp2(FIRST + (place + 0.5) / PER_DOUBLING)
                return min(self.most_s, max(self.least_s, middle))
        return self.most_s

    def summary(self) -> dict[str, float | None]:
        """Counts, shares and latencies in milliseconds; what there is none of is None.

        Examples
        --------
        >>> Traffic(answered=3, failed=1).summary()["error_rate"]
        0.25
        """
        return {
            "total_requests": self.requests,
            "successful_requests": self.answered,
            "error_count": self.failed,
            "refused_requests": self.refused,
            "rows": self.rows,
            "error_rate": self.error_rate,
            "avg_latency_ms": _ms(self.mean_s),
            "p50_latency_ms": _ms(self.quantile_s(0.5)),
            "p95_latency_ms": _ms(self.quantile_s(0.95)),
            "p99_latency_ms": _ms(self.quantile_s(0.99)),
            "min_latency_ms": _ms(self.least_s if self.answered else None),
            "max_latency_ms": _ms(self.most_s if self.answered else None),
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data that strict JSON can hold."""
        return {
            "answered": self.answered,
            "failed": self.failed,
            "refused": self.refused,
            "rows": self.rows,
            "seconds": self.seconds,
            "squares": self.squares,
            "least_s": self.least_s if self.answered else None,
            "most_s": self.most_s,
            "histogram": [[place, n] for place, n in sorted(self.histogram.items())],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Traffic":
        """What `to_dict` wrote."""
        least_s = inf if plain["least_s"] is None else plain["least_s"]
        return cls(**{**plain, "least_s": least_s, "histogram": dict(plain["histogram"])})


class TrafficCounter:
    """Counts requests one by one; for one thread."""

    def __init__(self) -> None:
        self._answered = self._failed = self._refused = self._rows = 0
        self._seconds = self._squares = self._most_s = 0.0
        self._least_s = inf
        self._histogram: dict[int, int] = {}

    def answer(self, seconds: float, rows: int = 1) -> None:
        """One more that got its answer after so many seconds."""
        self._answered += 1
        self._rows += rows
        self._seconds += seconds
        self._squares += seconds * seconds
        self._least_s = min(self._least_s, seconds)
        self._most_s = max(self._most_s, seconds)
        place = _place(seconds)
        self._histogram[place] = self._histogram.get(place, 0) + 1

    def failure(self) -> None:
        """One more that got none, for a reason that is not its own."""
        self._failed += 1

    def refusal(self) -> None:
        """One more that was wrong itself."""
        self._refused += 1

    @property
    def traffic(self) -> Traffic:
        """All that was counted."""
        return Traffic(
            answered=self._answered,
            failed=self._failed,
            refused=self._refused,
            rows=self._rows,
            seconds=self._seconds,
            squares=self._squares,
            least_s=self._least_s,
            most_s=self._most_s,
            histogram=dict(self._histogram),
        )


def total_traffic(parts: Iterable[Traffic]) -> Traffic:
    """All of them together; nothing of nothing.

    Examples
    --------
    >>> total_traffic([Traffic(answered=2), Traffic(answered=3, failed=1)]).error_rate
    0.16666666666666666
    """
    held = list(parts)
    histogram: dict[int, int] = {}
    for one in held:
        for place, n in one.histogram.items():
            histogram[place] = histogram.get(place, 0) + n
    return Traffic(
        answered=sum(one.answered for one in held),
        failed=sum(one.failed for one in held),
        refused=sum(one.refused for one in held),
        rows=sum(one.rows for one in held),
        seconds=sum(one.seconds for one in held),
        squares=sum(one.squares for one in held),
        least_s=min((one.least_s for one in held), default=inf),
        most_s=max((one.most_s for one in held), default=0.0),
        histogram=histogram,
    )


def _place(seconds: float) -> int:
    """The bin of a latency."""
    if seconds <= 2.0**FIRST:
        return 0
    place = int((log2(seconds) - FIRST) * PER_DOUBLING)
    return min(place, (LAST - FIRST) * PER_DOUBLING - 1)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1_000 * seconds
