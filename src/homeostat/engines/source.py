"""Source: columns that can be asked what they hold and read batch by batch."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from homeostat.bins import Bins
from homeostat.engines.kinds import ColumnKind
from homeostat.errors import UserError
from homeostat.profile import Profile
from homeostat.schema import Kind

__all__ = ["BATCH_ROWS", "Column", "Source", "reading", "usable"]

#: Rows of a batch: as many as are counted at once.
BATCH_ROWS = 65_536


class Column(Protocol):
    """What is asked of a column: a `Feature` and its `FeatureBins` both say it."""

    @property
    def name(self) -> str:
        """Of the column."""
        ...

    @property
    def kind(self) -> Kind:
        """What its values are taken for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Rows that are read in batches, as often as asked."""

    what: str  #: what messages call it: "the frame", or the path
    kinds: Mapping[str, ColumnKind]  #: by column, in their order
    #: The batches of Arrow with these columns, in the order of the rows.
    batches: Callable[[Sequence[Column]], Iterator[Any]]
    #: Counts where the rows lie, when the engine has many machines.
    count: Callable[[Bins], Profile] | None = None


def usable(source: Source, columns: Sequence[Column]) -> None:
    """Refuse columns that are not there or hold what cannot be binned.

    Raises
    ------
    UserError
        All such columns are named, with the types of their values.
    """
    problems = []
    for one in columns:
        found = source.kinds.get(one.name)
        if found is None:
            there = ", ".join(source.kinds) or "none"
            problems.append(f"{source.what} has no column {one.name!r}; it has {there}")
        elif found.kind is None and not found.empty:
            wanted = "make it numbers, text or true and false, or leave it out"
            problems.append(f"{one.name!r} {found.reason} ({found.type}); {wanted}")
    if problems:
        raise UserError(f"{source.what} cannot be counted", problems)


@contextmanager
def reading(source: Source, columns: Sequence[Column]) -> Iterator[Iterator[Any]]:
    """The batches of a source; what it holds open is closed also when they are not read out."""
    batches = source.batches(columns)
    try:
        yield batches
    finally:
        if isinstance(batches, Generator):
            batches.close()
