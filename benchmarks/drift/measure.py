"""One contestant in a process of its own, stopped when it takes too long."""

import json
import signal
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drift.contestants import Contestant
from benchmarks.processes import last_line, run, why_absent

__all__ = ["LIMIT_S", "REPEATS", "Measured", "Paths", "measure"]

#: Processor seconds after which a contestant is stopped, its imports included.
LIMIT_S = 300

#: One that needs fewer seconds is measured this often; the median counts.
SHORT_S, REPEATS = 5.0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The files of one size."""

    reference: Path
    current: Path
    small: Path  #: for the call that makes everything ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a contestant needed; or the note says why there is nothing."""

    cpu_s: float | None = None
    wall_s: float | None = None
    peak_mib: float | None = None
    found: frozenset[str] | None = None
    note: str = ""


def measure(
    one: Contestant, paths: Paths, *, limit_s: int = LIMIT_S, repeats: int = REPEATS
) -> Measured:
    """The median of a few runs, of one run when it is long."""
    if not one.python.exists():
        return Measured(note=f"not installed: {why_absent(one.environment)}")
    runs = [_run(one, paths, limit_s)]
    while not runs[0].note and (runs[0].cpu_s or 0.0) < SHORT_S and len(runs) < repeats:
        runs.append(_run(one, paths, limit_s))
    told = [each for each in runs if each.note]
    if told:
        return told[0]
    middle = statistics.median_low(each.cpu_s or 0.0 for each in runs)
    return next(each for each in runs if each.cpu_s == middle)


def _run(one: Contestant, paths: Paths, limit_s: int) -> Measured:
    files = [str(path) for path in (paths.reference, paths.current, paths.small)]
    command = ["-m", "benchmarks.drift.child", one.target, str(limit_s), *files]
    ended = run(one.python, command, wall_limit_s=6.0 * limit_s)
    if ended.code == 0:
        plain = json.loads(ended.output.splitlines()[-1])
        found = plain.pop("found")
        return Measured(found=None if found is None else frozenset(found), **plain)
    if ended.code == -signal.SIGXCPU or ended.cpu_s >= limit_s:
        note = f"stopped after {limit_s} CPU s"
    elif ended.code < 0:
        note = f"killed by signal {-ended.code}, as when memory runs out"
    else:
        return Measured(note=f"failed: {last_line(ended.errors)}")
    return Measured(cpu_s=ended.cpu_s, peak_mib=ended.peak_mib, note=note)
