"""homeostat: with its reference at hand, from the rows of both sides, and in one call."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.drift.workload import INTEGERS, LEVELS, NAMES, NUMBERS

if TYPE_CHECKING:
    from homeostat.bins import Bins
    from homeostat.comparison import Comparison
    from homeostat.profile import Profile
    from homeostat.schema import Schema

__all__ = ["at_hand", "from_rows", "one_call", "one_call_at_hand", "schema"]


def schema() -> "Schema":
    """The columns of the workload."""
    from homeostat.schema import Feature, Kind, Schema, Target, Task

    kinds = {name: Kind.INTEGER if name in INTEGERS else Kind.NUMBER for name in NUMBERS}
    kinds |= dict.fromkeys(LEVELS, Kind.CATEGORY)
    return Schema(
        task=Task.BINARY,
        target=Target(column="y"),
        features=tuple(
            Feature(name=name, kind=kind, nullable=True) for name, kind in kinds.items()
        ),
    )


def at_hand(reference: Path) -> Callable[[Path], list[str]]:
    before = _profile(reference)

    def call(current: Path) -> list[str]:
        return _drifted(before, _counted(current, before.bins))

    return call


def from_rows(reference: Path) -> Callable[[Path], list[str]]:
    def call(current: Path) -> list[str]:
        before = _profile(reference)
        return _drifted(before, _counted(current, before.bins))

    return call


def one_call(reference: Path) -> Callable[[Path], list[str]]:
    import homeostat

    def call(current: Path) -> list[str]:
        return _failed(homeostat.compare(reference, current))

    return call


def one_call_at_hand(reference: Path) -> Callable[[Path], list[str]]:
    import homeostat

    before = _profile(reference)

    def call(current: Path) -> list[str]:
        return _failed(homeostat.compare(before, current))

    return call


def _profile(path: Path) -> "Profile":
    from homeostat.dataset.sources import open_source
    from homeostat.engines.frames import fit_frame_bins

    return _counted(path, fit_frame_bins(open_source(path), schema()))


def _counted(path: Path, bins: "Bins") -> "Profile":
    from homeostat.dataset.sources import open_source
    from homeostat.engines.frames import count_frame

    return count_frame(open_source(path), bins)


def _drifted(reference: "Profile", current: "Profile") -> list[str]:
    from homeostat.policy import DriftPolicy, judge_drift

    drifted = judge_drift(reference, current, DriftPolicy()).details["drifted"]
    return [name for name in drifted if name in NAMES]


def _failed(found: "Comparison") -> list[str]:
    return [name for name, one in found.features.items() if one.outcome == "FAIL"]
