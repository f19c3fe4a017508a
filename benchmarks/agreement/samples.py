"""Pairs of samples that are compared: two of real rows, one that is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

__all__ = ["Pair", "pairs"]

SEED = 20_261_120

#: Quarters of the letters a to e before and after.
BEFORE, AFTER = (0.4, 0.3, 0.15, 0.1, 0.05), (0.35, 0.3, 0.2, 0.1, 0.05)


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and a current sample of the same columns, numbers without gaps and text."""

    reference: pl.DataFrame
    current: pl.DataFrame


def pairs(data: Path) -> Mapping[str, Pair]:
    """The pairs by name.

    Parameters
    ----------
    data
        The folder of the real data files.
    """
    return {"car loan": _car_loan(data), "credit": _credit(data), "made": _made()}


def _car_loan(data: Path) -> Pair:
    """The reference that NannyML ships, and the last part of the time after it."""
    folder = data / "nannyml_car_loan"
    columns = (
        "car_value",
        "debt_to_income_ratio",
        "driver_tenure",
        "y_pred_proba",
        "salary_range",
        "size_of_downpayment",
    )
    sides = (
        pl.read_csv(folder / f"synthetic_car_loan_{name}.csv", columns=columns)
        for name in ("reference", "analysis")
    )
    reference, current = (side.select(columns) for side in sides)
    return Pair(reference, current.tail(10_000))


def _credit(data: Path) -> Pair:
    """Two parts of one file: whoever calls this a drift is mistaken."""
    names = {"age": "age", "MonthlyIncome": "income", "NumberOfOpenCreditLinesAndLoans": "loans"}
    rows = pl.read_csv(
        data / "gmsc" / "cs-training.csv", columns=list(names), null_values="NA"
    ).drop_nulls()
    held = rows.rename(names).with_columns(
        pl.when(pl.col("age") < 35)
        .then(pl.lit("young"))
        .when(pl.col("age") < 60)
        .then(pl.lit("middle"))
        .otherwise(pl.lit("old"))
        .alias("generation")
    )
    return Pair(held.head(90_000), held.tail(20_000))


def _made() -> Pair:
    random = np.random.default_rng(SEED)

    def side(n: int, shift: float, letters: tuple[float, ...]) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "normal": random.normal(100 + 15 * shift, 15 * (1 + shift), n),
                "lognormal": random.lognormal(3 + shift, 0.8, n),
                "whole": (random.poisson(2.5 + shift, n)).astype(float),
                "letter": random.choice(list("abcde"), n, p=letters),
            }
        )

    return Pair(side(9_000, 0.0, BEFORE), side(5_000, 0.2, AFTER))
