"""Models of XGBoost and LightGBM in their own files, which hold numbers and no code."""

import json
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError, UserError

__all__ = ["LightGbm", "XgBoost", "load_lightgbm", "load_xgboost"]

MOST = 2**24 - 1  #: the last category that XGBoost can hold
LOGISTIC = {"binary:logistic", "reg:logistic"}  #: objectives whose answer is a probability


class XgBoost:
    """A booster of XGBoost that answers with a probability.

    Parameters
    ----------
    data
        The model, in XGBoost's JSON.
    booster
        The same, loaded.
    """

    def __init__(self, data: bytes, booster: Any) -> None:
        self.data = data
        self.booster = booster
        self.names = tuple(booster.feature_names or ())  #: of the columns; empty: not named
        self.width = int(booster.num_features())
        best = booster.attr("best_iteration")
        # As XGBoost's own classifier answers; a bare booster takes all trees.
        early = best is not None and booster.attr("scikit_learn") is not None
        self.rounds = (0, int(best) + 1) if early else (0, 0)  #: (0, 0): all
        kinds = booster.feature_types or ()
        self.categories = [i for i, kind in enumerate(kinds) if kind == "c"]  #: their columns
        booster.set_param({"nthread": 1})

    def predict_proba(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n, 2)."""
        from xgboost import DMatrix

        kinds = self.booster.feature_types
        if self.categories:  # XGBoost knows no unknown category, LightGBM takes -1 for missing
            x = x.copy()
            codes = x[:, self.categories]
            x[:, self.categories] = np.where((codes < 0) | (codes > MOST), np.nan, codes)
        matrix = DMatrix(x, feature_types=kinds, enable_categorical=True, nthread=1)
        positive = self.booster.predict(
            matrix, iteration_range=self.rounds, validate_features=False
        ).astype(float)
        return np.column_stack([1 - positive, positive])


class LightGbm:
    """A booster of LightGBM that answers with a probability.

    Parameters
    ----------
    data
        The model, in LightGBM's text.
    booster
        The same, loaded.
    """

    def __init__(self, data: bytes, booster: Any) -> None:
        self.data = data
        self.booster = booster
        names = tuple(booster.feature_name())
        made_up = tuple(f"Column_{i}" for i in range(len(names)))
        self.names = () if names == made_up else names  #: of the columns; empty: not named
        self.width = len(names)

    def predict_proba(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (n, 2)."""
        positive = np.asarray(self.booster.predict(x, num_threads=1), dtype=float)
        return np.column_stack([1 - positive, positive])


def load_xgboost(data: bytes) -> XgBoost:
    """The booster in XGBoost's JSON or UBJSON.

    Raises
    ------
    UserError
        When XGBoost is not installed, or the booster gives no probability.
    StateError
        When the bytes are no booster.
    """
    xgboost = _installed("xgboost")
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(data))
        plain = bytes(booster.save_raw("json"))
        objective = str(json.loads(plain)["learner"]["objective"]["name"])
    except (xgboost.core.XGBoostError, ValueError, KeyError, TypeError) as error:
        cause = str(error).strip().partition("\n")[0][:200]
        raise StateError(f"the model is no booster of XGBoost: {cause}") from error
    if objective not in LOGISTIC:
        raise UserError(f"the booster's objective is {objective}; binary:logistic is asked")
    return XgBoost(plain, booster)


def load_lightgbm(data: bytes) -> LightGbm:
    """The booster in LightGBM's text.

    Raises
    ------
    UserError
        When LightGBM is not installed, or the booster gives no probability.
    StateError
        When the bytes are no booster.
    """
    lightgbm = _installed("lightgbm")
    try:
        text = data.decode()
        booster = lightgbm.Booster(model_str=text)
        objective = str(booster.dump_model(num_iteration=1).get("objective", "")).split(" ")[0]
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        cause = str(error).strip().partition("\n")[0][:200]
        raise StateError(f"the model is no booster of LightGBM: {cause}") from error
    if objective not in {"binary", "cross_entropy"}:
        raise UserError(f"the booster's objective is {objective or 'unknown'}; binary is asked")
    return LightGbm(data, booster)


def _installed(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        message = f"{name} is not installed; run: pip install 'homeostat[{name}]'"
        raise UserError(message) from error
