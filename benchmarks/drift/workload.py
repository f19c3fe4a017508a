"""The rows that are compared: 15 numbers and 5 texts, a quarter of the columns drifted.

Imported in the environments of the peers too, and so of numpy and pyarrow alone.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = ["DRIFTED", "INTEGERS", "LEVELS", "NAMES", "NUMBERS", "REFERENCE_ROWS", "file", "rows"]

REFERENCE_ROWS = 100_000
GROUP = 250_000  #: rows of a row group
SEED = 20_260_105

NORMALS = tuple(f"normal_{i}" for i in range(4))
LOGNORMALS = tuple(f"lognormal_{i}" for i in range(4))
ZEROS = tuple(f"zero_inflated_{i}" for i in range(3))
INTEGERS = tuple(f"integer_{i}" for i in range(3))
GAPS = ("with_gaps",)
LEVELS: Mapping[str, int] = {f"text_{levels}": levels for levels in (5, 10, 20, 50, 200)}

NUMBERS = (*NORMALS, *LOGNORMALS, *ZEROS, *INTEGERS, *GAPS)
NAMES = (*NUMBERS, *LEVELS)

#: Changed in the current rows, each by little.
DRIFTED = frozenset({"normal_0", "lognormal_0", "zero_inflated_0", "integer_0", "text_10"})

Draw = Callable[[np.random.Generator, int, bool], NDArray[np.float64]]


def file(folder: Path, n: int, *, drifted: bool) -> Path:
    """A Parquet file of so many rows, written if it is not there yet."""
    text = Path(__file__).read_text(encoding="utf-8")  # other code makes another file
    digest = hashlib.sha256(f"{text}{n}{drifted}".encode()).hexdigest()[:12]
    path = folder / f"{'current' if drifted else 'reference'}-{n}-{digest}.parquet"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        _write(part, n, drifted=drifted)
        part.rename(path)
    return path


def rows(n: int, seed: int, *, drifted: bool) -> pa.Table:
    """So many rows."""
    rng = np.random.default_rng(seed)
    columns = {name: _number(rng, name, n, drifted=drifted) for name in NUMBERS}
    columns |= {name: _text(rng, name, n, drifted=drifted) for name in LEVELS}
    return pa.table(columns)


def _write(path: Path, n: int, *, drifted: bool) -> None:
    begins = range(0, n, GROUP)
    first = rows(min(n, GROUP), SEED + drifted, drifted=drifted)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for i, begin in enumerate(begins[1:], start=1):
            part = rows(min(GROUP, n - begin), SEED + drifted + 2 * i, drifted=drifted)
            writer.write_table(part)


def _number(rng: np.random.Generator, name: str, n: int, *, drifted: bool) -> pa.Array:
    moved = drifted and name in DRIFTED
    if name in NORMALS:
        return pa.array(rng.normal(0.2 if moved else 0.0, 1, n))
    if name in LOGNORMALS:
        return pa.array(rng.lognormal(3.15 if moved else 3.0, 1, n))
    if name in ZEROS:
        zero = rng.random(n) < (0.52 if moved else 0.6)
        return pa.array(np.where(zero, 0.0, rng.gamma(2.0, 50.0, n)))
    if name in INTEGERS:
        return pa.array(rng.poisson(4.4 if moved else 4.0, n))
    return pa.array(rng.normal(10, 3, n), mask=rng.random(n) < 0.05)


def _text(rng: np.random.Generator, name: str, n: int, *, drifted: bool) -> pa.Array:
    levels = LEVELS[name]
    weights = 1 / np.arange(1.0, levels + 1) ** 0.7
    if drifted and name in DRIFTED:
        weights[1::2] *= 1.4
    codes = rng.choice(levels, n, p=weights / weights.sum())
    words = pa.array([f"level {i:03}" for i in range(levels)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), words).cast(pa.string())
