"""Steps of scikit-learn that come before an estimator, as parts of a graph.

Each reads a tensor of shape (n, k) in doubles and gives one of shape (n, m).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from homeostat.registry.compiling.graph import Graph, Uncompilable

__all__ = ["add_step"]


def add_step(graph: Graph, step: Any, x: str) -> str:
    """What a fitted step makes of `x`.

    Raises
    ------
    Uncompilable
        When there is no graph for it.
    """
    if step in (None, "passthrough"):
        return x
    kind = type(step)
    maker = MAKERS.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
    if maker is None:
        raise Uncompilable(f"{kind.__name__} has no graph")
    return maker(graph, step, x)


def _pipeline(graph: Graph, pipeline: Any, x: str) -> str:
    for _, step in pipeline.steps:
        x = add_step(graph, step, x)
    return x


def _by_columns(graph: Graph, transformer: Any, x: str) -> str:
    parts = []
    for _, step, columns in transformer.transformers_:
        places = _places(columns, transformer)
        if (isinstance(step, str) and step == "drop") or not len(places):
            continue
        parts.append(add_step(graph, step, graph.columns(x, places)))
    if not parts:
        raise Uncompilable("a ColumnTransformer that drops everything")
    return graph.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]


def _places(columns: Any, transformer: Any) -> list[int]:
    width = int(transformer.n_features_in_)
    if isinstance(columns, slice):
        columns = range(*columns.indices(width))
    places = list(columns) if np.ndim(columns) == 1 or isinstance(columns, range) else [columns]
    names = list(getattr(transformer, "feature_names_in_", ()))
    places = [names.index(one) if isinstance(one, str) and one in names else one for one in places]
    if not all(isinstance(one, int | np.integer) and not isinstance(one, bool) for one in places):
        raise Uncompilable("a ColumnTransformer whose columns are no numbers")
    return [int(one) % width for one in places]


def _impute(graph: Graph, imputer: Any, x: str) -> str:
    fill = np.asarray(imputer.statistics_)
    if imputer.missing_values is None or not np.isnan(imputer.missing_values):
        raise Uncompilable("a SimpleImputer of something else than NaN")
    if fill.dtype.kind != "f" or np.isnan(fill).any():
        raise Uncompilable("a SimpleImputer that drops columns, or fills in text")
    missing = graph.op("IsNaN", x)
    filled = graph.op("Where", missing, graph.constant(fill.reshape(1, -1)), x)
    if imputer.indicator_ is None or not len(imputer.indicator_.features_):
        return filled
    seen = graph.columns(missing, imputer.indicator_.features_)
    return graph.op("Concat", filled, graph.floats(seen, single=False), axis=1)


def _scale(graph: Graph, scaler: Any, x: str) -> str:
    if scaler.with_mean:
        x = graph.op("Sub", x, graph.constant(scaler.mean_.reshape(1, -1)))
    if scaler.with_std:
        x = graph.op("Div", x, graph.constant(scaler.scale_.reshape(1, -1)))
    return x


def _one_hot(graph: Graph, encoder: Any, x: str) -> str:
    """A column for each category: whether the value is that category."""
    if getattr(encoder, "drop_idx_", None) is not None or encoder.handle_unknown != "ignore":
        raise Uncompilable("a OneHotEncoder that drops a category, or refuses unknown ones")
    if getattr(encoder, "infrequent_categories_", None) is not None:
        raise Uncompilable("a OneHotEncoder that joins rare categories")
    groups = [np.asarray(one) for one in encoder.categories_]
    if any(one.dtype.kind not in "fiu" for one in groups):
        raise Uncompilable("a OneHotEncoder of text; train on the places of the categories")
    codes = np.concatenate(groups).astype(float)
    places = np.repeat(np.arange(len(groups)), [len(one) for one in groups])
    spread = graph.columns(x, places)
    same = graph.op("Equal", spread, graph.constant(codes.reshape(1, -1)))
    if np.isnan(codes).any():
        asked = graph.constant(np.isnan(codes).reshape(1, -1), np.bool_)
        same = graph.op("Or", same, graph.op("And", graph.op("IsNaN", spread), asked))
    return graph.floats(same, single=False)


MAKERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "ColumnTransformer": _by_columns,
    "OneHotEncoder": _one_hot,
    "Pipeline": _pipeline,
    "SimpleImputer": _impute,
    "StandardScaler": _scale,
}
