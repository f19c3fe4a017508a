"""Relations of DuckDB as sources."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from homeostat.engines.arrow_frames import kinds_of, unique
from homeostat.engines.source import BATCH_ROWS, Column, Source

__all__ = ["duckdb_source"]


def duckdb_source(relation: Any) -> Source:
    """A relation of DuckDB as a source; its query is run each time it is read.

    The connection must not be used for anything else meanwhile: DuckDB 1.5 then ends the
    batches early without a word, 2.0 refuses.
    """

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        if not columns:
            return  # a query of nothing is none
        # One text: of several, DuckDB 1.5 misreads quotation marks in a name.
        chosen = relation.project(", ".join(_quoted(one.name) for one in columns))
        # An open result would block the connection.
        with closing(chosen.to_arrow_reader(BATCH_ROWS)) as reader:
            yield from reader

    unique(relation.columns)
    kinds = kinds_of(relation.limit(0).to_arrow_table().schema)
    return Source(what="the relation", kinds=kinds, batches=batches)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
