"""NannyML's CBPE on streams, in its own environment.

python -m benchmarks.estimates.peers FOLDER

`FOLDER` holds one .npz for each draw of a stream; one line of JSON on standard output: by file
and metric the estimate of each window.
"""

import json
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

METRICS = ("accuracy", "f1", "roc_auc")


def frame(score: Any, label: Any, threshold: float) -> Any:
    pandas = import_module("pandas")
    said = (score >= threshold).astype(int)
    return pandas.DataFrame({"score": score, "answer": said, "label": label.astype(int)})


def estimates(file: Path) -> dict[str, list[float]]:
    held = np.load(file)
    threshold, size = float(held["threshold"]), int(held["size"])
    cbpe = import_module("nannyml").CBPE(
        y_pred_proba="score",
        y_pred="answer",
        y_true="label",
        problem_type="classification_binary",
        metrics=list(METRICS),
        chunk_size=size,
    )
    cbpe.fit(frame(held["reference_score"], held["reference_label"], threshold))
    n = len(held["score"]) // size * size
    rows = frame(held["score"][:n], held["label"][:n], threshold).drop(columns="label")
    found = cbpe.estimate(rows).filter(period="analysis").to_df()
    return {one: found[(one, "value")].astype(float).tolist() for one in METRICS}


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    print(json.dumps({one.stem: estimates(one) for one in sorted(folder.glob("*.npz"))}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
