"""Profiles, verdicts and windows that several tests of the core are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.bins import PROBABILITY, Bins, FeatureBins, fit_category, fit_numeric
from homeostat.profile import FeatureProfile, Profile
from homeostat.verdict import Outcome, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

Columns = Mapping[str, NDArray[Any]]


def fitted(columns: Columns) -> Bins:
    """Bins fitted on these columns: numbers, or text with None; the score is not watched."""
    made = (
        fit_category(name, values.tolist()) if values.dtype == object else fit_numeric(name, values)
        for name, values in columns.items()
    )
    return Bins(tuple(replace(one, scores=()) if one.name == PROBABILITY else one for one in made))


def places(bins: FeatureBins, values: NDArray[Any]) -> NDArray[np.int64]:
    """The bin of each value, straight from the definition."""
    missing = bins.size - 1
    if bins.kind.is_numeric:
        found = np.searchsorted(np.array(bins.edges), values, side="right")
        return np.where(np.isnan(values), missing, found)
    index: dict[Any, int] = {name: i for i, name in enumerate(bins.categories)}
    index[None] = missing
    return np.array([index.get(value, missing - 1) for value in values.tolist()], dtype=np.int64)


def counted(bins: Bins, columns: Columns) -> Profile:
    """The profile of these columns, without moments."""
    found = [places(one, columns[one.name]) for one in bins.features]
    counts = [
        np.bincount(at, minlength=one.size) for at, one in zip(found, bins.features, strict=True)
    ]
    scores = [np.array([*bins.features[i].scores, 0])[found[i]] for i in bins.watched]
    held = np.column_stack(scores) if scores else np.zeros((0, 0))
    joint = (held.T @ held)[np.triu_indices(len(scores))]
    flat = np.concatenate(counts).astype(np.int64)
    return Profile(bins, flat, np.zeros((len(counts), 3)), joint.astype(np.int64))


def feature(bins: FeatureBins, values: NDArray[Any]) -> FeatureProfile:
    """The profile of one column, without moments."""
    counts = np.bincount(places(bins, values), minlength=bins.size)
    return FeatureProfile(bins, counts.astype(np.int64), np.zeros(3))


def text(values: Sequence[str | None]) -> NDArray[Any]:
    """A column of text."""
    return np.array(values, dtype=object)


def said(outcome: Outcome, question: str = "drift", reason: str = "as made") -> Verdict:
    """A verdict that says no more than this."""
    return Verdict(question=question, outcome=outcome, reason=reason)
