"""Frames, files and a command that the tests of comparisons share."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from homeostat.cli.app import main
from homeostat.schema import Feature, Kind, Schema, Target, Task

ROWS = 600


def frame(seed: int, rows: int = ROWS, shift: float = 0.0) -> pl.DataFrame:
    """Rows with a number, a whole number, a category and a boolean; `shift` moves the number."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "income": rng.lognormal(8, 1, rows) * np.exp(shift),
            "children": rng.poisson(1.2, rows),
            "plan": rng.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.3, 0.2]),
            "active": rng.random(rows) < 0.7,
        }
    )


def schema(**kinds: Kind) -> Schema:
    return Schema(
        task=Task.BINARY,
        target=Target(column="y"),
        features=tuple(Feature(name=name, kind=kind) for name, kind in kinds.items()),
    )


def run(*arguments: Any) -> int:
    """The exit code of `homeostat compare` with these arguments."""
    try:
        main(["compare", *map(str, arguments)])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def written(folder: Path, name: str, data: pl.DataFrame) -> Path:
    """The data as a file of the kind that the name says."""
    path = folder / name
    if path.suffix == ".csv":
        data.write_csv(path)
    else:
        data.write_parquet(path)
    return path
