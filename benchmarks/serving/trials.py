"""What no load shows: answers at a pace, under changes of the champion, and over a long time."""

import asyncio
import json
import os
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from benchmarks.serving.load import Answered, paced
from benchmarks.serving.process import Running
from benchmarks.serving.project import KEY, MODEL, THRESHOLD, Project, promote
from benchmarks.serving.workload import NAMES, TOLERANCE, rows
from homeostat.store import open_store

__all__ = ["At", "Soaked", "Swapped", "at_rate", "soak", "swap", "sync_ms"]

SYNC_BYTES = 8192
LOOK_S = 0.02  #: between two looks at which version is in service
SAMPLE_S = 5.0
CLOSED_S = 10.0  #: for connections that were closed by the caller
WARM_SHARE = 0.2  #: of a soak in which memory finds its size


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Answers to requests that came at a pace."""

    rate: float
    asked: int
    answered: int  #: with 200
    stored: int  #: rows in the store, all requests to this server
    p50_ms: float
    p99_ms: float
    sync_ms: float  #: 99th percentile of the disk's fdatasync, before and after


@dataclass(frozen=True, slots=True, kw_only=True)
class Swapped:
    """Changes of the champion under load."""

    changes: int
    asked: int
    failed: int  #: not answered with 200
    disagreeing: int  #: answers that are not what their version says of the row
    by_version: Mapping[str, int]
    stored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """A long run at a pace."""

    minutes: float
    rate: float
    asked: int
    answered: int
    stored: int
    slope_mib: float  #: of resident memory, per 10 minutes
    memory_mib: tuple[float, float]  #: after warming up, and at the end
    files: tuple[int, int]  #: open ones, least and most
    sockets: tuple[int, int]  #: before the first connection, and after the last
    log_mib: float  #: the largest that the write-ahead log was
    p99_ms: float


def sync_ms(folder: Path, n: int = 200) -> float:
    """The 99th percentile of writing 8 KiB and waiting for the disk, in ms."""
    path = folder / "sync.tmp"
    taken = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        for i in range(n):
            os.pwrite(descriptor, os.urandom(SYNC_BYTES), i * SYNC_BYTES)
            before = time.perf_counter()
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - before)
    finally:
        os.close(descriptor)
        path.unlink()
    return float(np.quantile(taken, 0.99)) * 1000


def at_rate(server: Running, project: Project, *, rate: float, seconds: float) -> At:
    """The answers to so many requests per second, and how many rows are in the store then."""
    before_ms = sync_ms(project.folder)
    bodies = _bodies(round(rate * seconds))
    held = project.rows()
    found = asyncio.run(paced(_address(server), _request(), bodies, rate=rate))
    return At(
        rate=rate,
        asked=len(bodies),
        answered=found.answered,
        stored=project.rows() - held,
        p50_ms=found.quantile_ms(0.5),
        p99_ms=found.quantile_ms(0.99),
        sync_ms=float(np.mean([before_ms, sync_ms(project.folder)])),
    )


def swap(
    server: Running,
    project: Project,
    expected: Mapping[str, Sequence[float]],
    *,
    changes: int,
    rate: float,
) -> Swapped:
    """Champions changed one after the other while rows are asked about.

    Parameters
    ----------
    expected
        What each version says of the rows of the workload, in their order.
    """
    return asyncio.run(_swap(server, project, expected, changes, rate))


async def _swap(
    server: Running,
    project: Project,
    expected: Mapping[str, Sequence[float]],
    changes: int,
    rate: float,
) -> Swapped:
    length = len(next(iter(expected.values())))
    bodies = _bodies(length)
    held = project.rows()
    changing = asyncio.create_task(asyncio.to_thread(_change, server, project, changes))
    answers: list[Answered] = []
    asked: list[int] = []
    while not changing.done():
        some = [(len(asked) + i) % length for i in range(max(1, round(rate)))]
        found = await paced(_address(server), _request(), [bodies[i] for i in some], rate=rate)
        answers += found.answers
        asked += some
    await changing
    said = [(i, json.loads(one.body)) for i, one in zip(asked, answers, strict=True) if one.body]
    counted = [answer["model_version"] for _, answer in said if "model_version" in answer]
    return Swapped(
        changes=changes,
        asked=len(asked),
        failed=sum(one.status != 200 for one in answers),
        disagreeing=sum(not _agrees(i, answer, expected) for i, answer in said),
        by_version={number: counted.count(number) for number in sorted(set(counted))},
        stored=project.rows() - held,
    )


def _change(server: Running, project: Project, changes: int) -> None:
    """Each change waits until the one before it is in service."""
    with open_store(project.url) as store:
        versions = store.versions(MODEL)
        for i in range(changes):
            wanted = versions[(i + 1) % len(versions)]
            promote(store, wanted)
            while _in_service(server) != str(wanted.number):
                time.sleep(LOOK_S)


def _in_service(server: Running) -> str:
    request = urllib.request.Request(f"{server.url}/model/info", headers={"X-API-Key": KEY})
    with urllib.request.urlopen(request, timeout=10.0) as answer:
        return str(json.loads(answer.read())["model_version"])


def _agrees(i: int, answer: Mapping[str, Any], expected: Mapping[str, Sequence[float]]) -> bool:
    if "model_version" not in answer:
        return True  # a refusal, which is counted as such
    score = expected[answer["model_version"]][i]
    said = float(answer["probability"])
    agrees: bool = answer["prediction"] == int(said >= THRESHOLD)
    return agrees and abs(said - score) <= TOLERANCE


def soak(server: Running, project: Project, *, minutes: float, rate: float) -> Soaked:
    """A long run, with memory, open files and the write-ahead log looked at all the time."""
    return asyncio.run(_soak(server, project, minutes, rate))


async def _soak(server: Running, project: Project, minutes: float, rate: float) -> Soaked:
    log = Path(f"{project.folder / 'homeostat.db'}-wal")
    seen: list[tuple[float, float, int, float]] = []
    ended, begun = Event(), time.monotonic()

    def look() -> None:
        while not ended.wait(SAMPLE_S):
            size = log.stat().st_size / 2**20 if log.exists() else 0.0
            seen.append((time.monotonic() - begun, server.memory_mib(), server.files(), size))

    held, bodies = project.rows(), _bodies(max(1, round(rate * SAMPLE_S)))
    sockets = server.sockets()
    looking = asyncio.create_task(asyncio.to_thread(look))
    answers: list[Answered] = []
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        answers += (await paced(_address(server), _request(), bodies, rate=rate)).answers
    ended.set()
    await looking
    later = [one for one in seen if one[0] >= WARM_SHARE * 60 * minutes] or seen
    at, memory = [one[0] / 600 for one in later], [one[1] for one in later]
    slope = float(np.polyfit(at, memory, 1)[0]) if len(later) > 1 else 0.0
    return Soaked(
        minutes=minutes,
        rate=rate,
        asked=len(answers),
        answered=sum(one.status == 200 for one in answers),
        stored=project.rows() - held,
        slope_mib=slope,
        memory_mib=(memory[0], memory[-1]),
        files=(min(one[2] for one in later), max(one[2] for one in later)),
        sockets=(sockets, await asyncio.to_thread(_closed, server, sockets)),
        log_mib=max(one[3] for one in seen),
        p99_ms=float(np.quantile([one.seconds for one in answers], 0.99)) * 1000,
    )


def _closed(server: Running, sockets: int) -> int:
    """How many sockets are left, once there are no more than before or enough was waited."""
    end = time.monotonic() + CLOSED_S
    while server.sockets() > sockets and time.monotonic() < end:
        time.sleep(LOOK_S)
    return server.sockets()


def _bodies(n: int) -> list[bytes]:
    return [json.dumps(dict(zip(NAMES, row, strict=True))).encode() for row in rows(n).tolist()]


def _address(server: Running) -> tuple[str, int]:
    return "127.0.0.1", server.port


def _request() -> dict[str, str]:
    return {"path": "/predict", "X-API-Key": KEY}
