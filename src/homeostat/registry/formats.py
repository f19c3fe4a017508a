"""Formats: in which file of an artefact a model lies, and how it is read back.  None is code."""

from collections.abc import Mapping
from typing import Any

from homeostat.errors import StateError
from homeostat.registry.native import LightGbm, XgBoost, load_lightgbm, load_xgboost
from homeostat.registry.onnx import OnnxEstimator, load_onnx
from homeostat.registry.trusted import dump_estimator, load_estimator

__all__ = ["MODELS", "ONNX", "SKOPS", "dump_model", "load_model"]

ONNX, SKOPS = "model.onnx", "model.skops"
XGBOOST, LIGHTGBM = "model.xgboost.json", "model.lightgbm.txt"

#: The first of these that a version has is what serves; another one is what that was made from.
MODELS = (ONNX, SKOPS, XGBOOST, LIGHTGBM)


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
        SKOPS: load_estimator,
        XGBOOST: load_xgboost,
        LIGHTGBM: load_lightgbm,
    }
    for name in MODELS:
        if name in files:
            return loaders[name](files[name])
    raise StateError(f"there is no model in it, such as {ONNX} or {SKOPS}")
