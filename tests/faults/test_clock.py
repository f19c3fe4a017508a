"""A clock that is wrong or steps back: what counts is when the server received a row."""

import shutil
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_port, missing
from tests.faults.service import ask, serving, store_in, to_server
from tests.shell.serving.world import MODEL, put_into_service, register

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)
CLOSE = timedelta(minutes=2)  #: between the clocks of the service and of this process


def another_clock(shift: str = "", file: Path | None = None) -> Mapping[str, str]:
    """Variables with which the clock of a process is off, by what they or the file say."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
    if not shutil.which("faketime") or not found:
        missing("no faketime: run scripts/services.sh")
    by_file = {"FAKETIME_TIMESTAMP_FILE": f"{file}", "FAKETIME_CACHE_DURATION": "1"}
    return {
        "LD_PRELOAD": f"{found[0]}",
        **(by_file if file else {"FAKETIME": shift}),
        "DONT_FAKE_MONOTONIC": "1",  # as of a computer whose clock is set
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.mark.parametrize(
    ("shift", "statuses"),
    [
        pytest.param("+0", [200, 422, 422, 422, 200], id="right"),
        pytest.param("-3h", [422, 422, 422, 422, 422], id="behind"),
        pytest.param("+400d", [422, 422, 422, 422, 422], id="ahead"),
    ],
)
def test_the_time_of_an_event_is_held_against_the_server(
    folder: Path, shift: str, statuses: list[int]
) -> None:
    port, now = free_port(), datetime.now(UTC)
    times = [
        now.isoformat(),
        "1970-01-01T00:00:00Z",
        "2999-01-01T00:00:00Z",
        now.replace(tzinfo=None).isoformat(),
        (now - HOUR).astimezone(far_east()).isoformat(),
    ]
    with (
        serving(folder, port, variables=another_clock(shift)),
        closing(to_server(port)) as connection,
    ):
        seen = [ask(connection, f"{i}", event_time=one)[0] for i, one in enumerate(times)]
        _, answer, _ = ask(connection, "without")
    off = {"+0": timedelta(0), "-3h": -3 * HOUR, "+400d": timedelta(days=400)}[shift]

    assert seen == statuses
    assert abs(received(answer) - now - off) < CLOSE


def far_east() -> timezone:
    return timezone(timedelta(hours=14))


def wait_for_step(connection: HTTPConnection, now: datetime) -> None:
    """Until the service has seen that its clock was set."""
    deadline = time.monotonic() + 30
    while received(ask(connection, f"step/{time.monotonic()}")[1]) > now - HOUR / 2:
        assert time.monotonic() < deadline


def received(answer: Any) -> datetime:
    return datetime.fromisoformat(answer["timestamp"])


def test_a_clock_that_steps_back_breaks_nothing(folder: Path) -> None:
    file = folder / "shift"
    file.write_text("+0\n")
    port, now = free_port(), datetime.now(UTC)
    with (
        serving(folder, port, variables=another_clock(file=file)),
        closing(to_server(port)) as connection,
    ):
        before = [ask(connection, f"before/{i}")[1] for i in range(5)]
        file.write_text("-1h\n")
        wait_for_step(connection, now)
        after = [ask(connection, f"after/{i}")[1] for i in range(5)]
        with store_in(folder) as store:
            put_into_service(store, register(store, folder / "models", turn=5))
        deadline = time.monotonic() + 30
        while ask(connection, f"swap/{time.monotonic()}")[1]["model_version"] != "2":
            assert time.monotonic() < deadline
        connection.request("GET", "/monitoring/stats")
        stats = connection.getresponse().read().decode()

    with store_in(folder) as store:
        early = store.predictions(MODEL, since=now - 2 * HOUR, until=now - HOUR / 2)
        late = store.predictions(MODEL, since=now - HOUR / 2, until=now + HOUR)
    assert {one["prediction_id"] for one in before} <= {one.id for one in late}
    assert not {one["prediction_id"] for one in after} & {one.id for one in late}
    assert {one["prediction_id"] for one in after} <= {one.id for one in early}
    times = [received(one) for one in before + after]
    assert all(abs(one - now) < CLOSE for one in times[:5])
    assert all(abs(one - now + HOUR) < CLOSE for one in times[5:])
    assert '"min_latency_ms":-' not in stats
