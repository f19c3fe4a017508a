"""The tables of what was measured, and the targets beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from benchmarks.drift.contestants import ALL, AT_HAND, EVIDENTLY, POLARS, SCIPY, Contestant
from benchmarks.drift.measure import Measured
from benchmarks.drift.workload import DRIFTED, NAMES
from benchmarks.page import table

__all__ = ["Results", "Target", "report", "targets"]

#: By rows and name of the contestant.
Results: TypeAlias = Mapping[int, Mapping[str, Measured]]

MILLION = 1_000_000
FREE = len(NAMES) - len(DRIFTED)

HEADS = (
    "engine",
    "CPU s",
    "wall s",
    "peak MiB",
    "CPU of reading",
    "CPU of homeostat",
    f"drifted found of {len(DRIFTED)}",
    f"others of {FREE}",
)


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised, and what was measured."""

    what: str
    asked: str
    measured: str
    met: bool | None  #: None where it could not be measured


def report(results: Results, inside: Mapping[str, Any]) -> str:
    """All tables, the targets first."""
    promised = targets(results, inside)
    parts = ["### Targets", target_table(promised)]
    for rows, by_name in results.items():
        parts += [f"### {rows:,} rows", size_table(by_name)]
    parts += ["### Sums of minute profiles", sums_table(inside)]
    parts.append(f"Counting one row of {len(NAMES)} features: {inside['row_us']:.1f} µs.")
    return "\n\n".join(parts)


def target_table(promised: list[Target]) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = [[one.what, one.asked, one.measured, words[one.met]] for one in promised]
    return table(["what", "asked", "measured", "met"], rows, names=4)


def size_table(by_name: Mapping[str, Measured]) -> str:
    reading, ours = by_name[POLARS.name], by_name[AT_HAND.name]
    rows = [_row(one, by_name[one.name], reading, ours) for one in ALL if one.name in by_name]
    left_out = [one.name for one in ALL if one.name not in by_name]
    said = table(HEADS, rows)
    if left_out:
        said += f"\n\nNot measured at this size in this run: {'; '.join(left_out)}."
    return said


def sums_table(inside: Mapping[str, Any]) -> str:
    rows = [
        [
            f"{one['minutes']:,}",
            f"{one['rows_a_minute']:,}",
            f"{one['minutes'] * one['rows_a_minute']:,}",
            f"{one['memory_ms']:.1f}",
            f"{one['store_ms']:.1f}",
        ]
        for one in inside["sums"]
    ]
    heads = ["minutes of a window", "rows a minute", "rows of a window"]
    heads += [f"{inside['windows']} windows, in memory, ms", "from the store, ms"]
    return table(heads, rows)


def targets(results: Results, inside: Mapping[str, Any]) -> list[Target]:
    """Every target of this bench, also those that could not be measured."""
    return [
        *_at_a_million(results.get(MILLION, {})),
        *_at_ten_millions(results.get(10 * MILLION, {})),
        *_of_the_parts(inside),
    ]


def _at_a_million(found: Mapping[str, Measured]) -> Iterator[Target]:
    ours = found.get(AT_HAND.name, Measured())
    evidently = found.get(EVIDENTLY.name, Measured(note="not asked for"))
    yield _ratio(
        "1 M rows: CPU time over Evidently's default preset", ours, evidently, 1 / 40, "1/40"
    )
    reading = found.get(POLARS.name, Measured(note="not asked for"))
    yield _ratio("1 M rows: CPU time over reading with polars", ours, reading, 6.0, "6")


def _at_ten_millions(found: Mapping[str, Measured]) -> Iterator[Target]:
    ours = found.get(AT_HAND.name, Measured())
    what, asked = "10 M rows: peak memory of the process", "at most 1,024 MiB"
    if ours.peak_mib is None:
        yield Target(what, asked, ours.note or "not asked for", None)
    else:
        yield Target(what, asked, f"{ours.peak_mib:,.0f} MiB", ours.peak_mib <= 1024)
    scipy = found.get(SCIPY.name, Measured(note="not asked for"))
    yield _ratio("10 M rows: CPU time over SciPy's tests", ours, scipy, 1 / 2, "1/2")


def _of_the_parts(inside: Mapping[str, Any]) -> Iterator[Target]:
    windows = inside["windows"]
    for one in (one for one in inside["sums"] if one["minutes"] == min(_lengths(inside))):
        rows = one["minutes"] * one["rows_a_minute"]
        per_hundred_ms = one["memory_ms"] * 100 / windows
        what = f"100 windows of {rows:,} rows summed from minute profiles"
        yield Target(what, "under 50 ms", f"{per_hundred_ms:.1f} ms", per_hundred_ms < 50)
    row_us = inside["row_us"]
    yield Target("counting one row", "at most 10 µs", f"{row_us:.1f} µs", row_us <= 10)


def _lengths(inside: Mapping[str, Any]) -> set[int]:
    return {one["minutes"] for one in inside["sums"]}


def _ratio(what: str, ours: Measured, other: Measured, limit: float, said: str) -> Target:
    """A limit on our processor time over another's; what was stopped needed at least that."""
    if ours.note or ours.cpu_s is None or other.cpu_s is None:
        return Target(what, f"at most {said}", ours.note or other.note or "not asked for", None)
    ratio = ours.cpu_s / other.cpu_s
    shown = f"{ratio:.2f}" if ratio >= 0.5 else f"1/{1 / ratio:.1f}"
    return Target(what, f"at most {said}", shown, ratio <= limit)


def _row(one: Contestant, seen: Measured, reading: Measured, ours: Measured) -> list[str]:
    if seen.cpu_s is None:
        return [f"{one.name}: {seen.note}", *([""] * (len(HEADS) - 1))]
    more = "at least " if seen.note else ""
    found = ["", ""]
    if seen.found is not None:
        found = [str(len(seen.found & DRIFTED)), str(len(seen.found - DRIFTED))]
    return [
        f"{one.name}, {seen.note}" if seen.note else one.name,
        f"{seen.cpu_s:,.2f}",
        "" if seen.wall_s is None else f"{seen.wall_s:,.2f}",
        f"{seen.peak_mib:,.0f}",
        f"{more}{_times(seen, reading)}",
        f"{more}{_times(seen, ours)}",
        *found,
    ]


def _times(seen: Measured, other: Measured) -> str:
    if not (seen.cpu_s and other.cpu_s):
        return ""
    ratio = seen.cpu_s / other.cpu_s
    return f"× {ratio:,.0f}" if ratio >= 10 else f"× {ratio:.2g}"
