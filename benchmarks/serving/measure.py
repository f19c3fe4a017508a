"""One server under all the load that it can take."""

import json
import shutil
import time
import urllib.request
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.processes import last_line, run, why_absent
from benchmarks.serving.contestants import Contestant
from benchmarks.serving.load import CONNECTIONS, saturate
from benchmarks.serving.process import Running, free_port, running
from benchmarks.serving.project import Project
from benchmarks.serving.workload import TOLERANCE, rows

__all__ = ["BODIES", "Measured", "Setting", "measure", "served"]

BODIES = 2_000  #: different rows
WARM_S = 1.0  #: of load that is not measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all servers of a run share."""

    folder: Path  #: for their files
    project: Path  #: of homeostat, as it is before a run; each gets a copy
    original: Path  #: the same with the model that is not compiled
    probability: float  #: of the model for the first row
    seconds: float  #: of load


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a server did; or the note says why there is nothing."""

    per_s: float | None = None
    cpu_us: float | None = None  #: user and system, all its processes, per request
    p50_ms: float | None = None
    p99_ms: float | None = None
    answered: int = 0  #: with 200, as the load counted them
    refused: int = 0
    broken: int = 0
    told: int | None = None  #: answers with 200, as the server counted them
    stored: int | None = None  #: rows in its store
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the store holds just what was answered.

        The load ends in the middle of requests: their answers, up to one for each connection,
        are stored and sent, but not counted by the load.  The server counts every answer.
        """
        if self.stored is None:
            return None
        unread = self.stored - self.answered
        return self.stored == self.told and 0 <= unread <= 2 * CONNECTIONS + 1


def measure(one: Contestant, setting: Setting) -> Measured:
    """One server, started for this and stopped behind it."""
    if not one.python.exists():
        return Measured(note=f"not installed: {why_absent(one.environment)}")
    folder = _prepared(one, setting)
    if isinstance(folder, str):
        return Measured(note=folder)
    try:
        with served(one, folder) as server:
            _refuse_other_model(one, server, setting)
            found = _loaded(one, server, setting)
    except (RuntimeError, OSError) as error:
        return Measured(note=f"failed: {error}")
    if not one.stores:
        return found
    project = Project(folder)
    return replace(found, told=project.answered(), stored=project.rows())


def served(one: Contestant, folder: Path) -> AbstractContextManager[Running]:
    """The server, ready; `folder` holds what was prepared for it."""
    port = _port_of(folder) or free_port()
    return running(
        one.serve(folder, port), port, ready=one.ready, environment=one.variables(folder)
    )


def _prepared(one: Contestant, setting: Setting) -> Path | str:
    """The folder of a server; or why there is none."""
    folder = setting.folder / "".join(c if c.isalnum() else "-" for c in one.name)
    shutil.rmtree(folder, ignore_errors=True)
    if one.prepare is None:
        shutil.copytree(setting.project if one.compiled else setting.original, folder)
        return folder
    folder.mkdir(parents=True)
    command = [str(part) for part in one.prepare(folder, free_port())]
    ended = run(one.python, command, wall_limit_s=300.0)
    return f"failed: {last_line(ended.errors)}" if ended.code else folder


def _port_of(folder: Path) -> int | None:
    """The port that MLServer was told; the others are told when they start."""
    file = folder / "settings.json"
    if not file.exists():
        return None
    port: int = json.loads(file.read_text(encoding="utf-8"))["http_port"]
    return port


def _refuse_other_model(one: Contestant, server: Running, setting: Setting) -> None:
    row = rows(BODIES)[0].tolist()
    request = urllib.request.Request(
        f"{server.url}{one.path}",
        json.dumps(one.body(row)).encode(),
        {"Content-Type": "application/json", **({"X-API-Key": one.key} if one.key else {})},
    )
    with urllib.request.urlopen(request, timeout=30.0) as answer:
        said = one.probability(json.loads(answer.read()))
    if abs(said - setting.probability) > TOLERANCE:
        raise RuntimeError(f"it answers {said}, the model says {setting.probability}")


def _loaded(one: Contestant, server: Running, setting: Setting) -> Measured:
    bodies = setting.folder / "bodies.txt"
    lines = [json.dumps(one.body(row)) for row in rows(BODIES).tolist()]
    bodies.write_text("\n".join(lines) + "\n", encoding="utf-8")
    url = f"{server.url}{one.path}"
    warm = saturate(url, bodies, seconds=WARM_S, key=one.key, folder=setting.folder)
    before = server.cpu_s()
    load = saturate(url, bodies, seconds=setting.seconds, key=one.key, folder=setting.folder)
    time.sleep(0.1)  # until the answers that were under way are given
    cpu_s = server.cpu_s() - before
    return Measured(
        per_s=load.answered / load.seconds,
        cpu_us=1e6 * cpu_s / max(1, load.requests),
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        answered=1 + warm.answered + load.answered,
        refused=warm.refused + load.refused,
        broken=warm.broken + load.broken,
    )
