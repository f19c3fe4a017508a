"""The packages themselves, window by window, each in its own environment.

python -m benchmarks.quality.peers NAME < CASES

`CASES` is JSON: the rows of the reference, and a list of cases.  One line of JSON on standard
output: the alarms of each case, one for each window.
"""

import json
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from benchmarks.quality.cases import Case
from benchmarks.quality.population import Block, Population, words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PEERS"]

#: Of the windows of a block, which are called changed.
Judge: TypeAlias = Callable[[Block], list[bool]]
Fit: TypeAlias = Callable[[Population, Block, int], Judge]


def frame(block: Block, population: Population) -> "pd.DataFrame":
    """All windows of a block, one below the other."""
    import pandas as pd

    return pd.DataFrame(
        {
            name: np.array([*words(one), None], dtype=object)[block.columns[name].ravel()]
            if one.levels
            else block.columns[name].ravel()
            for name, one in population.margins.items()
        }
    )


def one_by_one(population: Population, judge: "Callable[[pd.DataFrame], bool]") -> Judge:
    """The judge of many windows from the judge of one."""

    def judged(block: Block) -> list[bool]:
        held = frame(block, population)
        parts = (held[i : i + block.rows] for i in range(0, len(held), block.rows))
        return [judge(one.reset_index(drop=True)) for one in parts]

    return judged


def nannyml(population: Population, reference: Block, rows: int) -> Judge:
    """Its default: Jensen-Shannon, limits from the chunks of the reference, any column."""
    calculator = import_module("nannyml").UnivariateDriftCalculator(
        column_names=list(population.names),
        treat_as_categorical=[name for name, one in population.margins.items() if one.levels],
        chunk_size=rows,
    )
    calculator.fit(frame(reference, population))

    def judge(block: Block) -> list[bool]:
        held = calculator.calculate(frame(block, population)).filter(period="analysis").to_df()
        alarms: list[bool] = held.xs("alert", axis=1, level=2).any(axis=1).tolist()
        return alarms

    return judge


def whylogs(population: Population, reference: Block, _rows: int) -> Judge:
    """Its drift scores of profiles: any column in the category of drift."""
    why = import_module("whylogs")
    scored = import_module("whylogs.viz.drift.column_drift_algorithms").calculate_drift_scores
    before = why.log(frame(reference, population)).view()

    def judge(window: "pd.DataFrame") -> bool:
        now = why.log(window).view()
        scores = scored(target_view=now, reference_view=before, with_thresholds=True)
        return any(one and one["drift_category"] == "DRIFT" for one in scores.values())

    return one_by_one(population, judge)


def evidently(population: Population, reference: Block, _rows: int) -> Judge:
    """Its drift preset: any column flagged."""
    from benchmarks.drift.engines.evidently_presets import flagged

    report = import_module("evidently").Report
    preset = import_module("evidently.presets").DataDriftPreset
    before = frame(reference, population)

    def judge(window: "pd.DataFrame") -> bool:
        asked = report([preset()], include_tests=True)
        tests = asked.run(reference_data=before, current_data=window).dict()["tests"]
        return bool(flagged(tests))

    return one_by_one(population, judge)


def alibi(population: Population, reference: Block, _rows: int) -> Judge:
    """TabularDrift of Alibi Detect, p < 0.05 after Bonferroni's correction."""

    def coded(block: Block) -> Any:
        return np.column_stack([block.columns[name].ravel() for name in population.names])

    levels = {i: None for i, one in enumerate(population.margins.values()) if one.levels}
    detector = import_module("alibi_detect.cd").TabularDrift(
        coded(reference), p_val=0.05, categories_per_feature=levels
    )

    def judge(block: Block) -> list[bool]:
        held = coded(block).reshape(block.windows, block.rows, -1)
        return [bool(detector.predict(one)["data"]["is_drift"]) for one in held]

    return judge


PEERS: Mapping[str, Fit] = {
    "nannyml": nannyml,
    "whylogs": whylogs,
    "evidently": evidently,
    "alibi": alibi,
}


def main(name: str, asked: dict[str, Any]) -> None:
    warnings.simplefilter("ignore")
    judges: dict[tuple[str, int, int], Judge] = {}
    found = []
    for case in map(Case.from_dict, asked["cases"]):
        key = (case.stream.kind, case.stream.features, case.stream.rows)
        if key not in judges:
            reference = case.reference(asked["reference_rows"])
            judges[key] = PEERS[name](case.population, reference, case.stream.rows)
        found.append(list(chain.from_iterable(judges[key](one) for one in case.blocks())))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], json.load(sys.stdin))
