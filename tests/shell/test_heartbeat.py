"""A sign of life is taken by somebody outside, or it is an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from homeostat.errors import Unavailable
from homeostat.heartbeat import Heartbeat
from tests.conftest import free_port


@contextmanager
def outside(status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """The URL of a service that counts signs of life, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not to stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_sign_of_life_is_one_request() -> None:
    with outside() as (url, asked):
        Heartbeat(url=f"{url}/ping/some-secret").send()

    assert asked == ["/ping/some-secret"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_is_an_error_and_no_redirection_is_followed(status: int) -> None:
    with outside(status) as (url, asked), pytest.raises(Unavailable, match=f"HTTP {status}"):
        Heartbeat(url=f"{url}/ping/some-secret").send()

    assert asked == ["/ping/some-secret"]


def test_nobody_there_is_an_error_that_does_not_tell_the_url() -> None:
    heartbeat = Heartbeat(url=f"http://127.0.0.1:{free_port()}/ping/some-secret")

    with pytest.raises(Unavailable, match="not taken: ConnectError") as error:
        heartbeat.send()

    assert "some-secret" not in f"{error.value}{heartbeat!r}"
    assert error.value.__cause__ is None


def test_one_who_does_not_answer_is_not_waited_for() -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        seconds = request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout(f"after {seconds}")

    heartbeat = Heartbeat(
        url="http://outside.example", timeout_s=0.25, transport=httpx.MockTransport(slow)
    )

    with pytest.raises(Unavailable, match="ReadTimeout"):
        heartbeat.send()
