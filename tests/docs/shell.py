"""Gives the commands of pages to a real shell, and reads what came back."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.docs.pages import Command, File

LIMIT_S = 500.0
MARK = "@@@ step"

#: Variables of the tests' own environment that would change what a page says.
OVERRIDING = re.compile(r"HOMEOSTAT_\w+__\w+|API_KEY|DATABASE_URL|LOG_LEVEL|M(ONITORING|LFLOW)_\w+")

PREAMBLE = """
trap 'test -z "${server-}" || { kill "$server"; wait "$server"; }' EXIT
answering() {
  curl -sf -o /dev/null --retry 200 --retry-delay 1 --retry-connrefused "$1/health"
}
failed() { echo "$1 left with $2" >&2; exit 1; }
"""


def run(
    steps: Sequence[File | Command], folder: Path, environ: Mapping[str, str] | None = None
) -> list[str]:
    """What each command of the pages printed, all of them given to one shell.

    The service is started beside it where a page has it in a terminal of its own, on a free
    port that takes the place of 8000.
    """
    for tool in ("bash", "curl"):
        if subprocess.run(["which", tool], capture_output=True, check=False).returncode:
            missing(f"no {tool}")
    port = free_port()
    given = {k: v for k, v in os.environ.items() if not OVERRIDING.fullmatch(k)}
    given |= {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), given["PATH"]]),
        "COLUMNS": "160",
        "HOMEOSTAT_SERVING__PORT": str(port),
        **(environ or {}),
    }
    said = in_shell(script(steps, folder, port), folder, given)
    return [part.partition("\n")[2] for part in said.split(MARK)[1:]]


def script(steps: Sequence[File | Command], folder: Path, port: int) -> str:
    """One script that gives all commands and stops at the first that fails."""
    lines = [PREAMBLE]
    for step in steps:
        text = step.text.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        if isinstance(step, File):
            lines.append(f"cat > {step.name} <<'END OF FILE'\n{text}END OF FILE")
            continue
        lines.append(f"echo; echo '{MARK}'")
        if re.fullmatch(r"homeostat serve( --clock-file \S+)?", text):
            url = f"http://127.0.0.1:{port}"
            text = f"{text} 2>> {folder}/serve.log & server=$!; answering {url}"
        lines.append(f"{{ {text}\n}} || failed {shlex.quote(text)} $?")
    return "\n".join(lines)


def in_shell(text: str, folder: Path, environ: Mapping[str, str]) -> str:
    """What the script printed to standard output; the test fails when the script does."""
    process = subprocess.Popen(
        ["bash", "-c", text],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        pytest.fail(f"{err[-3000:]}\n{out[-3000:]}")
    return out


def differences(command: Command, said: str) -> list[str]:
    """The pieces of the answer on the page that are not in what was really said, in order.

    Pieces are what stands between two marks of omission.  Numbers and times are compared as
    such, not by their value: the page has those of a larger file.
    """
    pieces = [masked(one) for one in re.split(r"…|\n", command.answer) if one.strip()]
    text, lost = masked(said), []
    for piece in pieces:
        _, found, after = text.partition(piece)
        if found:
            text = after
        else:
            lost.append(piece)
    return lost


def masked(text: str) -> str:
    """The text with every number as #, and blanks made equal."""
    return " ".join(re.sub(r"\d(?:[\d,.:]*\d)?(?:e-?\d+)?", "#", text).split())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
