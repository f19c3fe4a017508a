"""Frames of PySpark as sources: counted by the executors, summed by the driver."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from homeostat.bins import Bins
from homeostat.engines.arrow_frames import unique
from homeostat.engines.kernel import CHUNK, count_batches
from homeostat.engines.kinds import ColumnKind
from homeostat.engines.source import Column, Source
from homeostat.errors import UserError
from homeostat.profile import Profile
from homeostat.schema import Kind

__all__ = ["spark_source"]

_KINDS = {
    "tinyint": Kind.INTEGER,
    "smallint": Kind.INTEGER,
    "int": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "float": Kind.NUMBER,
    "double": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "string": Kind.CATEGORY,
    "char": Kind.CATEGORY,
    "varchar": Kind.CATEGORY,
}
_REASONS = {
    "date": "dates",
    "timestamp": "moments",
    "timestamp_ntz": "moments",
    "interval": "durations",
    "array": "lists",
    "struct": "records",
    "map": "maps",
    "binary": "bytes",
}


def spark_source(frame: Any) -> Source:
    """A frame of PySpark as a source; its plan is run each time it is read.

    Counting is one job with one row for each partition as its result.  homeostat must be
    installed where the executors run.
    """
    unique(frame.columns)
    types = dict(frame.dtypes)

    def chosen(columns: Sequence[Column]) -> Any:
        # By place, for names may hold anything, and Spark takes "a" and "A" for the same.
        by_place = frame.toDF(*[str(i) for i in range(len(types))])
        places = {name: str(i) for i, name in enumerate(types)}
        plain = [by_place[places[one.name]] for one in columns]
        typed = [
            # Arrow is not told of columns without a type.
            column.cast("string") if types[one.name] == "void" else column
            for one, column in zip(columns, plain, strict=True)
        ]
        return by_place.select(*typed).toDF(*[str(i) for i in range(len(typed))])

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        written = chosen(columns).mapInArrow(_written, "batch binary")
        names = [one.name for one in columns]
        for row in written.toLocalIterator(prefetchPartitions=True):
            yield from _read(bytes(row[0]), names)

    def count(bins: Bins) -> Profile:
        if not bins.features:
            return Profile.empty(bins)
        rows = chosen(bins.features).mapInArrow(_counter(bins), _PART).collect()
        return _summed(bins, rows)

    kinds = {name: _kind(dtype) for name, dtype in types.items()}
    return Source(what="the frame", kinds=kinds, batches=batches, count=count)


def _kind(dtype: str) -> ColumnKind:
    family = re.split(r"[(<\s]", dtype)[0]
    if dtype == "void":
        return ColumnKind(kind=None, type=dtype, reason="holds no value at all", empty=True)
    if family in _KINDS:
        return ColumnKind(kind=_KINDS[family], type=dtype)
    what = _REASONS.get(family, f"values of type {dtype}")
    return ColumnKind(kind=None, type=dtype, reason=f"holds {what}")


#: What an executor sends: the parts of a profile, or what was wrong with the rows.
_PART = "counts binary, moments binary, joint binary, problems array<string>"


def _counter(bins: Bins) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """What an executor does with the batches of a partition."""
    names = [one.name for one in bins.features]

    def count(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        named = (batch.rename_columns(names) for batch in batches)
        parts: dict[str, list[Any]] = {"counts": [None], "moments": [None], "joint": [None]}
        problems: list[str] = []
        try:
            profile = count_batches(_gathered(named), bins, threads=1)
        except UserError as error:
            problems = error.problems
        else:
            parts["counts"] = [profile.counts.tobytes()]
            parts["moments"] = [profile.moments.tobytes()]
            parts["joint"] = [profile.joint.tobytes()]
        yield pa.RecordBatch.from_pydict(
            {**parts, "problems": [problems]},
            pa.schema(
                [(name, pa.binary()) for name in parts] + [("problems", pa.list_(pa.string()))]
            ),
        )

    return count


def _gathered(batches: Iterator[Any]) -> Iterator[Any]:
    """The batches put together to some `CHUNK` rows: Spark's are small."""
    import pyarrow as pa

    held: list[Any] = []
    for batch in chain(batches, [None]):
        if held and (batch is None or sum(one.num_rows for one in held) >= CHUNK):
            yield from pa.Table.from_batches(held).combine_chunks().to_batches()
            held = []
        held.append(batch)


def _summed(bins: Bins, rows: Sequence[Any]) -> Profile:
    problems = sorted({one for row in rows for one in row["problems"]})
    if problems:
        raise UserError("the columns do not fit the features", problems)
    profile = Profile.empty(bins)
    for row in rows:
        profile += Profile(
            bins,
            np.frombuffer(row["counts"], dtype=np.int64),
            np.frombuffer(row["moments"], dtype=np.float64).reshape(-1, 3),
            np.frombuffer(row["joint"], dtype=np.int64),
        )
    return profile


def _written(batches: Iterator[Any]) -> Iterator[Any]:
    """Each batch as the bytes of a stream, so that it can be a value of a row."""
    import pyarrow as pa

    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        yield pa.RecordBatch.from_pydict({"batch": [sink.getvalue().to_pybytes()]})


def _read(data: bytes, names: Sequence[str]) -> Iterator[Any]:
    import pyarrow as pa

    with pa.ipc.open_stream(data) as stream:
        for batch in stream:
            yield batch.rename_columns(names)
