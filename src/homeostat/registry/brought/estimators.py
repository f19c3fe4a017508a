"""A brought model as an estimator for encoded rows, and what it says of its columns."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from homeostat.errors import StateError, UserError
from homeostat.registry.adapted import adapt_onnx
from homeostat.registry.brought.model import Brought, Format
from homeostat.registry.formats import named_estimator
from homeostat.registry.native import load_lightgbm, load_xgboost
from homeostat.registry.onnx import load_onnx
from homeostat.registry.trusted import load_estimator
from homeostat.schema import Schema

__all__ = ["as_estimator", "column_names", "refuse_text"]


def column_names(brought: Brought) -> tuple[str, ...]:
    """The columns in the order in which the model reads them; empty where it does not say.

    Raises
    ------
    UserError
        When the model cannot be read.
    """
    try:
        own = _own_names(brought)
    except StateError as error:
        raise UserError(f"{brought.source}: {error}") from error
    return own or tuple(one.name for one in brought.signature)


def _own_names(brought: Brought) -> tuple[str, ...]:
    match brought.format:
        case Format.XGBOOST:
            return load_xgboost(brought.data).names
        case Format.LIGHTGBM:
            return load_lightgbm(brought.data).names
        case Format.SKOPS:
            names = getattr(load_estimator(brought.data), "feature_names_in_", ())
            return tuple(map(str, names))
    return ()


def as_estimator(brought: Brought, schema: Schema) -> Any:
    """What answers the encoded rows of the schema.

    Raises
    ------
    UserError
        When the model cannot be read, or reads other columns.
    """
    try:
        estimator = _estimator(brought, schema)
    except StateError as error:
        raise UserError(f"{brought.source}: {error}") from error
    width = _width(estimator)
    if width not in {None, len(schema.names)}:
        message = f"{brought.source} reads {width} columns, the schema has {len(schema.names)}"
        raise UserError(message)
    return estimator


def _estimator(brought: Brought, schema: Schema) -> Any:
    match brought.format:
        case Format.ONNX:
            return load_onnx(adapt_onnx(brought.data, schema))
        case Format.XGBOOST:
            return load_xgboost(brought.data)
        case Format.LIGHTGBM:
            return load_lightgbm(brought.data)
        case Format.SKOPS:
            estimator = load_estimator(brought.data)
            refuse_text(estimator)
            return named_estimator(estimator)
    raise UserError(f"{brought.source} is a pickle, that is a program; {TRUST}")


TRUST = (
    "give --trust-pickle to run it in a process of its own and keep only what it is converted "
    "to, or save the model as ONNX or skops"
)


def _width(estimator: Any) -> int | None:
    width = getattr(estimator, "width", getattr(estimator, "n_features_in_", None))
    return None if width is None else int(width)


def refuse_text(estimator: Any) -> None:
    """Refuse an estimator of scikit-learn that reads categories as text.

    Raises
    ------
    UserError
        When there is such an encoder in it: what it is given here are places of categories,
        and it would take every one of them for unknown.
    """
    for part in _parts(estimator, set()):
        for known in getattr(part, "categories_", ()):
            if np.asarray(known).dtype.kind not in "biuf":
                message = (
                    f"a {type(part).__name__} in the model reads categories as text, here they "
                    "are places in the schema's list; convert the model to ONNX, whose inputs "
                    "may be text, or train it on the places"
                )
                raise UserError(message)


def _parts(thing: Any, seen: set[int]) -> Iterator[Any]:
    """The estimators within an estimator."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, list | tuple):
        for one in thing:
            yield from _parts(one, seen)
    elif type(thing).__module__.startswith("sklearn.") and hasattr(thing, "__dict__"):
        yield thing
        for one in vars(thing).values():
            yield from _parts(one, seen)
