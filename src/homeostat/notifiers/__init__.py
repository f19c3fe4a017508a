"""Notifiers: ways to tell people.  Each takes a message and delivers it, or says why not.

How often it is tried again, and what becomes of what cannot be delivered, is none of their
business: `homeostat.sending` sees to it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, TextIO

import httpx

from homeostat.errors import HomeostatError, Unavailable, UserError
from homeostat.extension import Catalog, did_you_mean
from homeostat.messages import Message

__all__ = [
    "NOTIFIERS",
    "Notifier",
    "Receipt",
    "Refused",
    "Retry",
    "Secret",
    "Wire",
    "build_notifier",
    "post",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where something is that nobody may read: never the thing itself.

    Raises
    ------
    UserError
        When not exactly one place is named.
    """

    env: str | None = None  #: an environment variable
    file: Path | None = None  #: a file, whose last line feed does not count

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise UserError("a secret is {env: NAME} or {file: PATH}, one of both")

    def read(self, environ: Mapping[str, str]) -> str:
        """What is there now.

        Raises
        ------
        Refused
            When nothing is, or it cannot be read.
        """
        if self.env is not None:
            found = environ.get(self.env, "")
            where = f"the environment variable {self.env}"
        else:
            where = f"the file {self.file}"
            try:
                found = Path(str(self.file)).read_text(encoding="utf-8").strip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise Refused(f"{where} cannot be read: {type(error).__name__}") from error
        if not found:
            raise Refused(f"{where} is not set, or empty")
        return found


class Retry(Unavailable):
    """It may get through later.

    Parameters
    ----------
    after_s
        What the receiver asked for; None when it asked for nothing.
    """

    def __init__(self, message: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(message)


class Refused(HomeostatError):
    """The receiver does not want it, or it cannot be sent as things are set.

    Parameters
    ----------
    final
        Whether trying again would do harm, for instance send it twice to some.
    """

    def __init__(self, message: str, *, final: bool = False) -> None:
        self.final = final
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a message was taken."""

    detail: str = ""  #: what the receiver said, in a few words
    thread: str | None = None  #: by which it knows the message, so that others can follow it


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What a notifier is given to reach the world with."""

    http: httpx.BaseTransport
    secret: Callable[[Secret], str]
    now: Callable[[], datetime]  #: UTC
    out: TextIO  #: where a console is


class Notifier(Protocol):
    """One way to tell people."""

    groups: ClassVar[bool]  #: whether a message may hold changes of several alerts
    timeout_s: float  #: of each step of a try

    def send(self, message: Message, wire: Wire) -> Receipt:
        """That the message was taken.

        Sending may be repeated: what is sent carries `message.id`.

        Raises
        ------
        Retry
            When it may get through later.
        Refused
            When it was not wanted, or cannot be sent as things are set.
        """
        ...


NOTIFIERS: Catalog[Callable[..., Notifier]] = Catalog("notifier", "homeostat.notifiers")


def build_notifier(kind: str, options: Mapping[str, Any]) -> Notifier:
    """The notifier of this kind with these options.

    Raises
    ------
    NotFound
        When there is no such kind.
    UserError
        With all that is wrong with the options; no value of one is said.
    """
    from pydantic import TypeAdapter, ValidationError

    kind_of: Any = NOTIFIERS[kind]  # a class, whose fields say what it takes
    known = [one.name for one in dataclasses.fields(kind_of) if one.init]
    problems = [
        f"unknown option {name!r}; {did_you_mean(name, known)}"
        for name in options
        if name not in known
    ]
    given = {name: value for name, value in options.items() if name in known}
    try:
        made: Notifier = TypeAdapter(kind_of).validate_python(given)
    except ValidationError as error:
        problems += [_problem(one) for one in error.errors(include_url=False, include_input=False)]
    except UserError as error:
        problems += error.problems or [str(error)]
    else:
        if not problems:
            return made
    raise UserError(f"the options of a channel of kind {kind} cannot be used", problems)


def _problem(error: Any) -> str:
    place = ".".join(str(one) for one in error["loc"])
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "missing":
        return f"{place}: missing"
    if error["type"] == "dataclass_type":
        return f"{place}: should be {{env: NAME}} or {{file: PATH}}; secrets do not stand here"
    return f"{place}: {said}"


def post(
    wire: Wire, url: str, content: bytes, headers: Mapping[str, str], *, timeout_s: float
) -> httpx.Response:
    """The answer to a POST that was taken.

    Raises
    ------
    Retry
        On no answer, 408, 429 and 5xx; after as long as `Retry-After` says.
    Refused
        On any other answer but 2xx, redirects too, and where the address may not be talked to.
    """
    try:
        with httpx.Client(transport=wire.http, timeout=timeout_s, trust_env=False) as client:
            answer = client.post(url, content=content, headers=dict(headers))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
        raise Refused(f"the address cannot be used: {type(error).__name__}") from error
    except httpx.TransportError as error:
        if isinstance(error, httpx.NetworkError | httpx.TimeoutException | httpx.ProtocolError):
            raise Retry(f"{type(error).__name__}: {error}") from error
        raise Refused(str(error)) from error
    said = f"HTTP {answer.status_code}"
    if answer.is_success:
        return answer
    if answer.status_code in {408, 429} or answer.status_code >= 500:
        raise Retry(said, _after(answer.headers.get("Retry-After"), wire.now()))
    if answer.is_redirect:
        raise Refused(f"{said}: redirects are not followed")
    raise Refused(f"{said}: {_start(answer.text)}")


def _after(header: str | None, now: datetime) -> float | None:
    """The seconds that Retry-After asks for, as a number or as a date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
    return max(0.0, (date - now).total_seconds())


def _start(text: str) -> str:
    """The first words of an answer."""
    return " ".join(text.split())[:120]
