"""What the processes of the demo need, imported once before they are forked."""

import importlib
import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

for _name in (
    "mlflow.tracking",
    "polars",
    "skops.io",
    "sklearn.calibration",
    "sklearn.ensemble",
    "uvicorn",
    "homeostat.cli.app",
    "homeostat.demo.telling",
    "homeostat.serving.app",
):
    importlib.import_module(_name)
