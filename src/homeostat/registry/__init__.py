"""Registry: what a trained model is kept in, how it is read back, and its mirror in MLflow."""

from homeostat.registry.artifacts import Artifact, GoldenRows, load_scorer, save_artifact
from homeostat.registry.encode import encode, encode_frame
from homeostat.registry.mlflow import MlflowTracker, NoTracker, Tracker, open_tracker
from homeostat.registry.scorer import Scorer

__all__ = [
    "Artifact",
    "GoldenRows",
    "MlflowTracker",
    "NoTracker",
    "Scorer",
    "Tracker",
    "encode",
    "encode_frame",
    "load_scorer",
    "open_tracker",
    "save_artifact",
]
