"""CSV files read in batches, by the rules of `homeostat.dataset.read`."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from homeostat.dataset.columns import listed
from homeostat.dataset.csv_types import Texts, converted
from homeostat.engines.source import Column
from homeostat.errors import UserError
from homeostat.schema import Kind

__all__ = ["csv_batches", "csv_texts"]

_BLOCK_BYTES = 1 << 23
_SHOWN = 5  #: uneven rows in a message


def csv_texts(path: Path) -> dict[str, Texts]:
    """What the texts of each column have in common; the file is read once.

    Raises
    ------
    UserError
        When it cannot be read: empty, not UTF-8, rows of unequal length, repeated names.
    """
    _check_text(path)
    names, _ = _head(path)
    texts = {name: Texts() for name in names}
    for batch in _batches(path, names):
        for name, seen in texts.items():
            seen.add(batch[name])
    return texts


def csv_batches(
    path: Path, columns: Sequence[Column], kinds: Mapping[str, Kind | None]
) -> Iterator[Any]:
    """The batches of a file, each column turned into what `kinds` says it holds."""
    wanted = [one.name for one in columns]
    for batch in _batches(path, wanted):
        typed = pl.DataFrame([converted(batch[name], kinds[name]) for name in wanted])
        yield from typed.to_arrow(compat_level=pl.CompatLevel.newest()).to_batches()


def _batches(path: Path, wanted: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The texts of the wanted columns."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names, has_rows = _head(path)
    if not has_rows:
        return
    uneven: list[str] = []

    def skip(row: Any) -> str:
        uneven.append(f"row {row.number - 1:,} has {row.actual_columns:,} fields")
        return "skip"

    # By place: a name may be anything.
    places = {name: str(i) for i, name in enumerate(names)}
    reader = arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(
            use_threads=False,  # with threads the places of uneven rows are not told
            block_size=_BLOCK_BYTES,
            column_names=list(places.values()),
            skip_rows_after_names=1,
        ),
        arrow_csv.ParseOptions(
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,
            invalid_row_handler=skip,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(places.values(), pa.large_string()),
            include_columns=[places[name] for name in wanted],
            strings_can_be_null=False,
        ),
    )
    for batch in reader:
        frame = pl.from_arrow(batch)
        if isinstance(frame, pl.DataFrame):
            yield frame.rename({places[name]: name for name in wanted})
    if uneven:
        raise _uneven(path, len(names), uneven)


def _uneven(path: Path, fields: int, rows: list[str]) -> UserError:
    more = [f"and {len(rows) - _SHOWN:,} rows more"] if len(rows) > _SHOWN else []
    message = f"{path}: the header has {fields} fields, {len(rows):,} rows have not"
    return UserError(message, rows[:_SHOWN] + more)


def _head(path: Path) -> tuple[list[str], bool]:
    """The names of the columns, and whether a row follows."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            header = next(lines, None)
            has_rows = any(fields for fields in lines)
        except csv.Error as error:
            message = f"{path} is no valid CSV file: line {lines.line_num}: {error}"
            raise UserError(message) from error
    if header is None:
        raise UserError(f"{path} is empty")
    if not header:
        raise UserError(f"{path}: the first line is blank; it must name the columns")
    if len(header) == 1 and (found := [c for c in ";\t|" if c in header[0]]):
        raise UserError(f"{path}: the fields are parted by {found[0]!r}; save it with commas")
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, 1)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UserError(f"{path}: columns of the same name: {listed(repeated)}; rename them")
    return names, has_rows


def _check_text(path: Path) -> None:
    """Refuse what is not UTF-8, and quotation marks that do not pair."""
    quoted = False
    place, line, rest = 0, 1, b""
    with path.open("rb") as raw:
        while block := raw.read(_BLOCK_BYTES):
            quoted = quoted or b'"' in block
            part = rest + block
            try:
                part.decode()
                rest = b""
            except UnicodeDecodeError as error:
                # A character may go on in the next block.
                if error.start < len(part) - 3 or error.reason != "unexpected end of data":
                    raise _not_utf8(path, place + error.start, line, part, error.start) from error
                part, rest = part[: error.start], part[error.start :]
            place += len(part)
            line += part.count(b"\n")
    if rest:
        raise _not_utf8(path, place, line, rest, 0)
    if quoted:
        _check_quotes(path)


def _not_utf8(path: Path, place: int, line: int, part: bytes, start: int) -> UserError:
    line += part[:start].count(b"\n")
    return UserError(
        f"{path} is not UTF-8: byte {place} (in line {line}) is 0x{part[start]:02x}; "
        "save it as UTF-8"
    )


def _check_quotes(path: Path) -> None:
    # Arrow takes a text that ends within quotation marks, or goes on behind them.
    with path.open(encoding="utf-8-sig", newline="") as text:
        lines = csv.reader(text, strict=True)
        try:
            for _ in lines:
                pass
        except csv.Error as error:
            message = f"{path} is no valid CSV file: line {lines.line_num}: {error}"
            raise UserError(message) from error
