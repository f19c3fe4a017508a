"""E-mail: text and HTML over SMTP."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar, Literal

from homeostat.errors import UserError
from homeostat.messages import Message
from homeostat.messages.words import clean
from homeostat.notifiers import NOTIFIERS, Receipt, Refused, Retry, Secret, Wire

__all__ = ["Email"]


@NOTIFIERS.register("email")
@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Sends a mail with text and HTML to all recipients.

    Raises
    ------
    UserError
        When there is no recipient, an address is none, or a user is given without TLS.
    """

    host: str
    recipients: tuple[str, ...]
    sender: str  #: the address that it comes from
    port: int | None = None  #: 587 with starttls, 465 with tls, 25 with none
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None  #: authorities that are trusted, besides those of the system
    timeout_s: float = 15.0
    groups: ClassVar[bool] = True

    def __post_init__(self) -> None:
        problems = [
            f"{address[:80]!r} is no address"
            for address in (*self.recipients, self.sender)
            if clean(address, 320) != address or not 0 < address.find("@") < len(address) - 1
        ]
        if not self.recipients:
            problems.append("recipients: none is given")
        if (self.user is None) != (self.password is None):
            problems.append("user and password go together")
        if self.security == "none" and self.user is not None:
            problems.append("a password is never sent without TLS; use starttls or tls")
        if problems:
            raise UserError("no mail can be sent like this", problems)

    def send(self, message: Message, wire: Wire) -> Receipt:
        password = wire.secret(self.password) if self.password else None
        mail = self._mail(message, wire)
        try:
            with self._connected() as server:
                if self.user is not None and password is not None:
                    server.login(self.user, password)
                refused = server.send_message(
                    mail, from_addr=self.sender, to_addrs=list(self.recipients)
                )
        except smtplib.SMTPRecipientsRefused as error:
            raise _because(_worst(error.recipients), "all recipients") from error
        except smtplib.SMTPResponseException as error:
            raise _because((error.smtp_code, error.smtp_error), "the server") from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"the mail server cannot do it: {error}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise Retry(f"{type(error).__name__}: {error}") from error
        if refused:
            names = ", ".join(sorted(refused))
            raise Refused(f"sent, but not to {clean(names, 300)}", final=True)
        return Receipt(detail=f"{len(self.recipients)} recipients", thread=mail["Message-ID"])

    def _connected(self) -> smtplib.SMTP:
        port = self.port or {"starttls": 587, "tls": 465, "none": 25}[self.security]
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, port, timeout=self.timeout_s, context=self._trusted()
            )
        server = smtplib.SMTP(self.host, port, timeout=self.timeout_s)
        if self.security == "starttls":
            try:
                server.starttls(context=self._trusted())
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server

    def _trusted(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca_file is not None:
            context.load_verify_locations(self.ca_file)
        return context

    def _mail(self, message: Message, wire: Wire) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = clean(message.subject, 200)
        mail["From"] = self.sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = format_datetime(wire.now())
        mail["Message-ID"] = f"<{message.id}@homeostat.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.thread is not None:
            mail["In-Reply-To"] = mail["References"] = message.thread
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        for file in message.attachments:
            kind, _, subtype = file.media_type.partition("/")
            mail.add_attachment(
                file.content, maintype=kind, subtype=subtype, filename=clean(file.name, 100)
            )
        return mail


def _because(answer: tuple[int, bytes | str], who: str) -> Retry | Refused:
    """4xx of SMTP passes, 5xx does not."""
    code, text = answer
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    message = f"SMTP {code} by {who}: {clean(said, 200)}"
    return Retry(message) if 400 <= code < 500 or code < 0 else Refused(message)


def _worst(refused: dict[str, tuple[int, bytes]]) -> tuple[int, bytes]:
    """The answer that passes, where there is one: those recipients may be reached later."""
    return min(refused.values(), key=lambda one: one[0])
