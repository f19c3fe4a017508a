"""E1: of a thousand changes none is lost, whatever the receiver does and whoever is killed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from homeostat.alerting import Alerting
from homeostat.cli.app import main
from homeostat.cli.project import open_project
from homeostat.rules import Route, Rules
from homeostat.store import Store, open_store
from homeostat.verdict import Outcome, Verdict

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MOST_FAILURES = 4  #: of one message in a row, so that no wait of a minute is drawn


class Unreliable:
    """Fails half of all requests, and knows what it took."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lock = threading.Condition()
        self.taken: Counter[str] = Counter()
        self.keys: dict[str, set[str]] = {}
        self.failures: Counter[str] = Counter()
        self.requests = 0
        self.port = 0

    def answer(self, key: str, body: dict[str, Any]) -> int:
        [change] = body["changes"]
        with self.lock:
            self.requests += 1
            fails = self.random.random() < 0.5 and self.failures[key] < MOST_FAILURES
            self.failures[key] = self.failures[key] + 1 if fails else 0
            if not fails:
                self.taken[change["id"]] += 1
                self.keys.setdefault(change["id"], set()).add(key)
            self.lock.notify_all()
        return 500 if fails else 200

    def wait_for_requests(self, requests: int, *, limit_s: float = 60.0) -> bool:
        """Whether so many requests came in time, those that fail among them."""
        with self.lock:
            return self.lock.wait_for(lambda: self.requests >= requests, limit_s)

    def wait_for(self, changes: int, *, limit_s: float = 300.0) -> bool:
        """Whether so many changes were taken in time."""
        with self.lock:
            return self.lock.wait_for(lambda: len(self.taken) >= changes, limit_s)


@contextmanager
def unreliable(seed: int) -> Iterator[Unreliable]:
    receiver = Unreliable(seed)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.answer(self.headers["Idempotency-Key"], json.loads(content))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def write_project(folder: Path, port: int) -> Path:
    """The settings of a model with one channel, a webhook to this port."""
    webhook = {
        "kind": "webhook",
        "options": {"url": {"env": "HOOK_URL"}, "timeout_s": 0.5},
    }
    plain = {
        "model": "m",
        "target": {"column": "y"},
        "features": {"x": {"kind": "number"}},
        "data": {"path": "rows.csv"},
        "log_level": "ERROR",
        "alerts": {
            "channels": {"hook": webhook},
            "allowed_hosts": [f"127.0.0.1:{port}"],
            "allowed_networks": ["127.0.0.0/8"],
        },
    }
    config = folder / "homeostat.yaml"
    config.write_text(yaml.safe_dump(plain))
    return config


def change_alerts(store: Store, changes: int) -> set[str]:
    """Opens half as many alerts and resolves them; the ids of what is to be told."""
    rules, numbers = Rules(routes=(Route(channel="hook"),)), iter(range(10**9))
    alerting = Alerting(
        store=store, model="m", rules=rules, new_id=lambda: f"id-{next(numbers):06}"
    )
    now = datetime.now(UTC)
    questions = [f"q{n}" for n in range(changes // 2)]
    for outcome, ago in ((Outcome.FAIL, 30), (Outcome.PASS, 10)):
        verdicts = [Verdict(question=one, outcome=outcome, reason="made") for one in questions]
        alerting.consider(verdicts, now=now - timedelta(minutes=ago))
    with store._database.read() as connection:
        return set(connection.exec_driver_sql("SELECT id FROM outbox").scalars())


def start(command: list[str], port: int) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "HOOK_URL": f"http://127.0.0.1:{port}/hook"}
    return subprocess.Popen([sys.executable, *command], env=environ, start_new_session=True)


def kill(process: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.wait(60)


def killed_again_and_again(
    command: list[str], receiver: Unreliable, changes: int, kills: int
) -> None:
    """Lets the sender run until all is sent, or can be no more, with so many kills on the way."""
    process = start(command, receiver.port)
    try:
        for n in range(1, kills + 1):
            receiver.wait_for_requests(n * 2 * changes // (kills + 4))  # half of all fail
            kill(process)
            process = start(command, receiver.port)
        receiver.wait_for(changes, limit_s=200)
    finally:
        kill(process, signal.SIGTERM)


def test_a_thousand_changes_arrive_though_half_fail_and_the_sender_is_killed(
    tmp_path: Path, record_property: Any
) -> None:
    changes, kills = 1_000, 20
    with unreliable(seed=1) as receiver:
        config = write_project(tmp_path, receiver.port)
        with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
            ids = change_alerts(store, changes)
        command = ["-m", "homeostat.cli.app", "alert", "send", "--config", str(config)]
        begun = time.monotonic()
        killed_again_and_again(command, receiver, changes, kills)
        assert sent_at_last(config, receiver, changes)

    duplicates = sum(receiver.taken.values()) - len(receiver.taken)
    record_property("seconds", round(time.monotonic() - begun))
    record_property("requests", receiver.requests)
    record_property("duplicates", duplicates)
    assert len(ids) == changes
    assert set(receiver.taken) == ids  # 0 missing
    assert duplicates <= 0.02 * changes
    assert all(len(keys) == 1 for keys in receiver.keys.values())


HASTY = """
import sys, threading
from dataclasses import replace
from pathlib import Path
from homeostat.cli.clock import system_clock
from homeostat.cli.project import open_project
from homeostat.sending import Sender, Tried
from homeostat.notifiers import Receipt

class Hasty(Sender):
    def _try(self, channel, batch, message_id):
        self._write_down(channel, batch, Tried(receipt=Receipt()))  # too early
        return super()._try(channel, batch, message_id)

with open_project(Path(sys.argv[1])) as project:
    made = project.sender(system_clock)
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    sender = Hasty(**fields)
    with sender.running():
        threading.Event().wait(60)
"""


def test_a_sender_that_writes_it_down_before_it_sends_loses_some(tmp_path: Path) -> None:
    """The control: this test can fail."""
    changes = 200
    script = tmp_path / "hasty.py"
    script.write_text(HASTY)
    with unreliable(seed=1) as receiver:
        config = write_project(tmp_path, receiver.port)
        with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
            ids = change_alerts(store, changes)
        process = start([str(script), str(config)], receiver.port)
        try:
            with receiver.lock:
                receiver.lock.wait_for(lambda: receiver.requests >= changes, 120)
        finally:
            kill(process)

    assert set(receiver.taken) < ids


def sent_at_last(config: Path, receiver: Unreliable, changes: int) -> bool:
    """Whether nothing waits in the end: what a killed sender did not write down is sent again."""
    os.environ["HOOK_URL"] = f"http://127.0.0.1:{receiver.port}/hook"
    try:
        for _ in range(60):
            with open_project(config) as project:
                now = datetime.now(UTC)
                queue = project.store.outbox.queue("m", "hook", grouped=False, now=now)
            if not queue.waiting and not queue.busy and len(receiver.taken) == changes:
                return True
            with pytest.raises(SystemExit) as left:
                main(["alert", "send", "--once", "--config", str(config)])
            assert left.value.code == 0
            receiver.wait_for(changes + 1, limit_s=1)  # never so many: a second goes by
    finally:
        del os.environ["HOOK_URL"]
    return False


def test_what_was_written_before_a_kill_is_sent_after_the_restart(tmp_path: Path) -> None:
    """A03: killed between the change and the sending; here nothing ever sent before."""
    with unreliable(seed=2) as receiver:
        config = write_project(tmp_path, receiver.port)
        with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
            ids = change_alerts(store, 20)
        assert sent_at_last(config, receiver, len(ids))

    assert set(receiver.taken) == ids
