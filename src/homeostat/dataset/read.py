"""Reading a data file into a frame of plain types, or saying all that is wrong with it."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from homeostat.dataset.columns import listed, plain_columns, typed_columns
from homeostat.errors import NotFound, UserError

__all__ = ["read_frame"]


def read_frame(path: Path) -> pl.DataFrame:
    """The rows of a CSV or Parquet file, in columns of plain types.

    Texts lose the blanks around them; "NA", "NaN", "null" and the empty text are nulls, and
    so is the number NaN.  A column of a CSV file is whole numbers, numbers or booleans when
    all of its values are, else text; numbers with leading zeros or more digits than 64 bits
    hold are codes and stay text.  A Parquet file's own types are kept.  Times come out in UTC.
    A column without a name is called after its place: ``column 1``.  Blank lines are left out.

    Raises
    ------
    NotFound
        When there is no such file.
    UserError
        When it cannot be read: no rows, not UTF-8, lines of unequal length, repeated names.
    """
    if not path.is_file():
        what = "a folder, not a file" if path.is_dir() else "not there"
        raise NotFound(f"{path} is {what}; name a .csv or .parquet file")
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        known = " or ".join(readers)
        raise UserError(
            f"{path}: cannot read files that end in {path.suffix!r}; save it as {known}"
        )
    try:
        frame = reader(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    if not frame.height:
        raise UserError(f"{path} has a header but no rows")
    return frame


def _read_csv(path: Path) -> pl.DataFrame:
    text = _decoded(path)
    names, blank, n_lines = _shape(path, text)
    try:
        frame = pl.read_csv(text.encode(), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path} is no valid CSV file: {error}") from error
    if frame.height != n_lines:
        message = (
            f"{path}: {n_lines} lines of data, but {frame.height} rows come out; "
            'check its line ends (must be "\\n" or "\\r\\n") and its quotation marks'
        )
        raise UserError(message)
    frame.columns = names
    if blank:
        index = pl.int_range(frame.height, eager=True)
        frame = frame.filter(~index.is_in(blank))
    return typed_columns(frame)


def _decoded(path: Path) -> str:
    raw = path.read_bytes()
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = (
            f"{path} is not UTF-8: byte {error.start} (in line {line}) is "
            f"0x{raw[error.start]:02x}; save it as UTF-8"
        )
        raise UserError(message) from error
    if not text.strip("\ufeff \t\r\n"):
        raise UserError(f"{path} is empty")
    return text.removeprefix("\ufeff")


def _shape(path: Path, text: str) -> tuple[list[str], list[int], int]:
    """Column names, places of the blank lines, and how many lines there are, header aside."""
    # polars pads short lines with nulls and calls a blank line a row, hence a look beforehand.
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    blank, uneven = [], []
    n_lines = 0
    try:
        names = _names(path, next(lines))
        for fields in lines:
            if not fields and len(names) > 1:
                blank.append(n_lines)
            elif len(fields) != len(names) and fields:
                uneven.append((lines.line_num, len(fields)))
            n_lines += 1
    except csv.Error as error:
        raise UserError(f"{path} is no valid CSV file: line {lines.line_num}: {error}") from error
    if uneven:
        some = [f"line {line} has {n} fields" for line, n in uneven[:5]]
        more = [f"and {len(uneven) - 5:,} lines more"] if len(uneven) > 5 else []
        message = f"{path}: the header has {len(names)} fields, {len(uneven):,} lines have not"
        raise UserError(message, some + more)
    return names, blank, n_lines


def _names(path: Path, header: Sequence[str]) -> list[str]:
    if not header:
        raise UserError(f"{path}: the first line is blank; it must name the columns")
    if len(header) == 1 and (found := [c for c in ";\t|" if c in header[0]]):
        message = f"{path}: the fields are parted by {found[0]!r}; save it with commas"
        raise UserError(message)
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, 1)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(f"{path}: columns of the same name: {listed(repeated)}; rename them")
    return names


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise UserError(f"{path} is no valid Parquet file: {error}") from error
    if not frame.width:
        raise UserError(f"{path} is empty")
    frame.columns = _names(path, frame.columns)
    return plain_columns(frame, str(path))
