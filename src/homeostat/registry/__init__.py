"""Registry: what a trained model is kept in, how it is read back, and its mirror in MLflow."""

from homeostat.registry.artifacts import (
    Artifact,
    GoldenRows,
    load_scorer,
    read_description,
    read_parity,
    save_artifact,
)
from homeostat.registry.encode import encode, encode_frame
from homeostat.registry.mlflow import MlflowTracker, NoTracker, Tracker, open_tracker
from homeostat.registry.parity import Parity, Trial
from homeostat.registry.scorer import Scorer

__all__ = [
    "Artifact",
    "GoldenRows",
    "MlflowTracker",
    "NoTracker",
    "Parity",
    "Scorer",
    "Tracker",
    "Trial",
    "encode",
    "encode_frame",
    "load_scorer",
    "open_tracker",
    "read_description",
    "read_parity",
    "save_artifact",
]
