"""Which column is predicted, and which of its classes is called positive."""

import polars as pl

from homeostat.dataset.columns import as_text, row_numbers
from homeostat.schema import Target, Task

__all__ = ["describe_target"]

#: The negative and the positive of what people write, in lower case.
_PAIRS = (
    ("0", "1"),
    ("-1", "1"),
    ("false", "true"),
    ("f", "t"),
    ("no", "yes"),
    ("n", "y"),
    ("negative", "positive"),
)
_MOST_CLASSES = 20  #: whole numbers with more different values are quantities


def describe_target(
    column: pl.Series, task: Task | None
) -> tuple[Target | None, list[str], list[str]]:
    """The target, what is wrong with it, and what to know about it."""
    problems = []
    if column.null_count():
        problems.append(
            f"the target {column.name!r} is missing {row_numbers(column.is_null())}; "
            "leave out the rows without it"
        )
    values = as_text(column.drop_nulls())
    classes = tuple(sorted(values.unique().to_list()))
    seen = _task(column, len(classes))
    if len(classes) < 2:
        only = f"the one class {classes[0]!r}" if classes else "no class at all"
        problems.append(f"the target {column.name!r} has {only}; two are needed")
    elif seen is not Task.BINARY:
        problems.append(
            f"the target {column.name!r} has {len(classes):,} different values, which is "
            f"{seen.value}; only binary is supported so far"
        )
    elif task not in {None, Task.BINARY}:
        problems.append(f"{task.value} was asked for; only binary is supported so far")
    if problems:
        return None, problems, []
    positive, warnings = _positive(values, classes)
    return Target(column=column.name, positive=positive, classes=classes), [], warnings


def _task(column: pl.Series, n_classes: int) -> Task:
    if n_classes <= 2:
        return Task.BINARY
    counted = column.dtype == pl.String or (
        column.dtype.is_integer() and n_classes <= _MOST_CLASSES
    )
    return Task.MULTICLASS if counted else Task.REGRESSION


def _positive(values: pl.Series, classes: tuple[str, ...]) -> tuple[str, list[str]]:
    lower = {one.lower(): one for one in classes}
    for negative, positive in _PAIRS:
        if lower.keys() == {negative, positive}:
            return lower[positive], []
    counts = {one: int((values == one).sum()) for one in classes}
    rarer = min(reversed(classes), key=counts.__getitem__)
    other = next(one for one in classes if one != rarer)
    warning = (
        f"{rarer!r}, the rarer class of {values.name!r}, was taken as the positive one; "
        f"write {other!r} as target.positive in the settings if it is the other"
    )
    return rarer, [warning]
