"""A Python process of our own or of a peer's environment, and what it used."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

__all__ = ["NUMPY1", "PEERS", "ROOT", "Ended", "last_line", "python_of", "run", "why_absent"]

ROOT = Path(__file__).parents[1]

#: Folders of the peers' environments, each with what its file of pinned names lists.
PEERS, NUMPY1 = ".venv-peers", ".venv-peers-numpy1"

#: What keeps the peers from calling home.
QUIET = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended."""

    code: int  #: negative: the signal that ended it
    cpu_s: float
    peak_mib: float  #: at least that of the process that started it
    output: str
    errors: str


def python_of(environment: str) -> Path:
    """The interpreter of a peers' environment, there or not."""
    return ROOT / environment / "bin" / "python"


def why_absent(environment: str) -> str:
    """The word of the attempt to install it."""
    log = ROOT / f"{environment}.log"
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    said = [line for line in text.splitlines() if line.strip().startswith(("cause", "error"))]
    return last_line("\n".join(said) or text) if text.strip() else "its environment was not made"


def run(python: Path, arguments: list[str], *, given: str = "", wall_limit_s: float) -> Ended:
    """The end of a process that got `given` on its standard input."""
    with (
        tempfile.TemporaryFile("w+") as source,
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
    ):
        source.write(given)
        source.seek(0)
        process = subprocess.Popen(
            [python, *arguments],
            stdin=source,
            stdout=output,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, **QUIET, "PYTHONPATH": str(ROOT)},
        )
        timer = Timer(wall_limit_s, process.kill)
        timer.start()
        _, status, used = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        return Ended(
            code=process.returncode,
            cpu_s=used.ru_utime + used.ru_stime,
            peak_mib=used.ru_maxrss / 1024,
            output=output.read(),
            errors=errors.read(),
        )


def last_line(text: str) -> str:
    """The last line that says something, short enough for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "no word of why")[:200].replace("|", "/")
