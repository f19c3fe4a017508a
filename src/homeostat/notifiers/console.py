"""Console: prints."""

from dataclasses import dataclass
from typing import ClassVar

from homeostat.messages import Message
from homeostat.notifiers import NOTIFIERS, Receipt, Retry, Wire

__all__ = ["Console"]


@NOTIFIERS.register("console")
@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Prints each message as text to standard output."""

    groups: ClassVar[bool] = True
    timeout_s: float = 5.0

    def send(self, message: Message, wire: Wire) -> Receipt:
        try:
            wire.out.write(f"{message.text}\n")
            wire.out.flush()
        except (OSError, ValueError) as error:
            raise Retry(f"standard output cannot be written: {error}") from error
        return Receipt(detail="printed")
