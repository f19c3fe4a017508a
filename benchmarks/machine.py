"""What a measurement was made on, in words."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["described", "versions"]

MEMORY = Path("/proc/meminfo")


def described(date: str) -> str:
    """Date, processors, memory, system and Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{date}: {cores} cores, {memory()}, {system}"


def memory() -> str:
    """The memory of the machine."""
    if not MEMORY.exists():
        return "memory unknown"
    kib = int(MEMORY.read_text(encoding="utf-8").split(maxsplit=2)[1])
    return f"{kib / 2**20:.0f} GiB"


def versions(*packages: str) -> dict[str, str]:
    """The installed versions of those that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
