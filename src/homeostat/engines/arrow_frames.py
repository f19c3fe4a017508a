"""Tables, data sets and streams of Arrow as sources."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from tempfile import NamedTemporaryFile
from typing import Any

from homeostat.engines.kinds import ColumnKind, arrow_kind
from homeostat.engines.source import BATCH_ROWS, Column, Source
from homeostat.errors import UserError

__all__ = ["arrow_source", "kinds_of", "table_batches", "unique"]


def arrow_source(frame: Any) -> Source | None:
    """What speaks Arrow as a source; None for anything else.

    A reader of batches can be read once only; it is written to a temporary file when it is
    read, and read from there.
    """
    import pyarrow as pa
    from pyarrow.dataset import Dataset

    if isinstance(frame, pa.RecordBatch):
        frame = pa.Table.from_batches([frame])
    if isinstance(frame, pa.Table):
        return _table(frame)
    if isinstance(frame, Dataset):
        return _dataset(frame)
    if isinstance(frame, pa.RecordBatchReader):
        return _reader(frame)
    return _stream(frame) if hasattr(frame, "__arrow_c_stream__") else None


def kinds_of(schema: Any) -> dict[str, ColumnKind]:
    """What each column of an Arrow schema holds."""
    unique(schema.names)
    return {one.name: arrow_kind(one.type) for one in schema}


def unique(names: Sequence[str]) -> None:
    """Refuse names that two columns share.

    Examples
    --------
    >>> unique(["age", "age"])
    Traceback (most recent call last):
    homeostat.errors.UserError: columns of the same name: 'age'; rename them
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        listed = ", ".join(repr(name) for name in repeated)
        raise UserError(f"columns of the same name: {listed}; rename them")


def table_batches(table: Any) -> Iterator[Any]:
    """The batches of a table, none longer than `BATCH_ROWS`."""
    return iter(table.to_batches(max_chunksize=BATCH_ROWS))


def _table(table: Any) -> Source:
    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        return table_batches(table.select([one.name for one in columns]))

    return Source(what="the table", kinds=kinds_of(table.schema), batches=batches)


def _dataset(dataset: Any) -> Source:
    from pyarrow.dataset import ParquetFileFormat, ParquetFragmentScanOptions

    # Read-ahead is what a data set spends memory on.
    options: dict[str, Any] = {
        "batch_size": BATCH_ROWS,
        "batch_readahead": 2,
        "fragment_readahead": 1,
    }
    if isinstance(getattr(dataset, "format", None), ParquetFileFormat):
        options["fragment_scan_options"] = ParquetFragmentScanOptions(
            pre_buffer=False, use_buffered_stream=True
        )

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        yield from dataset.to_batches(columns=[one.name for one in columns], **options)

    return Source(what="the data set", kinds=kinds_of(dataset.schema), batches=batches)


def _reader(reader: Any) -> Source:
    kept: list[Any] = []

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        import pyarrow as pa

        if not kept:
            kept.append(_written(reader))
        with pa.OSFile(kept[0].name) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield batch.select([one.name for one in columns])

    return Source(what="the reader", kinds=kinds_of(reader.schema), batches=batches)


def _written(reader: Any) -> Any:
    """A temporary file with all that a reader gives; it is gone when nobody holds it."""
    import pyarrow as pa

    file = NamedTemporaryFile(prefix="homeostat-", suffix=".arrows")  # noqa: SIM115
    with pa.OSFile(file.name, "wb") as sink, pa.ipc.new_stream(sink, reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)
    return file


def _stream(frame: Any) -> Source:
    import pyarrow as pa

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        with closing(pa.RecordBatchReader.from_stream(frame)) as reader:
            for batch in reader:
                yield batch.select([one.name for one in columns])

    with closing(pa.RecordBatchReader.from_stream(frame)) as reader:
        kinds = kinds_of(reader.schema)
    return Source(what="the frame", kinds=kinds, batches=batches)
