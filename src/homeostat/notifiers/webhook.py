"""Webhook: POSTs JSON that the receiver can check."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import ClassVar

from homeostat.messages import Message
from homeostat.notifiers import NOTIFIERS, Receipt, Secret, Wire, post

__all__ = ["Webhook", "signature"]


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What the header X-Homeostat-Signature holds: HMAC-SHA256 of time, dot and body, in hex.

    Examples
    --------
    >>> signature("s", 0, b"{}")[:12]
    'e79b1f685c78'
    """
    signed = str(timestamp).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


@NOTIFIERS.register("webhook")
@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """POSTs one JSON object for each change of an alert, signed.

    The headers are `Idempotency-Key`, the same at each repetition, `X-Homeostat-Timestamp`,
    seconds since 1970, and, with a secret, `X-Homeostat-Signature`.
    """

    url: Secret  #: where to; its host must stand in `alerts.allowed_hosts`
    secret: Secret | None = None  #: to sign with
    timeout_s: float = 10.0
    groups: ClassVar[bool] = False

    def send(self, message: Message, wire: Wire) -> Receipt:
        body = json.dumps(message.plain, separators=(",", ":"), allow_nan=False).encode()
        at = int(wire.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "homeostat",
            "Idempotency-Key": message.id,
            "X-Homeostat-Timestamp": str(at),
        }
        if self.secret is not None:
            headers["X-Homeostat-Signature"] = signature(wire.secret(self.secret), at, body)
        answer = post(wire, wire.secret(self.url), body, headers, timeout_s=self.timeout_s)
        return Receipt(detail=f"HTTP {answer.status_code}")
