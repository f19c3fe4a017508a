"""Evidently's data drift preset."""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["default", "flagged", "ks_and_chi2"]


def default(reference: Path) -> Callable[[Path], list[str]]:
    return _preset(reference)


def ks_and_chi2(reference: Path) -> Callable[[Path], list[str]]:
    return _preset(reference, num_method="ks", cat_method="chisquare")


def flagged(tests: list[dict[str, Any]]) -> list[str]:
    """The columns of the tests that failed, by Evidently's own word."""
    failed = [one["metric_config"]["params"] for one in tests if one["status"].value == "FAIL"]
    return [str(one["column"]) for one in failed if "column" in one]


def _preset(reference: Path, **methods: str) -> Callable[[Path], list[str]]:
    warnings.simplefilter("ignore")
    import pandas as pd

    report = import_module("evidently").Report
    preset = import_module("evidently.presets").DataDriftPreset

    before = pd.read_parquet(reference)

    def call(current: Path) -> list[str]:
        asked = report([preset(**methods)], include_tests=True)
        snapshot = asked.run(reference_data=before, current_data=pd.read_parquet(current))
        return flagged(snapshot.dict()["tests"])

    return call
