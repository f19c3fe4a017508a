"""Challenger: a version that answers a part of the rows, or is asked about them in the shadow."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from homeostat.errors import Conflict, UserError
from homeostat.schema import Feature, Schema

__all__ = [
    "Challenger",
    "Mode",
    "chosen",
    "free_place",
    "other_rows",
    "place",
    "refuse_other_rows",
]

#: Places are told apart to so much; a share may be no smaller.
LEAST_SHARE = 1e-4


class Mode(StrEnum):
    """How a challenger is tried."""

    SPLIT = "split"  #: it answers its share of the rows
    SHADOW = "shadow"  #: it is asked about every row after the answer, and its word is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """One trial of a version beside the champion."""

    id: str
    model: str
    version: int
    mode: Mode
    lower: float = 0.0  #: the least of its places, in [0, 1); of a split only
    share: float = 0.0  #: of all keys, in (0, 1]; of a split only
    salt: str = ""  #: of the split; trials that run together have the same
    started_at: datetime  #: UTC
    started_by: str
    reason: str
    ended_at: datetime | None = None  #: UTC


def place(salt: str, key: str) -> float:
    """Where a key stands in [0, 1): always at the same place, and all places alike often.

    Examples
    --------
    >>> place("trial", "customer 7") == place("trial", "customer 7")
    True
    >>> 0.45 < sum(place("trial", str(i)) for i in range(1000)) / 1000 < 0.55
    True
    """
    digest = hashlib.sha256(f"{salt}\0{key}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def chosen(splits: Sequence[Challenger], key: str) -> int | None:
    """The version whose place this key has; None stands for the champion."""
    if not splits:
        return None
    at = place(splits[0].salt, key)
    return next((one.version for one in splits if one.lower <= at < one.lower + one.share), None)


def free_place(running: Sequence[Challenger], share: float) -> float:
    """Where the places of a further split begin, so that no key of another one moves.

    Raises
    ------
    UserError
        When the share is no share.
    Conflict
        When those that run leave no room for it in one piece.

    Examples
    --------
    >>> free_place([], 0.2)
    0.0
    """
    if not LEAST_SHARE <= share <= 1:
        raise UserError(f"a share of {share:g}; it must be from {LEAST_SHARE:g} to 1")
    begin = 0.0
    for one in sorted(running, key=lambda one: one.lower):
        if begin + share <= one.lower + LEAST_SHARE / 10:
            break
        begin = max(begin, one.lower + one.share)
    if begin + share > 1 + LEAST_SHARE / 10:
        taken = ", ".join(f"version {one.version} {one.share:.2%}" for one in running)
        raise Conflict(f"no room for {share:.2%} in one piece beside {taken}; stop one of them")
    return begin


def refuse_other_rows(champion: Schema, challenger: Schema) -> None:
    """Refuse a challenger that asks for other rows than the champion.

    Raises
    ------
    UserError
        Naming every feature in which they differ.
    """
    problems = other_rows(champion, challenger)
    if problems:
        raise UserError("both must answer the same rows; they differ in", problems)


def other_rows(champion: Schema, other: Schema) -> list[str]:
    """Every feature in which the rows differ that two versions ask for, with its kinds.

    Examples
    --------
    >>> from homeostat.schema import Kind, Target, Task
    >>> features = [Feature(name=name, kind=Kind.NUMBER) for name in "ab"]
    >>> one, two = (
    ...     Schema(task=Task.BINARY, target=Target(column="y"), features=tuple(features[:n]))
    ...     for n in (1, 2)
    ... )
    >>> other_rows(one, two)
    ['b: not asked for the champion, number for the other']
    """
    ours, theirs = ({one.name: one for one in s.features} for s in (champion, other))
    return [
        f"{name}: {_told(ours.get(name))} for the champion, {_told(theirs.get(name))} for the other"
        for name in dict.fromkeys((*ours, *theirs))
        if _told(ours.get(name)) != _told(theirs.get(name))
    ]


def _told(feature: Feature | None) -> str:
    return "not asked" if feature is None else feature.kind.value
