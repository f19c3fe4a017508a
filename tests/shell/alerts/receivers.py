"""Real receivers: HTTP servers that follow a plan, and a mail server."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """What a receiver took, and what it is to answer."""

    plan: list[int] = field(default_factory=list)  #: statuses to answer with, then 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "ok"
    taken: list[dict[str, Any]] = field(default_factory=list)  #: bodies answered with 200
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    held: threading.Event | None = None  #: answers wait for it
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook"


@contextmanager
def http_receiver(plan: Sequence[int] = (), **given: Any) -> Iterator[Received]:
    """A server on a free port of this machine."""
    received = Received(plan=list(plan), **given)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if received.held is not None:
                received.held.wait(30)
            with lock:
                received.requests.append((self.path, dict(self.headers), content))
                status = received.plan.pop(0) if received.plan else 200
                if status < 300:
                    received.taken.append(json.loads(content))
            answer = received.body.encode()
            self.send_response(status)
            for name, value in received.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield received
    finally:
        if received.held is not None:
            received.held.set()
        server.shutdown()
        server.server_close()
        thread.join()
