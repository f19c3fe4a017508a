"""A row that a model answers, for its documentation."""

import math

import numpy as np

from homeostat.profile import FeatureProfile, Profile
from homeostat.schema import Feature, Kind, Row, Schema, Value

__all__ = ["example_row"]


def example_row(schema: Schema, reference: Profile) -> Row:
    """The medians, and the most frequent categories, of the reference."""
    return {one.name: _usual(one, reference.feature(one.name)) for one in schema.features}


def _usual(feature: Feature, seen: FeatureProfile) -> Value:
    if not feature.kind.is_numeric:
        known = seen.bins.categories
        most = known[int(np.argmax(seen.present[: len(known)]))] if known else ""
        return most == "true" if feature.kind is Kind.BOOLEAN else most
    median = seen.quantile(0.5)
    low = feature.minimum if feature.minimum is not None else -math.inf
    high = feature.maximum if feature.maximum is not None else math.inf
    value = min(max(0.0 if math.isnan(median) else median, low), high)
    # the middle of the bin of 41 is 41.5
    return math.floor(value) if feature.kind is Kind.INTEGER else float(f"{value:.6g}")
