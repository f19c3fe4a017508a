"""The tables of what was measured, and the targets beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from benchmarks.page import table
from benchmarks.serving.contestants import ALL, BARE, COMPILED_ONE, MLFLOW, MLSERVER, ORIGINAL
from benchmarks.serving.measure import Measured
from benchmarks.serving.trials import At, Soaked, Swapped

__all__ = ["Found", "Target", "report", "report_soak", "soak_targets", "targets"]

#: By name of the contestant.
Results: TypeAlias = Mapping[str, Measured]

HEADS = (
    *("server, one worker, 16 connections", "requests per s", "CPU µs per request"),
    *("CPU of homeostat", "p50 ms", "p99 ms", "answers", "rows kept"),
)

_KEPT = "rows in the store are the answers with 200"

#: CPU time on the machine of the targets: homeostat at most 160, the bare handler 108.
OURS_US, BARE_US = 160, 108


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that a run measured; None for what was not asked for."""

    runs: Mapping[str, Sequence[Measured]]  #: by name of the contestant
    at: At | None = None
    swapped: Swapped | None = None

    @property
    def results(self) -> Results:
        """The run of each in which a request took the least CPU time.

        What else the machine does, and its other tenants, add to that time and take nothing
        away, so that the least is the nearest to what the server itself needs.
        """
        return {
            name: min(some, key=lambda one: inf if one.cpu_us is None else one.cpu_us)
            for name, some in self.runs.items()
        }


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised, and what was measured."""

    what: str
    asked: str
    measured: str
    met: bool | None  #: None where it could not be measured


def report(found: Found) -> str:
    """All tables but that of a long run, the targets first."""
    parts = ["### Targets", _targets(targets(found))]
    parts += ["### As many requests as can be answered", _servers(found.results)]
    parts += ["### At a pace", _at(found.at)] if found.at else []
    parts += ["### Changes of the champion", _swapped(found.swapped)] if found.swapped else []
    return "\n\n".join(parts)


def report_soak(soaked: Soaked) -> str:
    """The tables of a long run, its targets first."""
    return "\n\n".join([_targets(soak_targets(soaked)), _soaked(soaked)])


def _targets(some: Sequence[Target]) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = [[one.what, one.asked, one.measured, words[one.met]] for one in some]
    return table(["what", "asked", "measured", "met"], rows, names=4)


def targets(found: Found) -> list[Target]:
    """Every target but those of a long run, also what could not be measured."""
    return [
        *_against_others(found.results),
        _rows_are_answers(found),
        *_at_a_pace(found.at),
        *_under_changes(found.swapped),
    ]


def _against_others(results: Results) -> Iterator[Target]:
    ours, original = results.get(COMPILED_ONE.name), results.get(ORIGINAL.name)
    bare, mlflow = results.get(BARE.name), results.get(MLFLOW.name)
    limit = OURS_US / BARE_US
    yield _ratio("CPU time over the bare handler's, which keeps nothing", ours, bare, limit)
    yield _ratio("CPU time over MLflow's", ours, mlflow, 1 / 20)
    yield _ratio("CPU time over MLServer's", ours, results.get(MLSERVER.name), 1 / 9)
    yield _ratio("CPU time over MLflow's, the original model in both", original, mlflow, 1 / 3)
    what, asked = "requests per second over the bare handler's", "at least 0.60"
    if ours is None or bare is None or not ours.per_s or not bare.per_s:
        yield Target(what, asked, _why(ours, bare), None)
    else:
        share = ours.per_s / bare.per_s
        yield Target(what, asked, f"{share:.2f}", share >= 0.6)


def _rows_are_answers(found: Found) -> Target:
    kept = [one.kept for some in found.runs.values() for one in some if one.kept is not None]
    kept += [one.stored == _answers(one) for one in (found.at, found.swapped) if one is not None]
    shown = f"{sum(kept)} of {len(kept)} runs"
    return Target(_KEPT, "every run", shown, all(kept))


def _answers(one: At | Swapped) -> int:
    return one.asked - one.failed if isinstance(one, Swapped) else one.answered


def _at_a_pace(at: At | None) -> Iterator[Target]:
    what = "p99 at 200 requests per second"
    if at is None:
        yield Target(what, "3 × fdatasync p99 + 15 ms", "not asked for", None)
        return
    most = 3 * at.sync_ms + 15
    asked = f"3 × {at.sync_ms:.1f} + 15 = {most:.1f} ms"
    yield Target(what, asked, f"{at.p99_ms:.1f} ms", at.p99_ms <= most)


def _under_changes(swapped: Swapped | None) -> Iterator[Target]:
    names = ("requests that failed", "answers that are not their version's")
    for name, field in zip(names, ("failed", "disagreeing"), strict=True):
        what = f"100 changes of the champion under load: {name}"
        if swapped is None:
            yield Target(what, "0", "not asked for", None)
        else:
            number = getattr(swapped, field)
            shown = f"{number:,} of {swapped.asked:,}, {swapped.changes} changes"
            yield Target(what, "0", shown, number == 0 if swapped.changes >= 100 else None)


def soak_targets(soaked: Soaked) -> list[Target]:
    """Every target of a long run; one that was too short tells nothing."""
    long = soaked.minutes >= 30
    slope, (least, most), (before, after) = soaked.slope_mib, soaked.files, soaked.sockets
    opened = f"{least} to {most} files, {before} sockets before and {after} after"
    grown, same = f"{slope:+.2f} MiB per 10 minutes", least == most and before == after
    kept = f"{soaked.stored:,} of {soaked.answered:,}"
    return [
        Target(_KEPT, "all", kept, soaked.stored == soaked.answered),
        Target("memory", "under 1 MiB per 10 minutes", grown, slope < 1 if long else None),
        Target("open files", "constant", opened, same if long else None),
    ]


def _ratio(what: str, ours: Measured | None, other: Measured | None, limit: float) -> Target:
    asked = f"at most {_shown(limit)}"
    if ours is None or other is None or not ours.cpu_us or not other.cpu_us:
        return Target(what, asked, _why(ours, other), None)
    ratio = ours.cpu_us / other.cpu_us
    return Target(what, asked, _shown(ratio), ratio <= limit)


def _shown(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.5 else f"1/{1 / ratio:.1f}"


def _why(*some: Measured | None) -> str:
    return next((one.note for one in some if one is not None and one.note), "not asked for")


def _servers(results: Results) -> str:
    ours = results.get(COMPILED_ONE.name)
    some = [one for one in ALL if one.name in results]
    return table(HEADS, [_server(one.name, results[one.name], ours) for one in some])


def _server(name: str, one: Measured, ours: Measured | None) -> list[str]:
    if one.per_s is None or one.cpu_us is None:
        return [f"{name}: {one.note}", *([""] * (len(HEADS) - 1))]
    times = f"× {one.cpu_us / ours.cpu_us:.2g}" if ours and ours.cpu_us else ""
    wrong = f" ({one.refused + one.broken} failed)" if one.refused + one.broken else ""
    return [
        *(name, f"{one.per_s:,.0f}", f"{one.cpu_us:,.0f}", times),
        *(f"{one.p50_ms:.1f}", f"{one.p99_ms:.1f}"),
        f"{(one.told if one.told is not None else one.answered):,}{wrong}",
        "none" if one.stored is None else f"{one.stored:,}",
    ]


def _at(at: At) -> str:
    heads = ["requests per s", "asked", "answered", "rows kept", "p50 ms", "p99 ms"]
    numbers = [f"{at.rate:g}", f"{at.asked:,}", f"{at.answered:,}", f"{at.stored:,}"]
    times = [f"{one:.1f}" for one in (at.p50_ms, at.p99_ms, at.sync_ms)]
    return table([*heads, "fdatasync p99 ms"], [[*numbers, *times]], names=0)


def _swapped(one: Swapped) -> str:
    heads = ["changes", "asked", "failed", "not their version's", "rows kept", "by version"]
    numbers = (one.changes, one.asked, one.failed, one.disagreeing, one.stored)
    versions = ", ".join(f"{number}: {n:,}" for number, n in one.by_version.items())
    return table(heads, [[*(f"{number:,}" for number in numbers), versions]], names=0)


def _soaked(one: Soaked) -> str:
    heads = ["minutes", "answered", "rows kept", "memory MiB", "MiB per 10 minutes"]
    heads += ["open files", "largest write-ahead log MiB", "p99 ms"]
    row = [f"{one.minutes:g}", f"{one.answered:,} of {one.asked:,}", f"{one.stored:,}"]
    row += ["{:.1f} to {:.1f}".format(*one.memory_mib), f"{one.slope_mib:+.2f}"]
    row += ["{} to {}".format(*one.files), f"{one.log_mib:.1f}", f"{one.p99_ms:.1f}"]
    return table(heads, [row], names=0)
