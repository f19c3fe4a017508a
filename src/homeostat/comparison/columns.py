"""Which columns of two sides can be compared, which cannot, and which are no features."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from homeostat.bins import PREDICTION, PROBABILITY, Bins
from homeostat.engines.kinds import ColumnKind
from homeostat.schema import Feature, Kind, Schema

__all__ = ["CURRENT", "REFERENCE", "Columns", "as_binned", "as_found", "as_in_schema"]

Kinds = Mapping[str, ColumnKind]
Sides = Mapping[str, ColumnKind]  #: one or both sides of a column, by what messages call them

REFERENCE, CURRENT = "the reference", "the current data"

WORDS: Mapping[Kind, str] = {
    Kind.NUMBER: "numbers",
    Kind.INTEGER: "whole numbers",
    Kind.BOOLEAN: "true and false",
    Kind.CATEGORY: "text",
}
TIMES = frozenset({"holds dates", "holds moments"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What becomes of each column, in their order."""

    features: tuple[Feature, ...] = ()  #: to be compared
    untold: Mapping[str, str] = field(default_factory=dict)  #: cannot be compared, and why
    left_out: Mapping[str, str] = field(default_factory=dict)  #: no features, and why

    def without(self, names: Mapping[str, str]) -> "Columns":
        """These columns, with the named ones left out for these reasons."""
        return replace(
            self,
            features=tuple(one for one in self.features if one.name not in names),
            untold={name: why for name, why in self.untold.items() if name not in names},
            left_out={**self.left_out, **names},
        )


@dataclass(frozen=True, slots=True)
class _Fate:
    """What becomes of one column; one of the three is given."""

    name: str
    kind: Kind | None = None
    untold: str | None = None
    left_out: str | None = None


def as_found(reference: Kinds, current: Kinds) -> Columns:
    """The columns of two sides, taken for what both hold."""
    names = dict.fromkeys((*reference, *current))
    return _columns(_found(name, _sides(name, reference, current)) for name in names)


def as_in_schema(reference: Kinds, current: Kinds, schema: Schema) -> Columns:
    """The features of a schema, taken for what it says they are."""
    fates = []
    for one in schema.features:
        sides = _sides(one.name, reference, current)
        fates.append(_unusable(one.name, sides) or _taken_for(one.name, one.kind, sides))
    rest = {
        name: "the target" if name == schema.target.column else "not in the schema"
        for name in dict.fromkeys((*reference, *current))
        if name not in schema.names
    }
    return _columns([*fates, *(_Fate(name, left_out=why) for name, why in rest.items())])


def as_binned(bins: Bins, current: Kinds) -> Columns:
    """The features of a frozen reference, and what the current side holds for them.

    The model's answers may be absent: rows from elsewhere have none.
    """
    answers = {name for name in (PROBABILITY, PREDICTION) if name not in current}
    fates = [
        _Fate(one.name, left_out=f"an answer of the model, which {CURRENT} has not")
        if one.name in answers
        else _binned(
            one.name, one.kind, {CURRENT: current[one.name]} if one.name in current else {}
        )
        for one in bins.features
    ]
    rest = (name for name in current if name not in bins.index)
    return _columns([*fates, *(_Fate(one, left_out=f"not in {REFERENCE}") for one in rest)])


def _columns(fates: Iterable[_Fate]) -> Columns:
    held = list(fates)
    return Columns(
        features=tuple(Feature(name=one.name, kind=one.kind) for one in held if one.kind),
        untold={one.name: one.untold for one in held if one.untold is not None},
        left_out={one.name: one.left_out for one in held if one.left_out is not None},
    )


def _sides(name: str, reference: Kinds, current: Kinds) -> Sides:
    both = ((REFERENCE, reference), (CURRENT, current))
    return {side: kinds[name] for side, kinds in both if name in kinds}


def _found(name: str, sides: Sides) -> _Fate:
    if len(sides) == 2 and all(one.reason in TIMES for one in sides.values()):
        return _Fate(name, left_out=f"{sides[REFERENCE].reason}, which pass by themselves")
    unusable = _unusable(name, sides)
    if unusable is not None:
        return unusable
    kinds = {one.kind for one in sides.values() if one.kind is not None}
    if kinds == {Kind.NUMBER, Kind.INTEGER}:
        return _Fate(name, Kind.NUMBER)
    if len(kinds) == 1:
        return _Fate(name, kinds.pop())
    return _Fate(name, untold=f"{_told(sides)}; store both alike, or say in a schema what it is")


def _taken_for(name: str, kind: Kind, sides: Sides) -> _Fate:
    kinds = {one.kind for one in sides.values() if one.kind is not None}
    if kind.is_numeric and Kind.CATEGORY in kinds:
        return _Fate(name, untold=f"{_told(sides)}, where numbers are asked")
    if not kind.is_numeric and len(kinds) > 1:
        return _Fate(name, untold=f"{_told(sides)}; store both alike")
    return _Fate(name, kind)


def _binned(name: str, kind: Kind, sides: Sides) -> _Fate:
    if not sides:
        return _Fate(name, untold=f"not in {CURRENT}")
    unusable = _unusable(name, {REFERENCE: ColumnKind(kind=kind, type=kind.value), **sides})
    if unusable is not None:
        return unusable
    # Categories are kept as texts; 2 is written in one way only, 2.0 is not.
    wrong = Kind.CATEGORY if kind.is_numeric else Kind.NUMBER
    if sides[CURRENT].kind is wrong:
        return _Fate(name, untold=f"{_told(sides)}, and {WORDS[kind]} in {REFERENCE}")
    return _Fate(name, kind)


def _unusable(name: str, sides: Sides) -> _Fate | None:
    absent = [side for side in (REFERENCE, CURRENT) if side not in sides]
    if absent:
        return _Fate(name, untold=f"not in {' and not in '.join(absent)}")
    bad = {s: one.reason for s, one in sides.items() if one.kind is None and not one.empty}
    if bad:
        why = " and ".join(f"{why} in {side}" for side, why in bad.items())
        alike = len(bad) == 2 and len(set(bad.values())) == 1
        return _Fate(name, untold=f"{bad[CURRENT]} on both sides" if alike else why)
    if all(one.empty for one in sides.values()):
        return _Fate(name, left_out="holds no value on either side")
    return None


def _told(sides: Sides) -> str:
    held = [f"{WORDS[one.kind]} in {side}" for side, one in sides.items() if one.kind is not None]
    return f"holds {' and '.join(held)}"
