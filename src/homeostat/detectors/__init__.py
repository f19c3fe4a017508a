"""Detectors: one value at a time in, one state out.

A detector is settings only.  All that moves lies in its state, which is frozen, bounded in
size and made of plain numbers: live traffic and a replay of the log are the same fold, and a
state that went through the database goes on as if nothing had happened.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from hashlib import shake_128
from math import nan
from struct import unpack
from typing import Any, Protocol, SupportsFloat, TypeVar, cast

from homeostat.errors import StateError, UserError
from homeostat.extension import Catalog
from homeostat.profile import LARGEST

__all__ = [
    "DETECTORS",
    "Detector",
    "State",
    "fold",
    "number",
    "plain",
    "require",
    "restored",
    "uniform",
]


class State(Protocol):
    """What a detector holds after n values."""

    @property
    def n(self) -> int:
        """Values seen since the start; an alarm does not set it back."""
        ...

    @property
    def alarmed_at(self) -> int | None:
        """The n at which the last alarm sounded; None before the first."""
        ...

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm; the next one finds the detector restarted."""
        ...

    @property
    def statistic(self) -> float:
        """What is compared with the threshold."""
        ...

    @property
    def threshold(self) -> float:
        """What the statistic must reach for an alarm."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data that strict JSON can hold."""
        ...


S = TypeVar("S", bound=State)
T = TypeVar("T")


class Detector(Protocol[S]):
    """Watches one ordered series of numbers for a lasting change."""

    @property
    def run_length(self) -> float | None:
        """Values between two false alarms, on average at least; None where none is promised."""
        ...

    def start(self) -> S:
        """The state before the first value."""
        ...

    def update(self, state: S, value: float) -> S:
        """The state after one more value.

        Raises
        ------
        UserError
            When the value is none that the detector can use; NaN and infinities never are.
        """
        ...

    def from_dict(self, plain: dict[str, Any]) -> S:
        """The state that `State.to_dict` wrote."""
        ...


DETECTORS: Catalog[Callable[..., Detector[Any]]] = Catalog("detector", "homeostat.detectors")


def fold(
    detector: Detector[S], values: Iterable[float], state: S | None = None
) -> tuple[S, tuple[int, ...]]:
    """The state after all values, and the n of each alarm on the way.

    Examples
    --------
    >>> from homeostat.detectors.cusum import Cusum
    >>> state, alarms = fold(Cusum(slack=0.5, threshold=3.0), [0, 0, 2, 2, 2, 0])
    >>> alarms, state.alarmed_at, state.alarm
    ((4,), 4, False)
    """
    now = detector.start() if state is None else state
    update, alarms = detector.update, []
    for value in values:
        now = update(now, value)
        if now.alarm:
            alarms.append(now.n)
    return now, tuple(alarms)


def number(value: float, n: int) -> float:
    """The value as a float, if it is a number up to `LARGEST` in size.

    Parameters
    ----------
    n
        Its place in the series, from 1; for the message.
    """
    x = value if type(value) is float else _float(value)
    if -LARGEST <= x <= LARGEST:
        return x
    raise UserError(
        f"value {n} of the series is {value!r}, and a detector takes finite numbers up to "
        f"{LARGEST:g} in size; leave out rows without a value"
    )


def require(detector: str, demands: Mapping[str, bool]) -> None:
    """Refuse settings of which a demand does not hold; all those demands are named."""
    problems = [demand for demand, holds in demands.items() if not holds]
    if problems:
        raise UserError(f"the detector {detector!r} cannot be set so", problems)


def uniform(seed: int, counter: int, size: int = 1) -> list[float]:
    """The numbers in [0, 1) that belong to a seed and a counter: 53 bits of SHAKE-128 each.

    A detector that needs chance counts on from its n, so that a replay draws the same.

    Examples
    --------
    >>> uniform(1, 7) == uniform(1, 7) != uniform(1, 8)
    True
    """
    digest = shake_128(f"{seed}/{counter}".encode()).digest(8 * size)
    return [(word >> 11) * 2.0**-53 for word in unpack(f"<{size}Q", digest)]


def plain(state: Any) -> dict[str, Any]:
    """The fields of a frozen dataclass by name."""
    return {one.name: getattr(state, one.name) for one in fields(state)}


def restored(kind: type[T], plain: Mapping[str, Any]) -> T:
    """The frozen dataclass whose fields `plain` gave; lists become tuples again.

    Raises
    ------
    StateError
        When the fields are not those of `kind`.
    """
    asked, given = {one.name for one in fields(cast("Any", kind))}, set(plain)
    if asked != given:
        wrong = sorted(asked ^ given)
        message = f"not a {kind.__name__}, see {', '.join(wrong)}; start the detector anew"
        raise StateError(message)
    return kind(**{name: _frozen(value) for name, value in plain.items()})


def _float(value: object) -> float:
    """The value as a float; NaN for what is none.  Text is none, though float() takes it."""
    try:
        return float(value) if isinstance(value, SupportsFloat) else nan
    except (OverflowError, TypeError):
        return nan


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
