"""C3: nothing reaches a listener on this machine, however its address is written."""

import ipaddress
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from homeostat.notifiers import Refused, Retry, Secret, Wire, build_notifier
from homeostat.outbound import Allowed, Forbidden, GuardedTransport, is_public
from homeostat.testing.notifier import NOW, sample_message
from tests.shell.alerts.receivers import http_receiver


class Canary:
    """A listener that counts who connects to it."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.hits = 0
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.hits += 1
            connection.close()

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(10)


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    listening.close()


SPELLINGS = [
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://0x7f.1:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0x0.0x0.0x1:{port}/",
    "https://2130706433:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://0177.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.127.127.127:{port}/",
    "https://①②⑦.⓪.⓪.①:{port}/",
    "https://127。0。0。1:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://[::1]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[2001:0:7f00:1::]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://[fc00::1]:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://169.254.169.254/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://192.168.0.1:{port}/",
    "https://100.64.0.1:{port}/",
    "https://192.0.0.192:{port}/",
    "https://224.0.0.1:{port}/",
    "https://255.255.255.255:{port}/",
    "https://hooks.slack.com@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@hooks.slack.com/",
    "https://127.0.0.1:{port}\\@hooks.slack.com/",
    "http://127.0.0.1:{port}/",
    "http://hooks.slack.com/",
    "ftp://127.0.0.1:{port}/",
    "file:///etc/passwd",
]


def sent(url: str, transport: httpx.BaseTransport) -> str:
    """How a message to this address ends."""
    hook = build_notifier("webhook", {"url": {"env": "URL"}, "timeout_s": 2.0})
    wire = Wire(http=transport, secret=lambda _: url, now=lambda: NOW, out=None)  # type: ignore[arg-type]
    try:
        hook.send(sample_message(), wire)
    except (Refused, Retry) as error:
        return f"{type(error).__name__}: {error}"
    return "taken"


def everything(url: str) -> frozenset[str]:
    """An allow-list that somebody was talked into putting this address on."""
    try:
        host = httpx.URL(url).host.lower()
    except httpx.InvalidURL:
        return frozenset()
    return frozenset({host, *(f"{host}:{port}" for port in (80, 443, httpx.URL(url).port))})


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_an_inner_address_is_reached(spelling: str, canary: Canary) -> None:
    """Neither where it is not on the list, nor where somebody put it there."""
    url = spelling.format(port=canary.port)

    not_listed = sent(url, GuardedTransport())
    listed = sent(url, GuardedTransport(allowed=Allowed(hosts=everything(url))))

    assert not_listed.startswith("Refused")
    assert listed.startswith(("Refused", "Retry: NetworkError")), listed
    assert canary.hits == 0


def test_there_are_forty_of_them_and_the_canary_sings(canary: Canary) -> None:
    """The control: where it is allowed, the same request does arrive."""
    networks = (ipaddress.ip_network("127.0.0.0/8"),)
    url = f"https://127.0.0.1:{canary.port}/"
    allowed = Allowed(hosts=everything(url), networks=networks)

    said = sent(url, GuardedTransport(allowed=allowed))

    assert len(SPELLINGS) >= 40
    assert said.startswith("Retry")
    assert canary.hits == 1


def resolver(*answers: list[str]) -> Any:
    """Gives these addresses, a list for each time that it is asked."""
    left = list(answers)

    def resolve(_: str, port: int, **__: Any) -> list[Any]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return resolve


@pytest.mark.parametrize(
    "answers",
    [[["127.0.0.1"]], [["8.8.8.8", "127.0.0.1"]], [["10.0.0.1"], ["8.8.8.8"]]],
)
def test_a_name_that_leads_inside_is_not_followed(answers: list[list[str]], canary: Canary) -> None:
    allowed = Allowed(hosts=frozenset({f"hooks.example:{canary.port}"}))
    transport = GuardedTransport(allowed=allowed, resolve=resolver(*answers))

    said = sent(f"https://hooks.example:{canary.port}/", transport)

    assert "not public" in said
    assert canary.hits == 0


def test_a_name_is_resolved_once_and_that_address_is_connected_to(canary: Canary) -> None:
    """A resolver that answers otherwise the second time is not asked a second time."""
    asked: list[str] = []
    resolve = resolver(["127.0.0.2"], ["127.0.0.1"])

    def counted(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        found: list[Any] = resolve(host, port, **more)
        return found

    allowed = Allowed(
        hosts=frozenset({f"hooks.example:{canary.port}"}),
        networks=(ipaddress.ip_network("127.0.0.2/32"),),
    )
    said = sent(
        f"https://hooks.example:{canary.port}/", GuardedTransport(allowed=allowed, resolve=counted)
    )

    assert asked == ["hooks.example"]
    assert said.startswith("Retry")
    assert canary.hits == 0


def test_the_other_end_is_asked_again_once_it_is_connected() -> None:
    guard = GuardedTransport()

    with pytest.raises(Forbidden, match="not public"):
        guard.check("127.0.0.1", "hooks.example", plain=False)
    with pytest.raises(Forbidden, match="use https"):
        guard.check("8.8.8.8", "hooks.example", plain=True)


def test_a_receiver_of_this_machine_can_be_allowed_by_name() -> None:
    with http_receiver() as hook:
        allowed = Allowed(
            hosts=frozenset({hook.host}), networks=(ipaddress.ip_network("127.0.0.0/8"),)
        )

        assert sent(hook.url, GuardedTransport(allowed=allowed)) == "taken"
        assert len(hook.taken) == 1


def test_a_redirect_is_an_answer(canary: Canary) -> None:
    location = {"Location": f"http://127.0.0.1:{canary.port}/"}
    with http_receiver([302], headers=location) as hook:
        allowed = Allowed(
            hosts=frozenset({hook.host, f"127.0.0.1:{canary.port}"}),
            networks=(ipaddress.ip_network("127.0.0.0/8"),),
        )
        said = sent(hook.url, GuardedTransport(allowed=allowed))

    assert said == "Refused: HTTP 302: redirects are not followed"
    assert canary.hits == 0


def test_of_an_endless_answer_little_is_read() -> None:
    with http_receiver(body="x" * 2**20) as hook:
        allowed = Allowed(
            hosts=frozenset({hook.host}), networks=(ipaddress.ip_network("127.0.0.0/8"),)
        )
        with httpx.Client(transport=GuardedTransport(allowed=allowed)) as client:
            answer = client.post(hook.url, content=b"{}")

    assert len(answer.content) == 64 * 1024


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("::ffff:1.1.1.1", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("240.0.0.1", False),
        ("ff02::1", False),
    ],
)
def test_what_is_public(text: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(text)) is public


def test_a_secret_is_never_in_the_settings() -> None:
    from homeostat.errors import UserError

    with pytest.raises(UserError) as said:
        build_notifier("webhook", {"url": "https://hooks.example/canary", "secert": 1})

    assert "secrets do not stand here" in str(said.value)
    assert "unknown option 'secert'; did you mean 'secret'?" in str(said.value)
    assert "canary" not in str(said.value)
    with pytest.raises(Refused, match="environment variable NONE is not set"):
        Secret(env="NONE").read({})
