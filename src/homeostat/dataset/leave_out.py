"""Which columns are no features, and why."""

import re

import polars as pl

from homeostat.dataset.columns import as_text, row_numbers
from homeostat.dataset.leaks import single_column_auc
from homeostat.dataset.times import is_times
from homeostat.schema import RESERVED

__all__ = ["LEAK_AUC", "MOST_CATEGORIES", "doubt", "reason_to_leave_out"]

MOST_CATEGORIES = 200  #: texts with more different values are rather names than categories
LEAK_AUC = 0.99  #: a column that predicts so well alone knows the answer
_STRIKING_AUC = 0.95  #: and this well is worth a look

_ANSWER = re.compile(r"y_?(pred|prob|proba|hat|score|true)(_proba|_prob|_score)?", re.IGNORECASE)
_ID_NAME = re.compile(r"(.*[ _.-])?(id|uuid|guid|index)|.*[a-z](Id|ID)", re.ASCII)
_NUMBERS_SHARE = 0.9  #: a text column with so many numbers was meant to be one


def reason_to_leave_out(column: pl.Series, target: pl.Series, positive: pl.Series) -> str | None:
    """Why a column is no feature, as the end of a sentence; None when it may be one."""
    n_missing = column.null_count()
    if n_missing == len(column):
        return "has no value at all"
    if n_missing == 0 and column.n_unique() == 1:
        return f"has the same value in all rows: {column[0]!r}"
    if column.name in RESERVED or _ANSWER.fullmatch(column.name):
        return "has the name of a model's answer; rename it if it is a feature"
    if is_times(column):
        offer = f"; give --time {_quoted(column.name)} if it says when a row came"
        return f"holds times{'' if n_missing else offer}"
    return _identifier(column) or _too_many(column) or _leak(column, target, positive)


def doubt(column: pl.Series, positive: pl.Series) -> str | None:
    """What is strange about a column that is kept, as the end of a sentence; None for nothing."""
    if stray := _stray_texts(column):
        return f"{stray}, so it counts as text; leave those empty in the file to have numbers"
    area = single_column_auc(column, positive)
    if area is not None and area >= _STRIKING_AUC:
        return f"predicts the target well alone (AUC {area:.3f}); is it known beforehand?"
    return None


def _identifier(column: pl.Series) -> str | None:
    if column.null_count() or column.n_unique() < len(column):
        return None
    offer = f"looks like an identifier: {{}}; give --id {_quoted(column.name)} if it is one"
    if column.dtype == pl.String and not _stray_texts(column) and not _all_numbers(column):
        return offer.format("a different text in each row")
    if column.dtype.is_integer():
        if column.is_sorted() or column.is_sorted(descending=True):
            return offer.format("different whole numbers in order")
        if int(column.max()) - int(column.min()) + 1 == len(column):  # type: ignore[arg-type]
            return offer.format("whole numbers without gap or repeat")
    if column.dtype != pl.Float64 and _ID_NAME.fullmatch(column.name):
        return offer.format("by its name, and no value comes twice")
    return None


def _too_many(column: pl.Series) -> str | None:
    if column.dtype != pl.String:
        return None
    n = column.drop_nulls().n_unique()
    if n <= MOST_CATEGORIES:
        return None
    if stray := _stray_texts(column):
        return f"{stray}; leave those empty in the file to have numbers"
    if _all_numbers(column):
        return "holds numbers stored as text; store them as numbers"
    return f"has {n:,} different texts, more than {MOST_CATEGORIES}: rather names than categories"


def _leak(column: pl.Series, target: pl.Series, positive: pl.Series) -> str | None:
    if as_text(column).eq_missing(as_text(target)).all():
        return f"equals the target {target.name!r} in every row"
    area = single_column_auc(column, positive)
    if area is None or area < LEAK_AUC:
        return None
    return (
        f"gives the target {target.name!r} away: alone it predicts it with AUC {area:.3f} "
        f"({LEAK_AUC} asked); add it to the features if it is known beforehand"
    )


def _stray_texts(column: pl.Series) -> str | None:
    if column.dtype != pl.String:
        return None
    known = column.is_not_null()
    stray = known & column.cast(pl.Float64, strict=False).is_null()
    if not stray.any() or int(stray.sum()) > (1 - _NUMBERS_SHARE) * int(known.sum()):
        return None
    return f"holds numbers but for {column.filter(stray)[0]!r} {row_numbers(stray)}"


def _all_numbers(column: pl.Series) -> bool:
    known = column.drop_nulls()
    # Digits beyond 64 bits, or with leading zeros, are codes.
    if known.str.contains(r"^[+-]?0\d").any() or known.str.contains(r"^\d{19,}$").any():
        return False
    return not known.cast(pl.Float64, strict=False).has_nulls()


def _quoted(name: str) -> str:
    return f"'{name}'" if re.search(r"\W", name) else name
