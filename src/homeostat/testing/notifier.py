# ruff: noqa: S101 (a check asserts)
"""What every notifier that speaks HTTP must do.

Run each check on a notifier of your own, made so that its secrets are called TOKEN; it raises
AssertionError where the notifier fails:

```
@pytest.mark.parametrize("check", list(notifier_checks()), ids=lambda c: c.__name__)
def test_notifier(check):
    check(Subject(notifier=MyNotifier(token=Secret(env="TOKEN")), taken=(200, "ok")))
```
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx

from homeostat.alert import Change
from homeostat.messages import Message, render
from homeostat.notifiers import Notifier, Receipt, Refused, Retry, Secret, Wire
from homeostat.outgoing import Envelope
from homeostat.testing.store_samples import sample_alert

__all__ = ["CANARY", "HOSTILE", "NOW", "Subject", "notifier_checks", "sample_message"]

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

#: What the secrets hold: it must never be seen where people look.
CANARY = "https://hooks.slack.com/services/canary-of-notifiers"

#: A name that is everything a name should not be.
HOSTILE = "<!channel> <script>alert(1)</script> \x1b[31m\n\ud800 \u202e =HYPERLINK() & {{7*7}}"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A notifier under test."""

    notifier: Notifier
    taken: tuple[int, str]  #: status and body with which its receiver takes a message
    seen: list[httpx.Request] = field(default_factory=list)  #: what was asked of the receiver

    def send(
        self, answer: httpx.Response | httpx.TransportError, message: Message | None = None
    ) -> Receipt:
        """What comes of a message that is answered like this."""

        def handle(request: httpx.Request) -> httpx.Response:
            request.read()
            self.seen.append(request)
            if isinstance(answer, httpx.TransportError):
                raise answer
            return answer

        wire = Wire(
            http=httpx.MockTransport(handle), secret=_canary, now=lambda: NOW, out=io.StringIO()
        )
        return self.notifier.send(message or sample_message(), wire)

    def good(self) -> httpx.Response:
        """How the receiver takes a message."""
        return httpx.Response(self.taken[0], text=self.taken[1])


Check = Callable[[Subject], None]


def notifier_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_a_message_is_taken
    yield check_what_may_pass_is_said_so
    yield check_the_receiver_is_not_asked_before_it_wants
    yield check_what_is_refused_is_said_so
    yield check_a_redirect_is_not_followed
    yield check_no_answer_may_pass
    yield check_a_repetition_can_be_known
    yield check_every_change_can_be_told
    yield check_names_do_no_harm
    yield check_no_secret_is_said


def sample_message(
    change: Change = Change.OPENED, *, name: str = "income", thread: str | None = None
) -> Message:
    """A message about one alert."""
    alert = sample_alert("0190-alert")
    finding = replace(
        alert.finding, title=f"Drift in {name}", features=(name,), facts=(f"{name}: psi 0.3",)
    )
    over = NOW if change is Change.RESOLVED else None
    envelope = Envelope(
        id="0190-envelope",
        channel="oncall",
        model="m",
        created_at=NOW,
        due_at=NOW,
        alert=replace(alert, finding=finding, resolved_at=over),
        change=change,
    )
    return render([envelope], envelope.id, now=NOW, thread=thread)


def check_a_message_is_taken(subject: Subject) -> None:
    """What the receiver takes is delivered, by one request."""
    assert isinstance(subject.send(subject.good()), Receipt)
    assert len(subject.seen) == 1
    assert subject.seen[0].method == "POST"


def check_what_may_pass_is_said_so(subject: Subject) -> None:
    """A server in trouble, or one that is asked too often, is worth another try."""
    for status in (408, 429, 500, 502, 503, 504):
        error = _error(subject, httpx.Response(status, text="trouble"))

        assert isinstance(error, Retry), f"{status}: {error!r}"


def check_the_receiver_is_not_asked_before_it_wants(subject: Subject) -> None:
    """`Retry-After` is understood as seconds and as a date."""
    for header in ("5", "Sun, 01 Mar 2026 12:00:05 GMT"):
        answer = httpx.Response(429, headers={"Retry-After": header})
        error = _error(subject, answer)

        assert isinstance(error, Retry)
        assert error.after_s == 5.0, f"{header}: {error.after_s}"


def check_what_is_refused_is_said_so(subject: Subject) -> None:
    """No other answer is taken for a success, or tried for ever."""
    for status in (400, 401, 403, 404, 410, 413, 422):
        error = _error(subject, httpx.Response(status, text="no"))

        assert isinstance(error, Refused), f"{status}: {error!r}"


def check_a_redirect_is_not_followed(subject: Subject) -> None:
    """Who may be told is settled here, not by a receiver."""
    for status in (301, 302, 303, 307, 308):
        subject.seen.clear()
        answer = httpx.Response(status, headers={"Location": "https://127.0.0.1/"})
        error = _error(subject, answer)

        assert isinstance(error, Refused), f"{status}: {error!r}"
        assert len(subject.seen) == 1


def check_no_answer_may_pass(subject: Subject) -> None:
    """Whoever does not answer is tried again."""
    for trouble in (httpx.ConnectError("refused"), httpx.ReadTimeout("slow")):
        assert isinstance(_error(subject, trouble), Retry), f"{trouble!r}"


def check_a_repetition_can_be_known(subject: Subject) -> None:
    """A message that is sent twice carries its id both times."""
    for _ in range(2):
        subject.send(subject.good())

    for request in subject.seen:
        text = request.content.decode() + repr(request.headers.raw)
        assert "0190-envelope" in text, text


def check_every_change_can_be_told(subject: Subject) -> None:
    """Whatever happened to an alert can be told, in a thread too."""
    for change in Change:
        told = subject.send(subject.good(), sample_message(change, thread="1.2"))
        assert isinstance(told, Receipt)


def check_names_do_no_harm(subject: Subject) -> None:
    """A hostile name is sent as JSON that is whole, and mentions nobody."""
    import json

    subject.send(subject.good(), sample_message(name=HOSTILE))

    plain = json.loads(subject.seen[-1].content)
    assert plain
    if "blocks" in plain:
        assert "<!" not in subject.seen[-1].content.decode()


def check_no_secret_is_said(subject: Subject) -> None:
    """What the secrets hold is in no error, no receipt and no name of the notifier."""
    answers = (httpx.Response(400, text="no"), httpx.Response(500), httpx.ConnectError("refused"))
    said = [repr(_error(subject, one)) for one in answers]
    said += [repr(subject.notifier), repr(subject.send(subject.good()))]

    assert not [one for one in said if "canary" in one], said


def _error(subject: Subject, answer: httpx.Response | httpx.TransportError) -> Exception:
    """What sending ends with when it is answered like this; it must end with an error."""
    try:
        receipt = subject.send(answer)
    except (Retry, Refused) as error:
        return error
    raise AssertionError(f"{answer!r} was taken for a success: {receipt}")


def _canary(_: Secret) -> str:
    return CANARY
