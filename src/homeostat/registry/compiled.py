"""The compiled form of a model, where it is proved to answer like the model itself."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError, UserError
from homeostat.registry.adapted import adapt_onnx
from homeostat.registry.compiling import (
    Uncompilable,
    compile_estimator,
    compile_lightgbm,
    compile_xgboost,
)
from homeostat.registry.formats import NamedEstimator
from homeostat.registry.native import LightGbm, XgBoost
from homeostat.registry.onnx import OnnxEstimator, load_onnx
from homeostat.registry.parity import DOUBLE, SINGLE, Parity, Trial, not_compiled, prove

__all__ = ["compiled_form"]

#: What skl2onnx raises for what it cannot convert; its own kinds are RuntimeErrors.
CONVERTER_FAILS = (
    *(RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError),
    *(NotImplementedError, AssertionError, ImportError),
)


def compiled_form(estimator: Any, trial: Trial) -> tuple[OnnxEstimator | None, Parity]:
    """The estimator as a graph where that may serve in its place, and what was found.

    What is an ONNX graph already is given back as it is.
    """
    if isinstance(estimator, OnnxEstimator):
        return estimator, Parity(compiled=True, reason="it came as ONNX")
    width = trial.x.shape[1]
    try:
        compiled = load_onnx(_compile(estimator, width))
    except Uncompilable as error:
        return _by_skl2onnx(estimator, trial, why=str(error))
    except StateError as error:
        return None, not_compiled(str(error))
    tolerance = SINGLE if isinstance(estimator, XgBoost) else DOUBLE
    parity = prove(estimator, compiled, trial, tolerance=tolerance)
    return compiled if parity.compiled else None, parity


def _compile(estimator: Any, width: int) -> bytes:
    if isinstance(estimator, XgBoost):
        return compile_xgboost(estimator.data, width, estimator.rounds[1])
    if isinstance(estimator, LightGbm):
        return compile_lightgbm(estimator.booster, width)
    return compile_estimator(_bare(estimator), width)


def _bare(estimator: Any) -> Any:
    return estimator.estimator if isinstance(estimator, NamedEstimator) else estimator


def _by_skl2onnx(estimator: Any, trial: Trial, *, why: str) -> tuple[OnnxEstimator | None, Parity]:
    """What the general converter makes of it, in doubles, held to the same proof."""
    bare = _bare(estimator)
    if not type(bare).__module__.startswith("sklearn."):
        return None, not_compiled(why)
    try:
        compiled = load_onnx(adapt_onnx(_converted(bare, trial.x), None))
    except (StateError, UserError, Uncompilable) as error:
        return None, not_compiled(f"{why}; by skl2onnx: {error}")
    parity = prove(estimator, compiled, trial)
    return compiled if parity.compiled else None, parity


def _converted(estimator: Any, x: NDArray[np.float64]) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from skl2onnx import to_onnx
            from skl2onnx.common.data_types import DoubleTensorType
    except ImportError as error:
        raise Uncompilable("it is not installed (pip install 'homeostat[skl2onnx]')") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = to_onnx(
                estimator,
                initial_types=[("given", DoubleTensorType([None, x.shape[1]]))],
                options={id(estimator): {"zipmap": False}},
            )
    except CONVERTER_FAILS as error:
        cause = str(error).strip().partition("\n")[0][:200]
        raise Uncompilable(f"{type(error).__name__}: {cause}") from error
    data: bytes = model.SerializeToString()
    return data
