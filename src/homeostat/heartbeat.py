"""A sign of life to somebody outside, who complains when it no longer comes."""

from dataclasses import dataclass, field

import httpx

from homeostat.errors import Unavailable

__all__ = ["Heartbeat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """GETs a URL: what every dead man's switch understands.

    The URL is not told in any message: often it is all that one needs to know to send signs
    of life, too.
    """

    url: str = field(repr=False)
    timeout_s: float = 5.0
    transport: httpx.BaseTransport | None = field(default=None, repr=False)  #: for tests

    def send(self) -> None:
        """Return when it was taken.

        Raises
        ------
        Unavailable
            When it was not, or not in time; a redirection is not followed and counts as no.
        """
        try:
            with httpx.Client(transport=self.transport, timeout=self.timeout_s) as client:
                answer = client.get(self.url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The message of an error may hold the URL.
            raise Unavailable(f"the heartbeat was not taken: {type(error).__name__}") from None
        if not answer.is_success:
            raise Unavailable(f"the heartbeat was not taken: HTTP {answer.status_code}")
