"""NannyML's univariate drift calculator, fitted on the reference beforehand."""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.drift.workload import LEVELS, NAMES

__all__ = ["default", "ks_and_chi2"]


def default(reference: Path) -> Callable[[Path], list[str]]:
    return _calculator(reference)


def ks_and_chi2(reference: Path) -> Callable[[Path], list[str]]:
    return _calculator(
        reference,
        continuous_methods=["kolmogorov_smirnov"],
        categorical_methods=["chi2"],
        chunk_number=1,
    )


def _calculator(reference: Path, **options: Any) -> Callable[[Path], list[str]]:
    warnings.simplefilter("ignore")
    import pandas as pd

    calculator = import_module("nannyml").UnivariateDriftCalculator(
        column_names=list(NAMES), treat_as_categorical=list(LEVELS), **options
    )
    calculator.fit(pd.read_parquet(reference))

    def call(current: Path) -> list[str]:
        seen = calculator.calculate(pd.read_parquet(current)).filter(period="analysis").to_df()
        alerts = seen.xs("alert", axis=1, level=2).any()
        return sorted({str(column) for column, _ in alerts[alerts].index})

    return call
