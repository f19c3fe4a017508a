"""The peers' values, in their own environment.

python -m benchmarks.agreement.peers FOLDER

`FOLDER` holds a reference and a current Parquet file for each pair.  One JSON object on standard
output: by peer, pair, column and measure; only where a peer's definition is ours.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Evidently's Jensen-Shannon divergence is in nats.
ROOT_OF_BITS = log(2) ** -0.5

Found = dict[str, dict[str, float]]


def main(folder: Path) -> dict[str, dict[str, Found]]:
    import pandas as pd

    warnings.simplefilter("ignore")
    found: dict[str, dict[str, Found]] = {"Evidently": {}, "NannyML": {}}
    for path in sorted(folder.glob("*.reference.parquet")):
        name = path.name.removesuffix(".reference.parquet")
        sides = pd.read_parquet(path), pd.read_parquet(folder / f"{name}.current.parquet")
        found["Evidently"][name] = evidently(*sides)
        found["NannyML"][name] = nannyml(*sides)
    return found


def numeric(frame: "pd.DataFrame") -> Iterator[tuple[str, bool]]:
    for column in frame.columns:
        yield str(column), frame[column].dtype.kind in "if"


def evidently(reference: "pd.DataFrame", current: "pd.DataFrame") -> Found:
    """Numbers are binned otherwise there, and its other tests give p-values only."""
    report = import_module("evidently").Report
    drift = import_module("evidently.metrics").ValueDrift
    found: Found = {}
    for column, is_number in numeric(reference):
        asked = (
            {"Wasserstein / s": ("wasserstein", 1.0)}
            if is_number
            else {
                "PSI": ("psi", 1.0),
                "Jensen-Shannon": ("jensenshannon", ROOT_OF_BITS),
                "Hellinger": ("hellinger", 1.0),
            }
        )
        metrics = [drift(column=column, method=method) for method, _ in asked.values()]
        seen = report(metrics).run(reference_data=reference, current_data=current).dict()
        found[column] = {
            shown: factor * float(metric["value"])
            for (shown, (_, factor)), metric in zip(asked.items(), seen["metrics"], strict=True)
        }
    return found


def nannyml(reference: "pd.DataFrame", current: "pd.DataFrame") -> Found:
    """Jensen-Shannon and Hellinger of numbers are binned otherwise there."""
    names = {
        "kolmogorov_smirnov": "KS",
        "wasserstein": "Wasserstein / s",
        "jensen_shannon": "Jensen-Shannon",
        "hellinger": "Hellinger",
        "chi2": "chi-square",
    }
    kinds = dict(numeric(reference))
    calculator = import_module("nannyml").UnivariateDriftCalculator(
        column_names=list(kinds),
        treat_as_categorical=[column for column, is_number in kinds.items() if not is_number],
        continuous_methods=["kolmogorov_smirnov", "wasserstein"],
        categorical_methods=["jensen_shannon", "hellinger", "chi2"],
        chunk_number=1,
    )
    calculator.fit(reference)
    seen = calculator.calculate(current).filter(period="analysis").to_df()
    found: Found = {}
    for column, method, what in seen.columns:
        if what == "value":
            value = float(seen[column, method, what].iloc[0])
            unit = reference[column].std(ddof=0) if method == "wasserstein" else 1.0
            found.setdefault(column, {})[names[method]] = value / unit
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
