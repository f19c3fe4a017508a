"""The model as MLflow saves it.

python -m benchmarks.serving.peers.mlflow_model FOLDER
"""

import sys
from pathlib import Path

import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

from benchmarks.serving.workload import NAMES, estimator, rows

if __name__ == "__main__":
    model, some = estimator(), pd.DataFrame(rows(5), columns=list(NAMES))
    mlflow.sklearn.save_model(
        model,
        str(Path(sys.argv[1]) / "model"),
        serialization_format="cloudpickle",
        signature=infer_signature(some, model.predict_proba(some.to_numpy())),
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["mlflow", "scikit-learn"],
    )
