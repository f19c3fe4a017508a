"""Formats: in which file of an artefact a model lies, and how it is read back.  None is code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError
from homeostat.registry.native import LightGbm, XgBoost, load_lightgbm, load_xgboost
from homeostat.registry.onnx import OnnxEstimator, load_onnx
from homeostat.registry.trusted import dump_estimator, load_estimator

__all__ = [
    "LIGHTGBM",
    "MODELS",
    "ONNX",
    "SKOPS",
    "XGBOOST",
    "NamedEstimator",
    "dump_model",
    "load_model",
    "named_estimator",
]

ONNX, SKOPS = "model.onnx", "model.skops"
XGBOOST, LIGHTGBM = "model.xgboost.json", "model.lightgbm.txt"

#: The first of these that a version has is what serves; another one is what that was made from.
MODELS = (ONNX, SKOPS, XGBOOST, LIGHTGBM)


@dataclass(frozen=True, slots=True)
class NamedEstimator:
    """An estimator of scikit-learn that learnt from a frame, asked with a matrix."""

    estimator: Any
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many columns it reads."""
        return len(self.names)

    def predict_proba(self, x: NDArray[np.float64]) -> Any:
        """Shape (n, 2)."""
        import polars as pl

        frame = pl.DataFrame({name: x[:, i] for i, name in enumerate(self.names)})
        return self.estimator.predict_proba(frame)


def named_estimator(estimator: Any) -> Any:
    """The estimator, asked by names where it learnt names."""
    names = getattr(estimator, "feature_names_in_", None)
    return estimator if names is None else NamedEstimator(estimator, tuple(map(str, names)))


def dump_model(estimator: Any) -> tuple[str, bytes]:
    """The file of an estimator, and what stands in it.

    Raises
    ------
    StateError
        When it holds types that could not be loaded again.
    """
    match estimator:
        case OnnxEstimator():
            return ONNX, estimator.data
        case XgBoost():
            return XGBOOST, estimator.data
        case LightGbm():
            return LIGHTGBM, estimator.data
        case NamedEstimator():
            return SKOPS, dump_estimator(estimator.estimator)
    return SKOPS, dump_estimator(estimator)


def load_model(files: Mapping[str, bytes]) -> Any:
    """The estimator that serves, of the files of an artefact.

    Raises
    ------
    StateError
        When there is none, or it cannot be read.
    """
    loaders = {
        ONNX: load_onnx,
        SKOPS: lambda data: named_estimator(load_estimator(data)),
        XGBOOST: load_xgboost,
        LIGHTGBM: load_lightgbm,
    }
    for name in MODELS:
        if name in files:
            return loaders[name](files[name])
    raise StateError(f"there is no model in it, such as {ONNX} or {SKOPS}")
