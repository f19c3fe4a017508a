"""Comparing two samples in one call."""

from dataclasses import replace
from typing import Any

import numpy as np

from homeostat.battery import TOGETHER
from homeostat.comparison.counting import counted
from homeostat.comparison.domain import separation
from homeostat.comparison.judging import at_level, judged, with_measurement
from homeostat.comparison.result import Comparison
from homeostat.comparison.sampling import Coding, sampled
from homeostat.comparison.sides import Side, opened
from homeostat.engines.source import Source
from homeostat.errors import UserError
from homeostat.policy import DriftPolicy
from homeostat.schema import Schema
from homeostat.verdict import Measurement

__all__ = ["compare"]

#: Rows of each side that the classifier is shown.
SAMPLE_ROWS = 20_000

#: Part of the level that is the classifier's, and the AUC beyond guessing that matters.
SHARE, ASKED = 0.1, 0.03


def compare(
    reference: Any,
    current: Any,
    schema: Schema | None = None,
    policy: DriftPolicy | None = None,
    *,
    joint: bool = False,
) -> Comparison:
    """Whether `current` differs from `reference`, column by column.

    Columns of the same name are compared in bins of the reference.  A column that cannot be
    told, for it is missing on one side, holds lists, or is of another type there, is
    INCONCLUSIVE and touches no other.  Identifiers, times and columns that are the same in
    all rows are left out.

    Parameters
    ----------
    reference, current
        Frames of pandas, polars (eager or lazy), pyarrow, DuckDB or PySpark; paths of CSV or
        Parquet files, folders or patterns of them, which are read in batches; or profiles and
        frozen references that were counted before.
    schema
        What the columns are; found in the data when None.
    policy
        When a difference counts; ``DriftPolicy.once()`` when None: one comparison with a
        chance of 0.001 of a false alarm.
    joint
        Whether to ask a classifier to tell the rows apart, too.  It sees what no column and no
        pair of columns shows, on at most 20,000 rows of each side, at a tenth of the level.

    Returns
    -------
    Comparison
        FAIL when a column changed; else ERROR or INCONCLUSIVE when one could not be told, or
        there are too few rows; else PASS.

    Raises
    ------
    UserError
        When a side cannot be read, has two columns of one name, or is a profile of another
        schema.

    Examples
    --------
    >>> import polars as pl
    >>> before = pl.DataFrame({"age": [20, 30, 40, 50] * 100, "plan": ["a", "b"] * 200})
    >>> after = before.with_columns(age=pl.col("age") + 15)
    >>> compare(before, after).changed
    ['age']
    """
    policy = DriftPolicy.once() if policy is None else policy
    sides = (opened(reference), opened(current))
    both = counted(*sides, schema)
    if not joint:
        return judged(both, policy)
    rows = _rows_of(*sides)
    most = at_level(policy, (1 - SHARE) * policy.alpha)
    compared = replace(judged(both, most), policy=policy)
    enough = min(compared.reference.n, compared.current.n) >= policy.min_rows
    return _classified(compared, *rows) if enough else compared


def _rows_of(reference: Side, current: Side) -> tuple[Source, Source]:
    if isinstance(reference, Source) and isinstance(current, Source):
        return reference, current
    raise UserError("a classifier needs the rows of both sides; a profile holds counts alone")


def _classified(comparison: Comparison, reference: Source, current: Source) -> Comparison:
    coding = Coding(comparison.reference)
    rng = np.random.default_rng(0)  # the same rows give the same answer
    before = sampled(reference, coding, comparison.reference.n, SAMPLE_ROWS, rng)
    now = sampled(current, coding, comparison.current.n, SAMPLE_ROWS, rng)
    names = [one.name for one in coding.features]
    found = separation(before, now, names, coding.categorical, rng)
    alpha = SHARE * comparison.policy.alpha
    seen = Measurement(
        subject=TOGETHER,
        statistic="domain_classifier",
        value=found.auc,
        p_value=found.p_value,
        effect=found.effect,
        asked=ASKED,
        minimum_detectable_effect=max(ASKED, found.detectable(alpha)),
        n_reference=len(before),
        n_current=len(now),
        drifted=found.p_value < alpha and found.effect >= ASKED,
    )
    return with_measurement(comparison, seen, found.given_away_by if seen.drifted else {})
