"""Brought: the bytes of a model that was made elsewhere, and what its maker says of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from homeostat.schema import Feature

__all__ = ["Brought", "Format"]


class Format(StrEnum):
    """What the bytes are."""

    ONNX = "onnx"
    SKOPS = "skops"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    PICKLE = "pickle"  #: code: never read in this process


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A model as it was found."""

    format: Format
    data: bytes = field(repr=False)
    source: str  #: the path or URI that was given
    #: What the maker says of the columns, in the model's order; empty where nothing is said.
    signature: tuple[Feature, ...] = ()
