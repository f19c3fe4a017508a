"""What logging from somebody's own service costs a call, beside the call itself.

    python benchmarks/bench_client.py [CALLS]

A logistic regression answers one row of ten features.  In turn and in one run: bare, logged by
`@client.logged` to a service that is there, and logged while no service is there and the
buffer is full.  The service runs in a process of its own, as it would.  Told are the processor
time of the thread that calls, which the logging adds to, and the time on the clock, into which
the thread that sends and all else on the machine goes, too.  What counts are the ratios; calls
follow each other without a pause, which no service sees.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from homeostat.client import Client

CALLS = 20_000
ROUNDS = 7
FEATURES = 10


class Taking(BaseHTTPRequestHandler):
    """Takes every batch, and says that it was stored."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:  # the name that it is called by
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["rows"]
        body = json.dumps({"stored": len(rows), "unchanged": 0, "versions": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def serve(told: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    told.send(server.server_port)
    server.serve_forever()


def seconds(
    function: Callable[[dict[str, float]], float], row: dict[str, float], n: int
) -> tuple[float, float]:
    """Of one call: processor time of this thread, and time on the clock."""
    begun, on_the_clock = time.thread_time(), time.perf_counter()
    for _ in range(n):
        function(row)
    return (time.thread_time() - begun) / n, (time.perf_counter() - on_the_clock) / n


def main(calls: int) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=(500, FEATURES))
    model = LogisticRegression().fit(x, (x[:, 0] > 0).astype(int))
    names = [f"x{i}" for i in range(FEATURES)]
    row = dict(zip(names, x[0].tolist(), strict=True))

    def predict(row: dict[str, float]) -> float:
        return float(model.predict_proba([[row[name] for name in names]])[0, 1])

    context = get_context("spawn")
    ours, theirs = context.Pipe()
    service = context.Process(target=serve, args=(theirs,), daemon=True)
    service.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    there, away = Client(url), Client("http://127.0.0.1:9")
    there.buffer.limit = 10 * calls
    ways = {
        "bare": predict,
        "logged": there.logged(model_version="v1", probability=float)(predict),
        "logged, nobody there": away.logged(model_version="v1", probability=float)(predict),
    }
    per_round = max(1, calls // ROUNDS)
    for one in ways.values():
        seconds(one, row, per_round // 10)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, one in ways.items():
            taken[name].append(seconds(one, row, per_round))
            there.buffer.flush(60)  # what is sent for one is not counted with another
    for i, kind in enumerate(("processor time of the caller", "time on the clock")):
        middle = {name: statistics.median(one[i] for one in all_) for name, all_ in taken.items()}
        print(kind)
        for name, value in middle.items():
            ratio, more = value / middle["bare"], 1e6 * (value - middle["bare"])
            print(f"  {name:22} {1e6 * value:8.1f} us a call  {ratio:5.2f} x  {more:+7.1f} us")
    print(f"sent {there.buffer.sent:,}, dropped {there.buffer.dropped:,}", end="; ")
    print(f"nobody there: dropped {away.buffer.dropped:,}")
    away.buffer.close(0.1)
    there.close()
    service.terminate()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS)
