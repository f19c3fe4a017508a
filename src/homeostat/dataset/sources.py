"""Sources of rows: frames of any kind, files, folders and patterns of file names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from homeostat.dataset.csv_batches import csv_batches, csv_texts
from homeostat.dataset.parquet import parquet_batches, parquet_kinds
from homeostat.engines.dispatch import source_of
from homeostat.engines.kinds import ColumnKind
from homeostat.engines.source import Column, Source
from homeostat.errors import NotFound, UserError
from homeostat.schema import Kind

__all__ = ["open_source"]

_SUFFIXES = (".csv", ".parquet")


def open_source(source: Any) -> Source:
    """Rows to be counted: a frame of any kind, or files that are read in batches.

    Files of one source are of one format and have the same columns.  CSV files are read by
    the rules of `read_frame`; what a column holds is told from all of them.  Parquet files
    are taken as they are.

    Parameters
    ----------
    source
        A frame; or the path of a CSV or Parquet file, of a folder of them (all below it, in
        the order of their names), a pattern such as ``logs/2024-*.parquet``, or a list of
        paths.

    Raises
    ------
    NotFound
        When there is no such file.
    UserError
        When it is neither, or the files cannot be read or do not belong together.
    """
    if isinstance(source, str | PathLike):
        return _files(_found(source), str(source))
    if isinstance(source, list | tuple) and all(isinstance(o, str | PathLike) for o in source):
        if not source:
            raise UserError("the list of files is empty; name a .csv or .parquet file")
        paths = [path for one in source for path in _found(one)]
        return _files(paths, f"the list of {len(paths)} files")
    return source_of(source)


def _found(source: str | PathLike[str]) -> list[Path]:
    path = Path(source)
    if path.is_file():
        return [path]
    if path.is_dir():
        below = (one for one in path.rglob("*") if not _is_hidden(one.relative_to(path)))
        paths = [one for one in below if one.suffix.lower() in _SUFFIXES]
    else:
        paths = _matching(path)
    paths = sorted(one for one in paths if one.is_file())
    if not paths:
        raise NotFound(f"{path} is not there; name a .csv or .parquet file, or a folder of them")
    return paths


def _matching(pattern: Path) -> list[Path]:
    """The files that a pattern such as ``logs/*/2024-*.csv`` names."""
    first = next((i for i, part in enumerate(pattern.parts) if set(part) & set("*?[")), None)
    if first is None:
        return []
    base, rest = pattern.parts[:first], pattern.parts[first:]
    return list(Path(*base).glob(str(Path(*rest))))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _files(paths: Sequence[Path], what: str) -> Source:
    suffixes = sorted({path.suffix.lower() for path in paths})
    if len(suffixes) != 1 or suffixes[0] not in _SUFFIXES:
        known = " or ".join(_SUFFIXES)
        raise UserError(f"{what}: files end in {', '.join(suffixes)}; all must end in {known}")
    try:
        return _csv(paths, what) if suffixes == [".csv"] else _parquet(paths, what)
    except OSError as error:
        raise UserError(f"{what} cannot be read: {error.strerror or error}") from error


def _parquet(paths: Sequence[Path], what: str) -> Source:
    found = {path: parquet_kinds(path) for path in paths}
    _same_columns(found)

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        for path in paths:
            yield from parquet_batches(path, columns)

    kinds = {
        name: _common(one[name] for one in found.values()) for name in next(iter(found.values()))
    }
    return Source(what=what, kinds=kinds, batches=batches)


def _csv(paths: Sequence[Path], what: str) -> Source:
    found = {path: csv_texts(path) for path in paths}
    _same_columns(found)
    first, *others = found.values()
    kinds = {
        name: sum((one[name] for one in others), start=texts).kind for name, texts in first.items()
    }

    def batches(columns: Sequence[Column]) -> Iterator[Any]:
        for path in paths:
            yield from csv_batches(path, columns, {name: one.kind for name, one in kinds.items()})

    return Source(what=what, kinds=kinds, batches=batches)


def _same_columns(found: Mapping[Path, Mapping[str, Any]]) -> None:
    (first, names), *others = found.items()
    problems = [
        f"{path} lacks {name!r}, which {first} has"
        for path, there in others
        for name in names
        if name not in there
    ]
    problems += [
        f"{path} has {name!r}, which {first} lacks"
        for path, there in others
        for name in there
        if name not in names
    ]
    if problems:
        raise UserError("the files have not the same columns", problems)


def _common(kinds: Iterable[ColumnKind]) -> ColumnKind:
    """What a column holds that holds these in one file each."""
    every = list(kinds)
    some = [one for one in every if not one.empty] or every
    if bad := [one for one in some if one.kind is None]:
        return bad[0]
    found = {one.kind for one in some}
    if len(found) == 1:
        return some[0]
    if found == {Kind.INTEGER, Kind.NUMBER}:
        return next(one for one in some if one.kind is Kind.NUMBER)
    types = " and ".join(sorted({one.type for one in some}))
    return ColumnKind(kind=None, type=types, reason="holds other types in other files")
