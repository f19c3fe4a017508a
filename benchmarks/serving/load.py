"""Load: wrk for as many requests as can be answered, and a paced client of our own."""

import asyncio
import contextlib
import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

__all__ = ["CONNECTIONS", "Answered", "Paced", "Saturated", "paced", "saturate"]

CONNECTIONS = 16

_Lane: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

#: Posts one body after the other, and tells what came of it as one line of JSON.
SCRIPT = """
local bodies = {}
for line in io.lines(os.getenv("BENCH_BODIES")) do bodies[#bodies + 1] = line end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local key = os.getenv("BENCH_KEY")
if key then wrk.headers["X-API-Key"] = key end
local requests = {}
function init(args)
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
end
local next = 0
function request()
  next = next % #requests + 1
  return requests[next]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, ' ..
    '"refused": %d, "broken": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturated:
    """What a server answered that was asked without a pause."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int  #: with another status than 200
    broken: int  #: connections that failed or timed out

    @property
    def answered(self) -> int:
        """With 200."""
        return self.requests - self.refused


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer of a paced run."""

    status: int  #: 0 where the connection failed
    seconds: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Paced:
    """All answers of a paced run."""

    answers: Sequence[Answered]

    @property
    def answered(self) -> int:
        """With 200."""
        return sum(one.status == 200 for one in self.answers)

    def quantile_ms(self, share: float) -> float:
        """Of the time from the planned moment of a request to the end of its answer."""
        return float(np.quantile([one.seconds for one in self.answers], share)) * 1000


def saturate(url: str, bodies: Path, *, seconds: float, key: str | None, folder: Path) -> Saturated:
    """The end of a run of wrk, one thread and 16 connections."""
    script = folder / "post.lua"
    script.write_text(SCRIPT, encoding="utf-8")
    environment = {"BENCH_BODIES": str(bodies), **({"BENCH_KEY": key} if key else {})}
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "--timeout", "30s"]
    ended = subprocess.run(
        [*command, "-s", str(script), url],
        env={"PATH": "/usr/bin:/usr/local/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.search(r"^\{.*\}$", ended.stdout, re.MULTILINE)
    if ended.returncode or told is None:
        raise SystemExit(f"wrk ended with {ended.returncode}: {ended.stderr or ended.stdout}")
    return Saturated(**json.loads(told[0]))


async def paced(
    address: tuple[str, int], request: Mapping[str, str], bodies: Sequence[bytes], *, rate: float
) -> Paced:
    """One request for each of `bodies`, begun at `rate` per second whatever is answered.

    Parameters
    ----------
    request
        The path, and the headers besides host and length, by name; the path as ``path``.
    """
    lane = _Lanes(address, request)
    begin = time.perf_counter() + 0.05
    tasks = []
    for i, body in enumerate(bodies):
        planned = begin + i / rate
        await asyncio.sleep(max(0.0, planned - time.perf_counter()))
        tasks.append(asyncio.create_task(lane.ask(body, planned)))
    answers = await asyncio.gather(*tasks)
    await lane.close()
    return Paced(answers)


class _Lanes:
    """Connections that are kept; a new one is made when none is free."""

    def __init__(self, address: tuple[str, int], request: Mapping[str, str]) -> None:
        self._address = address
        told = {"Host": "bench", "Content-Type": "application/json", **request}
        path = told.pop("path")
        heads = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._head = f"POST {path} HTTP/1.1\r\n{heads}Content-Length: ".encode()
        self._free: list[_Lane] = []

    async def ask(self, body: bytes, planned: float) -> Answered:
        """The answer to one body."""
        lane = None
        try:
            lane = await self._lane()
            lane[1].write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
            status, said = await _answer(lane[0])
        except (OSError, asyncio.IncompleteReadError, ValueError):
            if lane:
                await _closed(lane[1])
            return Answered(0, time.perf_counter() - planned, b"")
        self._free.append(lane)
        return Answered(status, time.perf_counter() - planned, said)

    async def _lane(self) -> _Lane:
        """A connection that the server has not closed, as it does with those that idle."""
        while self._free:
            lane = self._free.pop()
            if not lane[0].at_eof():
                return lane
            await _closed(lane[1])
        return await asyncio.open_connection(*self._address)

    async def close(self) -> None:
        """Close what is free."""
        for _, writer in self._free:
            await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    if length is None:
        raise ValueError("an answer without a length")
    return int(head.split(b" ", 2)[1]), await reader.readexactly(int(length[1]))
