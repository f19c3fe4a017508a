"""Profiles and verdicts that the tests of the reports share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from homeostat.bins import PREDICTION, PROBABILITY, Bins, fit_bins
from homeostat.engines.rows import RowCounter
from homeostat.profile import Profile
from homeostat.reference import Reference
from homeostat.schema import Feature, Kind, Schema, Target, Task
from homeostat.verdict import Measurement, Outcome, Verdict

AT = datetime(2026, 3, 4, 12, 30, 5, tzinfo=UTC)
WINDOW = (AT - timedelta(hours=24), AT)

Columns = dict[str, Any]


def schema(columns: Columns) -> Schema:
    return Schema(
        task=Task.BINARY,
        target=Target(column="the target"),
        features=tuple(
            Feature(name=name, kind=Kind.CATEGORY if values.dtype == object else Kind.NUMBER)
            for name, values in columns.items()
        ),
    )


def bins(columns: Columns, scores: Any) -> Bins:
    return fit_bins(schema(columns), columns).with_scores(scores)


def counted(where: Bins, columns: Columns, scores: Any) -> Profile:
    counter = RowCounter(where)
    for i, score in enumerate(scores.tolist()):
        row = {name: values[i] for name, values in columns.items()}
        counter.add({**row, PROBABILITY: score, PREDICTION: int(score >= 0.5)})
    return counter.profile


def columns(count: int, n: int, seed: int = 0) -> Columns:
    rng = np.random.default_rng(seed)
    return {f"x{i}": rng.normal(i, 1, n) for i in range(count)}


def scores(n: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).beta(2, 5, n)


def pair(count: int, n: int = 400, now: int = 300) -> tuple[Profile, Profile]:
    """A reference and a window in its bins, of `count` features x0, x1, ..."""
    before = columns(count, n)
    where = bins(before, scores(n))
    return (
        counted(where, before, scores(n)),
        counted(where, columns(count, now, seed=1), scores(now, seed=1)),
    )


def reference(profile: Profile) -> Reference:
    return Reference(
        model="credit",
        created_at=AT - timedelta(days=30),
        source="train.csv",
        data_fingerprint="ab" * 32,
        profile=profile,
    )


def measured(subject: str, **changes: Any) -> Measurement:
    plain: dict[str, Any] = {
        "subject": subject,
        "statistic": "ks",
        "value": 0.02,
        "p_value": 0.6,
        "effect": 0.02,
        "asked": 0.05,
        "minimum_detectable_effect": 0.06,
        "n_reference": 400,
        "n_current": 300,
    }
    return Measurement(**{**plain, **changes})


def changed(subject: str, effect: float = 0.4, **more: Any) -> Measurement:
    told = {"value": effect, "effect": effect, "p_value": 1e-6, "drifted": True}
    return measured(subject, **{**told, **more})


def verdict(*measurements: Measurement, outcome: Outcome = Outcome.FAIL, **details: Any) -> Verdict:
    return Verdict(
        question="drift",
        outcome=outcome,
        reason="0.4 seen, 0.05 asked",
        measurements=measurements,
        details=details,
        window=WINDOW,
    )
