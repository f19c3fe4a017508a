"""Compiling: an estimator as an ONNX graph that computes in double precision.

Every graph has one input, ``x`` of shape (n, k) in doubles as `homeostat.registry.encode` gives
it, and one output, ``probability`` of shape (n,) in doubles.  Whether it answers like what it
was made from is asked elsewhere, of rows (`homeostat.registry.parity`).
"""

from homeostat.registry.compiling.boosters import compile_lightgbm, compile_xgboost
from homeostat.registry.compiling.estimators import compile_estimator
from homeostat.registry.compiling.graph import Graph, Uncompilable

__all__ = ["Graph", "Uncompilable", "compile_estimator", "compile_lightgbm", "compile_xgboost"]
