"""E6: who stands still is seen by who does not."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from homeostat.errors import Unavailable
from homeostat.liveness import LIVENESS, LivenessPolicy
from homeostat.store import Store
from homeostat.testing.store_samples import sample_prediction
from homeostat.verdict import Outcome, Verdict
from homeostat.vigil import LENGTHS, Vigil
from tests.faults.served import Served, make_project, serving, store_in
from tests.shell.serving.world import MODEL
from tests.shell.test_heartbeat import outside

#: What takes minutes in earnest takes seconds here.
QUICK = {"pulse_s": 0.3, "silent_s": 3.0}
LONG = LivenessPolicy(silent=timedelta(days=365))
PATIENCE_S = 60.0

pytestmark = pytest.mark.slow


@contextmanager
def monitoring(folder: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The real monitor."""
    command = [sys.executable, "-m", "homeostat.cli.app", "monitor", "run", *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (folder / "monitor.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--config", str(folder / "homeostat.yaml")],
            stdout=log,
            stderr=log,
            env=environment,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@contextmanager
def both(folder: Path) -> Iterator[tuple[Served, "subprocess.Popen[bytes]", Store]]:
    """A service and a monitor that see each other, and their store."""
    with serving(folder) as served, monitoring(folder) as monitor, store_in(folder) as store:
        until(lambda: {"monitor", "service"} <= working(store), folder)
        until(lambda: said(store, Outcome.PASS), folder)
        yield served, monitor, store


def stop(process: "subprocess.Popen[bytes]", store: Store) -> None:
    """Stop a process anywhere but amid a write, where it would keep the lock of the file."""
    while True:
        process.send_signal(signal.SIGSTOP)
        until(lambda: _stopped(process.pid), Path())
        try:
            store.heart.forget(MODEL, "nobody")
        except Unavailable:
            process.send_signal(signal.SIGCONT)
        else:
            return


def newest(store: Store) -> Verdict | None:
    held = store.verdicts(MODEL, LIVENESS, limit=1)
    return held[0][1] if held else None


def said(store: Store, outcome: Outcome) -> bool:
    """Whether the newest verdict has this outcome."""
    verdict = newest(store)
    return verdict is not None and verdict.outcome is outcome


def working(store: Store) -> set[str]:
    """The loops that did their work, in processes that gave a sign of life."""
    return {one.loop for one in store.heart.beats(MODEL) if one.succeeded_at and one.seen_at}


def until(true: Callable[[], bool], folder: Path) -> None:
    """Return as soon as something holds; fail with the logs when it takes too long."""
    deadline = datetime.now(UTC) + timedelta(seconds=PATIENCE_S)
    while not true():
        if datetime.now(UTC) > deadline:
            logs = [one.read_text()[-3000:] for one in sorted(folder.glob("*.log"))]
            pytest.fail("\n".join(logs))
        Event().wait(0.02)


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project", watch=QUICK)


def test_a_monitor_that_is_stopped_is_told_by_the_service(quick: Path) -> None:
    with both(quick) as (served, monitor, store):
        stop(monitor, store)
        until(lambda: said(store, Outcome.FAIL), quick)
        verdict = newest(store)
        _, health = served.ask("GET", "/monitoring/health")
        allowing = Vigil(store=store, model=MODEL, policy=LONG)
        control = allowing.judge(now=datetime.now(UTC))
        monitor.send_signal(signal.SIGCONT)
        until(lambda: said(store, Outcome.PASS), quick)

    assert verdict is not None
    assert verdict.details["troubled"] == ["monitor"]
    assert "monitor is dead" in verdict.reason
    assert [one["kind"] for one in health["issues"] if one["severity"] == "high"] == [LIVENESS]
    assert control.outcome is Outcome.PASS  # by the same timestamps, allowed a year


def test_a_service_that_is_stopped_is_told_by_the_monitor(quick: Path) -> None:
    with both(quick) as (served, _, store):
        stop(served.process, store)
        until(lambda: said(store, Outcome.FAIL), quick)
        verdict = newest(store)
        served.process.send_signal(signal.SIGCONT)
        until(lambda: said(store, Outcome.PASS), quick)

    assert verdict is not None
    assert verdict.details["troubled"] == ["service"]


def test_a_monitor_that_was_killed_is_told_by_the_service(quick: Path) -> None:
    with both(quick) as (_, monitor, store):
        monitor.kill()
        until(lambda: said(store, Outcome.FAIL), quick)
        verdict = newest(store)

    assert verdict is not None
    assert verdict.details["troubled"] == ["monitor"]


def test_with_the_settings_as_they_come_a_stop_is_told_within_fifteen_minutes(
    tmp_path: Path,
) -> None:
    """The real monitor is stopped; whoever looks does so on a clock of its own."""
    folder = make_project(tmp_path / "project")
    with monitoring(folder) as monitor, store_in(folder) as store:
        until(lambda: "monitor" in working(store), folder)
        monitor.send_signal(signal.SIGSTOP)
        stopped_at = datetime.now(UTC)
        vigil = Vigil(store=store, model=MODEL)
        looks = {
            minute: vigil.judge(now=stopped_at + timedelta(minutes=minute)).outcome
            for minute in range(16)
        }

    assert looks[0] is looks[3] is Outcome.PASS
    assert min(minute for minute, one in looks.items() if one is Outcome.FAIL) <= 7
    assert looks[15] is Outcome.FAIL


def test_traffic_that_stops_is_told_within_fifteen_minutes(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    now = datetime(2026, 3, 30, 12, tzinfo=UTC)
    minutes = [
        now - timedelta(weeks=week, minutes=minute)
        for week in range(4)
        for minute in range(-120 if week else 0, 240)
    ]
    rows = [
        replace(sample_prediction(f"{when.timestamp()}-{i}"), model=MODEL, received_at=when)
        for when in minutes
        for i in range(3)
    ]
    with store_in(folder) as store:
        store.add_predictions(rows)
        vigil = Vigil(store=store, model=MODEL)
        looks = {
            minute: vigil.judge(now=now + timedelta(minutes=minute)) for minute in range(1, 16)
        }
        store.add_predictions(
            [replace(rows[0], id="one", received_at=now + timedelta(minutes=14, seconds=30))]
        )
        control = vigil.judge(now=now + timedelta(minutes=15))

    blind = [minute for minute, one in looks.items() if one.outcome is Outcome.FAIL]
    assert blind == list(range(min(blind), 16))
    assert min(blind) <= 11
    assert "0 rows in the last 10 min; at least 30" in looks[15].reason
    assert control.outcome is Outcome.PASS  # one row is a sign of life
    assert LENGTHS[0] < timedelta(minutes=15)


def test_the_heartbeat_ends_with_the_monitor(tmp_path: Path) -> None:
    """A07: a dead man's switch outside sees what nobody inside can say any more.

    Beside the monitor that is stopped another one runs, which gives the measure of time and
    shows what would come from one that is not stopped.
    """
    with outside() as (url, asked):
        folders = [_with_heartbeat(tmp_path / name, f"{url}/{name}") for name in ("a", "b")]
        with monitoring(folders[0]) as stopped, monitoring(folders[1]):
            until(lambda: min(asked.count("/a"), asked.count("/b")) > 2, folders[0])
            stopped.send_signal(signal.SIGSTOP)
            until(lambda: _stopped(stopped.pid), folders[0])
            before, measure = asked.count("/a"), asked.count("/b")
            until(lambda: asked.count("/b") > measure + 10, folders[1])
            after = asked.count("/a")
            stopped.send_signal(signal.SIGCONT)
            until(lambda: asked.count("/a") > after, folders[0])
        logs = [(one / "monitor.log").read_text() for one in folders]

    assert after - before <= 1  # one may have been on its way
    assert not [one for one in logs if url in one]


def _with_heartbeat(folder: Path, url: str) -> Path:
    return make_project(folder, watch={**QUICK, "heartbeat_url": url})


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_no_heartbeat_comes_from_a_monitor_whose_rounds_fail(tmp_path: Path) -> None:
    with outside() as (url, asked):
        watch = {**QUICK, "heartbeat_url": url}
        folder = make_project(
            tmp_path / "project", watch=watch, monitoring={"path": "in-the-way/monitoring"}
        )
        (folder / "in-the-way").write_text("a file where a folder should be")
        with monitoring(folder, "--interval", "0.01"), store_in(folder) as store:
            until(lambda: said(store, Outcome.ERROR), folder)
            verdict = newest(store)

    assert asked == []
    assert verdict is not None
    assert verdict.details["troubled"] == ["monitor"]
    assert json.dumps(verdict.to_dict())
