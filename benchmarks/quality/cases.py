"""What is judged: windows of a quiet stream, or windows in which something has changed."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.quality.changes import CHANGES, draw_changed
from benchmarks.quality.population import Block, Population
from benchmarks.quality.streams import VALUES, Stream, blocks, reference

__all__ = ["REFERENCE_ROWS", "Case"]

REFERENCE_ROWS = 100_000

_BY_NAME = {one.name: one for one in CHANGES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """So many windows that are like a stream, or were before something changed."""

    stream: Stream
    windows: int
    change: str = ""  #: the name of one of `CHANGES`; none in a quiet stream

    @property
    def population(self) -> Population:
        return self.stream.population

    @property
    def key(self) -> str:
        """What tells the case from all others in a table of results."""
        return f"{self.change or self.stream.kind}|{self.stream.rows}|{self.stream.features}"

    def reference(self, rows: int = REFERENCE_ROWS) -> Block:
        """Rows of the time before."""
        return reference(self.stream, rows)

    def blocks(self) -> Iterator[Block]:
        """The windows, some at a time."""
        if not self.change:
            yield from blocks(self.stream, self.windows)
            return
        change = _BY_NAME[self.change]
        rng = np.random.default_rng([self.stream.seed, 2])
        at_once = max(1, VALUES // (self.stream.rows * self.stream.features))
        for begin in range(0, self.windows, at_once):
            some = min(at_once, self.windows - begin)
            yield draw_changed(change, rng, some, self.stream.rows, since=SETTLED)

    def to_dict(self) -> dict[str, Any]:
        """The case as plain data that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Case":
        """The case that `to_dict` wrote."""
        return cls(**{**plain, "stream": Stream(**plain["stream"])})


#: Windows since the change in single windows: also the gradual one is complete.
SETTLED = 1_000
