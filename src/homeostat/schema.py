"""What a row is: Feature, Target, Schema."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from homeostat.errors import UserError

__all__ = ["RESERVED", "Feature", "Kind", "Row", "Schema", "Segment", "Target", "Task", "Value"]

Value = float | int | str | bool | None
Row = dict[str, Value]  #: feature name to value

#: Keys of a request that are not features.
RESERVED = frozenset({"prediction_id", "event_time", "split_key", "probability", "prediction"})

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,64}")


class Kind(StrEnum):
    """What values a feature takes."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CATEGORY = "category"

    @property
    def is_numeric(self) -> bool:
        """Whether the values have an order and a distance."""
        return self in {Kind.NUMBER, Kind.INTEGER}


class Task(StrEnum):
    """What the model says about a row."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column that the model reads."""

    name: str
    kind: Kind
    minimum: float | None = None  #: smallest value that is possible at all; less is refused
    maximum: float | None = None  #: largest value that is possible at all; more is refused
    categories: tuple[str, ...] = ()  #: those known; another one is scored as unknown
    nullable: bool = False  #: whether a value may be missing

    def __post_init__(self) -> None:
        """Write equal bounds in one way: 0, 0.0 and -0.0 are the same limit."""
        for name in ("minimum", "maximum"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, float(value) + 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The column that the model predicts."""

    column: str
    positive: str = "1"  #: the class called positive, as text; binary only
    classes: tuple[str, ...] = ("0", "1")  #: all classes, as text; empty for a regression


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A division of the rows; quality is asked in each part."""

    column: str
    edges: tuple[float, ...] = ()  #: cut points of a numeric column; unused for categories

    def part(self, row: Row) -> str:
        """The name of the part that `row` belongs to.

        Examples
        --------
        >>> Segment(column="age", edges=(30, 60)).part({"age": 41})
        'age [30, 60)'
        """
        value = row.get(self.column)
        if value is None:
            return f"{self.column} missing"
        if not self.edges or not isinstance(value, int | float):
            return f"{self.column} {value}"
        i = sum(edge <= value for edge in self.edges)
        ends = [float("-inf"), *self.edges, float("inf")]
        return f"{self.column} [{ends[i]:g}, {ends[i + 1]:g})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The columns of one model, in the order in which it reads them.

    Raises
    ------
    UserError
        When names repeat, are reserved, empty, longer than 64 characters or hold control
        characters, or when a range is empty; all that is wrong is named at once.
    """

    task: Task
    target: Target
    features: tuple[Feature, ...]

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise UserError("the schema cannot be used", problems)

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON, in hex; equal for equal schemas only."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The schema as plain data that JSON can hold."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Schema":
        """The schema that `to_dict` wrote."""
        target = plain["target"]
        return cls(
            task=Task(plain["task"]),
            target=Target(**{**target, "classes": tuple(target["classes"])}),
            features=tuple(
                Feature(
                    **{**one, "kind": Kind(one["kind"]), "categories": tuple(one["categories"])}
                )
                for one in plain["features"]
            ),
        )


def _problems(schema: Schema) -> list[str]:
    names = list(schema.names)
    found = [f"{name!r} is used twice" for name in sorted({n for n in names if names.count(n) > 1})]
    found += [f"{n!r} is a reserved name; rename the column" for n in sorted(RESERVED & set(names))]
    found += [
        f"{name!r} is no name: 1 to 64 printable characters"
        for name in names
        if not _NAME.fullmatch(name)
    ]
    found += [
        f"{f.name!r} has an empty range: {f.minimum:g} to {f.maximum:g}"
        for f in schema.features
        if f.minimum is not None and f.maximum is not None and f.minimum > f.maximum
    ]
    if schema.target.column in names:
        found.append(f"{schema.target.column!r} is the target; it cannot be a feature too")
    if not names:
        found.append("there is no feature")
    return found
