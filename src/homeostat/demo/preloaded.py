"""What the processes of the demo need, imported once before they are forked."""

import importlib
import os

import sqlalchemy.orm

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

for _name in (
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking",
    "pandera.backends.polars.builtin_checks",
    "pandera.polars",
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

sqlalchemy.orm.configure_mappers()
