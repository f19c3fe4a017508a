"""Parquet files read in batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from homeostat.engines.arrow_frames import kinds_of
from homeostat.engines.kinds import ColumnKind
from homeostat.engines.source import BATCH_ROWS, Column
from homeostat.errors import UserError

__all__ = ["parquet_batches", "parquet_kinds"]

#: Read ahead for each column, instead of all of its values in a row group.
_BUFFER_BYTES = 1 << 20


def parquet_kinds(path: Path) -> dict[str, ColumnKind]:
    """What each column of a Parquet file holds, from its footer.

    Raises
    ------
    UserError
        When it is no Parquet file, or two columns have the same name.
    """
    with _opened(path) as file:
        try:
            kinds = kinds_of(file.schema_arrow)
        except UserError as error:
            raise UserError(f"{path}: {error}") from error
    if not kinds:
        raise UserError(f"{path} is empty")
    return kinds


def parquet_batches(path: Path, columns: Sequence[Column]) -> Iterator[Any]:
    """The batches of a file; categories come as codes with a dictionary, as they are stored."""
    import pyarrow as pa

    names = [one.name for one in columns]
    texts = [one.name for one in columns if not one.kind.is_numeric]
    with _opened(path, texts) as file:
        if not file.num_row_groups:
            return
        try:
            yield from file.iter_batches(BATCH_ROWS, columns=names)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path} cannot be read: {error}") from error


def _opened(path: Path, texts: Sequence[str] = ()) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # Buffered before, all of the file that was read stays in memory until its end.
        return pq.ParquetFile(
            path, read_dictionary=texts, buffer_size=_BUFFER_BYTES, pre_buffer=False
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} is no valid Parquet file: {error}") from error
