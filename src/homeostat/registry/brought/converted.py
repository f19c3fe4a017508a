"""A pickle as a model that is no code, by way of a process of its own."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import UserError
from homeostat.registry.brought.model import Brought, Format
from homeostat.registry.formats import LIGHTGBM, ONNX, SKOPS, XGBOOST

__all__ = ["Converted", "convert_pickle"]

TIMEOUT_S = 180.0

FORMATS = {
    ONNX: Format.ONNX,
    SKOPS: Format.SKOPS,
    XGBOOST: Format.XGBOOST,
    LIGHTGBM: Format.LIGHTGBM,
}

#: Set for the process, and nothing else: no keys, no paths of the user.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """What a pickle was converted to."""

    brought: Brought
    names: tuple[str, ...]  #: of the columns, in the model's order
    probabilities: NDArray[np.float64]  #: what the original said of the rows


def convert_pickle(
    brought: Brought,
    x: NDArray[np.float64],
    names: tuple[str, ...],
    *,
    timeout_s: float = TIMEOUT_S,
) -> Converted:
    """The model in a pickle, in a format that is no code, with what the original says of `x`.

    The pickle runs as whoever gave the command, with limits on memory, time and files, an
    environment without secrets and a folder of its own.  It is kept from what this process
    holds; it is not kept from the machine.  Nothing of what it leaves is run here.

    Raises
    ------
    UserError
        When it cannot be loaded or converted, takes too long, or leaves no model.
    """
    with TemporaryDirectory(prefix="homeostat-") as name:
        folder = Path(name)
        (folder / "given").write_bytes(brought.data)
        (folder / "asked.json").write_text(json.dumps({"names": names}), encoding="utf-8")
        np.save(folder / "rows.npy", x, allow_pickle=False)
        _run(folder, brought.source, timeout_s)
        return _read(folder, brought, len(x))


def _run(folder: Path, source: str, timeout_s: float) -> None:
    command = [sys.executable, "-I", "-m", "homeostat.registry.brought.unpickle", str(folder)]
    said = folder / "said"
    with said.open("wb") as words:
        process = subprocess.Popen(  # noqa: S603  # our own module, a folder of our own
            command,
            cwd=folder,
            env={**ENVIRONMENT, "HOME": str(folder), "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=words,
            start_new_session=True,
        )
    try:
        process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        message = f"{source} was not converted within {timeout_s:g} s, and was stopped"
        raise UserError(message) from error
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        lines = said.read_text(errors="replace").strip().splitlines() or ["it gave no reason"]
        last = lines[-1][:500]
        raise UserError(f"{source} was not converted (exit code {process.returncode}): {last}")


def _read(folder: Path, brought: Brought, rows: int) -> Converted:
    """What the process left: data that it could have written as it liked."""
    try:
        answers = json.loads(_plain(folder / "answers.json"))
        kind = FORMATS[answers["file"]]
        data = _plain(folder / answers["file"])
        names = tuple(map(str, answers["names"]))
        probabilities = np.array(answers["probabilities"], dtype=float).reshape(rows)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{brought.source} left no model when it was converted: {error}") from error
    made = Brought(format=kind, data=data, source=brought.source, signature=brought.signature)
    return Converted(made, names, probabilities)


def _plain(path: Path) -> bytes:
    """The content of a plain file: no link, and no pipe that would be waited for."""
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(f"no plain file {path.name}")
    return path.read_bytes()
