"""Columns that say what the target is, and how well they say it."""

import polars as pl

__all__ = ["single_column_auc"]

_FEWEST = 10  #: rows of either class; with fewer a column separates them by chance
_WEIGHT = 1.0  #: rows of the overall rate that are added to each category


def single_column_auc(column: pl.Series, positive: pl.Series) -> float | None:
    """How well one column alone tells the classes apart: area under the ROC curve, 0.5 to 1.

    Numbers are ranked, with the missing ones first or last, whichever tells more.  Texts are
    scored by the rate of positives in the other half of the rows, so that one with many
    values does not shine by learning its own rows by heart.

    Returns
    -------
    float or None
        None with fewer than 10 rows of either class, where chance says as much.

    Examples
    --------
    >>> single_column_auc(pl.Series(range(40)), pl.Series([i > 20 for i in range(40)]))
    1.0
    """
    positives = int(positive.sum())
    if min(positives, len(positive) - positives) < _FEWEST:
        return None
    if column.dtype == pl.String:
        return _text_auc(column, positive)
    numbers = column.cast(pl.Float64)
    low, high = float("-inf"), float("inf")
    areas = [_auc(numbers.fill_null(end), positive) for end in (low, high)]
    return max(max(area, 1 - area) for area in areas)


def _auc(scores: pl.Series, positive: pl.Series) -> float:
    """By the rank sum of the positives (Mann and Whitney 1947); ties count half."""
    n1 = int(positive.sum())
    n0 = len(positive) - n1
    rank_sum = float(scores.rank("average").filter(positive).sum())
    return (rank_sum - n1 * (n1 + 1) / 2) / (n1 * n0)


def _text_auc(text: pl.Series, positive: pl.Series) -> float | None:
    rows = pl.DataFrame({"text": text, "y": positive})
    half = _halves(len(rows))
    areas = [_transferred(rows.filter(half), rows.filter(~half))]
    areas.append(_transferred(rows.filter(~half), rows.filter(half)))
    known = [area for area in areas if area is not None]
    return sum(known) / len(known) if known else None


def _halves(n: int) -> pl.Series:
    # By the bits of a product (Knuth's multiplicative hash): no period that data could share.
    index = pl.int_range(n, dtype=pl.UInt64, eager=True)
    return (index * 2_654_435_761 // 65_536) % 2 == 0


def _transferred(learnt: pl.DataFrame, judged: pl.DataFrame) -> float | None:
    if judged["y"].n_unique() < 2:
        return None
    overall = float(learnt["y"].mean() or 0.0)  # type: ignore[arg-type]
    rate = (pl.col("y").sum() + _WEIGHT * overall) / (pl.len() + _WEIGHT)
    rates = learnt.group_by("text").agg(rate.alias("score"))
    scored = judged.join(rates, on="text", how="left", nulls_equal=True, maintain_order="left")
    return _auc(scored["score"].fill_null(overall), scored["y"])
