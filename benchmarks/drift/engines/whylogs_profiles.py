"""whylogs: profiles of both sides, that of the reference made beforehand, and its drift scores."""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

__all__ = ["default"]


def default(reference: Path) -> Callable[[Path], list[str]]:
    warnings.simplefilter("ignore")
    import pandas as pd

    whylogs = import_module("whylogs")
    scored = import_module("whylogs.viz.drift.column_drift_algorithms").calculate_drift_scores

    before = whylogs.log(pd.read_parquet(reference)).view()

    def call(current: Path) -> list[str]:
        after = whylogs.log(pd.read_parquet(current)).view()
        scores = scored(target_view=after, reference_view=before, with_thresholds=True)
        return [name for name, one in scores.items() if one and one["drift_category"] == "DRIFT"]

    return call
