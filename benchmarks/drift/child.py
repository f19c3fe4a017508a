"""One measured call in a fresh interpreter: its processor seconds and the peak memory.

python -m benchmarks.drift.child MODULE:FUNCTION CPU_LIMIT_S REFERENCE CURRENT SMALL

The function gets the path of the reference and gives back the call that is measured, with the
path of the current rows.  It is called with few rows first: what is imported and made ready
once is not in the seconds.  The peak is that of the whole process.  One line of JSON on
standard output.
"""

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeAlias

STATUS = Path("/proc/self/status")

#: The columns that were found drifted; None of those that merely read.
Found: TypeAlias = Collection[str] | None
Call: TypeAlias = Callable[[Path], Found]
Prepare: TypeAlias = Callable[[Path], Call]


def processor_s() -> float:
    """Seconds of user and system of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    """The most memory that this program held; `ru_maxrss` remembers its parent's too."""
    if STATUS.exists():
        lines = STATUS.read_text(encoding="utf-8").splitlines()
        held = next(line for line in lines if line.startswith("VmHWM"))
        return int(held.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(call: Call, current: Path) -> dict[str, Any]:
    """What a call needed and what it found."""
    wall, before = time.perf_counter(), processor_s()
    found = call(current)
    cpu_s, wall_s = processor_s() - before, time.perf_counter() - wall
    return {
        "cpu_s": cpu_s,
        "wall_s": wall_s,
        "peak_mib": peak_mib(),
        "found": None if found is None else sorted(found),
    }


def main(target: str, limit_s: int, reference: Path, current: Path, small: Path) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 5))
    module, _, function = target.partition(":")
    prepare: Prepare = getattr(importlib.import_module(module), function)
    call = prepare(reference)
    call(small)
    print(json.dumps(measured(call, current)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(Path, sys.argv[3:6]))
