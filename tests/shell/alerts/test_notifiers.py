"""Every notifier under its contract, and what each sends to a real receiver."""

import dataclasses
import email
import io
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from homeostat.alert import Change
from homeostat.errors import UserError
from homeostat.messages import Message
from homeostat.notifiers import (
    NOTIFIERS,
    Notifier,
    Receipt,
    Refused,
    Retry,
    Secret,
    Wire,
    build_notifier,
)
from homeostat.outgoing import Attachment
from homeostat.testing.notifier import (
    CANARY,
    HOSTILE,
    NOW,
    Check,
    Subject,
    notifier_checks,
    sample_message,
)
from tests.conftest import free_port
from tests.shell.alerts.receivers import http_receiver

TOKEN = {"env": "TOKEN"}
SPOKEN: dict[str, tuple[str, dict[str, Any], tuple[int, str]]] = {
    "webhook": ("webhook", {"url": TOKEN, "secret": TOKEN}, (200, "thanks")),
    "slack": ("slack", {"webhook_url": TOKEN}, (200, "ok")),
    "slack bot": (
        "slack",
        {"token": TOKEN, "channel": "#ml"},
        (200, '{"ok": true, "ts": "1.2"}'),
    ),
    "pagerduty": ("pagerduty", {"routing_key": TOKEN}, (202, '{"status": "success"}')),
}


@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize("check", list(notifier_checks()), ids=lambda c: c.__name__)
def test_notifier(name: str, check: Check) -> None:
    kind, options, taken = SPOKEN[name]
    check(Subject(notifier=build_notifier(kind, options), taken=taken))


def test_the_built_in_ones_are_there() -> None:
    assert list(NOTIFIERS) == ["apprise", "console", "email", "pagerduty", "slack", "webhook"]


@dataclasses.dataclass(frozen=True)
class Careless:
    """Takes every answer for a success, follows redirects and says its secret."""

    groups = False
    timeout_s: float = 1.0

    def send(self, message: Message, wire: Wire) -> Receipt:
        with httpx.Client(transport=wire.http, follow_redirects=True) as client:
            answer = client.post("https://hooks.example/", json={"text": message.text})
        return Receipt(detail=wire.secret(Secret(env="TOKEN")) + answer.text)


@pytest.mark.parametrize(
    "check",
    [c for c in notifier_checks() if c.__name__ != "check_a_message_is_taken"],
    ids=lambda c: c.__name__,
)
def test_the_contract_can_fail(check: Check) -> None:
    harmless = {"check_every_change_can_be_told", "check_names_do_no_harm"}
    careless: Notifier = Careless()  # type: ignore[assignment]
    try:
        check(Subject(notifier=careless, taken=(200, "ok")))
    except (AssertionError, httpx.HTTPError):
        return
    assert check.__name__ in harmless


# Slack as a bot.


def wire(secret: str = CANARY, **given: Any) -> Wire:
    plain = {"http": httpx.HTTPTransport(), "now": lambda: NOW, "out": io.StringIO()}
    return Wire(secret=lambda _: secret, **{**plain, **given})


def test_a_bot_answers_in_the_thread_and_says_aloud_what_got_worse() -> None:
    options = {"token": TOKEN, "channel": "C1"}
    with http_receiver(body='{"ok": true, "ts": "1700.1"}') as slack:
        bot = build_notifier("slack", {**options, "api_url": f"http://{slack.host}/api"})
        first = bot.send(sample_message(), wire())
        for change in (Change.ESCALATED, Change.RESOLVED):
            bot.send(sample_message(change, thread=first.thread), wire())

    opened, worse, over = slack.taken
    assert slack.requests[0][0] == "/api/chat.postMessage"
    assert slack.requests[0][1]["Authorization"] == f"Bearer {CANARY}"
    assert "thread_ts" not in opened
    assert (worse["thread_ts"], worse["reply_broadcast"]) == ("1700.1", True)
    assert (over["thread_ts"], over["reply_broadcast"]) == ("1700.1", False)
    assert opened["channel"] == "C1"
    assert (opened["link_names"], opened["unfurl_links"]) == (False, False)


@pytest.mark.parametrize(
    ("said", "kind"),
    [("invalid_auth", Refused), ("channel_not_found", Refused), ("ratelimited", Retry)],
)
def test_what_slack_says_with_200_is_heard(said: str, kind: type[Exception]) -> None:
    with http_receiver(body=f'{{"ok": false, "error": "{said}"}}') as slack:
        options = {"token": TOKEN, "channel": "C1", "api_url": f"http://{slack.host}/api"}
        with pytest.raises(kind, match=said):
            build_notifier("slack", options).send(sample_message(), wire())


# PagerDuty.


def test_an_incident_is_opened_taken_up_and_resolved_under_one_key() -> None:
    with http_receiver() as pager:
        options = {"routing_key": TOKEN, "url": f"http://{pager.host}/v2/enqueue"}
        notifier = build_notifier("pagerduty", options)
        for change in (Change.OPENED, Change.ACKNOWLEDGED, Change.RESOLVED):
            notifier.send(sample_message(change), wire())

    assert [one["event_action"] for one in pager.taken] == ["trigger", "acknowledge", "resolve"]
    assert {one["dedup_key"] for one in pager.taken} == {"0190-alert"}
    payload = pager.taken[0]["payload"]
    assert (payload["severity"], payload["class"]) == ("error", "DATA_DRIFT")
    assert "0.3 seen, 0.1 asked" in payload["custom_details"]["text"]


# Mail.


class Mailbox:
    """Keeps what arrives; answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.answer = "250 taken"
        self.unknown: set[str] = set()

    async def handle_RCPT(  # noqa: N802  # so it is called
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown:
            return "550 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_DATA(  # noqa: N802  # so it is called
        self, _: SMTP, __: Session, envelope: Envelope
    ) -> str:
        if self.answer.startswith("250"):
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            mail = email.message_from_bytes(content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.mails.append((list(envelope.rcpt_tos), mail))
        return self.answer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    import subprocess

    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "cert.pem", folder / "key.pem"


def login(_: SMTP, __: Session, ___: Envelope, ____: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and given.password == b"s3cret"
    return AuthResult(success=right, handled=False)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox, certificate: tuple[Path, Path]) -> Iterator[int]:
    """A mail server on this machine that insists on STARTTLS and a password."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        authenticator=login,
        auth_required=True,
    )
    controller.start()
    yield controller.port
    controller.stop()


def mailer(port: int, certificate: tuple[Path, Path], **given: Any) -> Notifier:
    options = {
        "host": "localhost",
        "port": port,
        "recipients": ["ann@example.com", "bob@example.com"],
        "sender": "homeostat@example.com",
        "user": "homeostat",
        "password": TOKEN,
        "ca_file": str(certificate[0]),
        "timeout_s": 10.0,
    }
    return build_notifier("email", {**options, **given})


def test_a_mail_arrives_over_tls_with_text_and_html(
    server: int, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    message = dataclasses.replace(
        sample_message(thread="<first@homeostat.invalid>"),
        attachments=(Attachment(name="a.csv", media_type="text/csv", content=b"1\n"),),
    )
    receipt = mailer(server, certificate).send(message, wire("s3cret"))

    [(recipients, mail)] = mailbox.mails
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert recipients == ["ann@example.com", "bob@example.com"]
    assert mail["Subject"].startswith("[m] DATA_DRIFT - HIGH Severity, opened: Drift in income")
    assert receipt.thread == mail["Message-ID"] == "<0190-envelope@homeostat.invalid>"
    assert mail["In-Reply-To"] == "<first@homeostat.invalid>"
    assert text is not None
    assert html is not None
    assert "0.3 seen, 0.1 asked" in text.get_content()
    assert "0.3 seen, 0.1 asked" in html.get_content()
    assert [one.get_filename() for one in mail.iter_attachments()] == ["a.csv"]


def test_a_hostile_name_makes_no_header(
    server: int, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    name = "a\r\nBcc: eve@example.com\r\n\r\n" + HOSTILE
    mailer(server, certificate).send(sample_message(name=name), wire("s3cret"))

    [(recipients, mail)] = mailbox.mails
    assert mail["Bcc"] is None
    assert recipients == ["ann@example.com", "bob@example.com"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 later", Retry), ("550 spam", Refused), ("421 closing", Retry)],
)
def test_what_the_mail_server_says_is_heard(
    server: int,
    mailbox: Mailbox,
    certificate: tuple[Path, Path],
    answer: str,
    kind: type[Exception],
) -> None:
    mailbox.answer = answer

    with pytest.raises(kind, match=answer[:3]):
        mailer(server, certificate).send(sample_message(), wire("s3cret"))


def test_a_wrong_password_is_refused_and_not_said(
    server: int, certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(Refused, match="535") as said:
        mailer(server, certificate).send(sample_message(), wire("wr0ng"))

    assert "wr0ng" not in str(said.value)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    server: int, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(Retry, match="CERTIFICATE_VERIFY_FAILED"):
        mailer(server, certificate, ca_file=None).send(sample_message(), wire("s3cret"))

    assert not mailbox.mails


def test_some_recipients_refused_is_no_success_and_is_not_repeated(
    server: int, mailbox: Mailbox, certificate: tuple[Path, Path]
) -> None:
    mailbox.unknown = {"bob@example.com"}
    with pytest.raises(Refused, match=r"sent, but not to bob@example\.com") as said:
        mailer(server, certificate).send(sample_message(), wire("s3cret"))

    assert said.value.final
    mailbox.unknown = {"ann@example.com", "bob@example.com"}
    with pytest.raises(Refused, match="SMTP 550"):
        mailer(server, certificate).send(sample_message(), wire("s3cret"))


def test_a_mail_server_that_says_nothing_is_not_waited_for() -> None:
    """There, SMTP had no timeout and the process hung."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = {
            "host": "127.0.0.1",
            "port": silent.getsockname()[1],
            "recipients": ["ann@example.com"],
            "sender": "h@example.com",
            "security": "none",
            "timeout_s": 0.2,
        }
        ended: list[str] = []

        def send() -> None:
            try:
                build_notifier("email", options).send(sample_message(), wire())
            except Retry as error:
                ended.append(str(error))

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        thread.join(20)

    assert ended
    assert "timed out" in ended[0]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"recipients": []}, "none is given"),
        ({"recipients": ["ann"]}, "'ann' is no address"),
        ({"sender": "a@b\nc"}, "is no address"),
        ({"user": None}, "go together"),
        ({"security": "none"}, "never sent without TLS"),
        ({"password": "s3cret"}, "secrets do not stand here"),
        ({"prot": 25}, "did you mean 'port'"),
    ],
)
def test_mail_that_cannot_be_sent_is_refused_when_it_is_set(
    given: dict[str, Any], says: str, certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(UserError, match=says) as said:
        mailer(25, certificate, **given)

    assert "s3cret" not in str(said.value)


# Console and apprise.


def test_the_console_prints() -> None:
    out = io.StringIO()
    build_notifier("console", {}).send(sample_message(), wire(out=out))

    assert "DATA_DRIFT - HIGH Severity, opened" in out.getvalue()


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise_reaches_what_it_knows() -> None:
    apprise = build_notifier("apprise", {"urls": TOKEN})
    with http_receiver() as hook:
        receipt = apprise.send(sample_message(), wire(f"json://{hook.host}/hook"))

    [body] = hook.taken
    assert receipt.detail == "1 addresses"
    assert body["title"].startswith("[m] DATA_DRIFT")
    with http_receiver([500] * 9) as hook, pytest.raises(Retry):
        apprise.send(sample_message(), wire(f"json://{hook.host}/hook"))
    with pytest.raises(Refused, match="address 1") as said:
        apprise.send(sample_message(), wire("canary://no"))
    assert "canary" not in str(said.value)
    assert timedelta(0) < timedelta(seconds=apprise.timeout_s)
