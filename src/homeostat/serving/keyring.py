"""Which keys are good: a snapshot in memory, looked up at every request without the database."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from homeostat.access import EVERY_ROLE, Key, Role, TokenBucket
from homeostat.errors import HomeostatError

__all__ = ["Holder", "KeyRing"]

log = structlog.get_logger()

AGAIN_S = 0.1  #: between two looks at a store that did not answer yet
STALE_S = 5.0  #: age of a snapshot from which on no stored key is good: it may be revoked


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever sent a key that is good."""

    name: str
    roles: frozenset[Role]
    digest: bytes  #: sha256 of the key
    bucket: TokenBucket | None = None  #: None: may ask any number of times


class KeyRing:
    """The keys that are good, as they stood a moment ago.

    Parameters
    ----------
    api_key
        One key with all roles, good without any store; None or empty for none.
    stored
        Reads the other keys, the revoked ones too; called in a thread.  None for none.
    monotonic
        Seconds, for the age of the snapshot and for rates.
    """

    def __init__(
        self,
        api_key: str | None = None,
        stored: Callable[[], Sequence[Key]] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.monotonic = monotonic
        self._stored = stored
        self._fixed: dict[bytes, Holder] = {}
        if api_key:
            digest = hashlib.sha256(api_key.encode()).digest()
            self._fixed[digest] = Holder("API_KEY", EVERY_ROLE, digest)
        self._holders: dict[bytes, Holder] = {}
        self.succeeded: Callable[[], None] = lambda: None  #: is told of every look
        self._ever = False  #: whether there is or was a stored key
        self._looked_at: float | None = None
        self._tried_at = float("-inf")
        self._buckets: dict[str, TokenBucket] = {}

    @property
    def asks(self) -> bool:
        """Whether a key is asked for: there is one, or there was, or nobody could look."""
        return bool(self._fixed) or self._ever or self._unknown

    @property
    def undecided(self) -> bool:
        """Whether nobody could look yet if a key is needed at all."""
        return self._unknown and not self._fixed

    @property
    def stale(self) -> bool:
        """Whether stored keys cannot be told good from revoked at present."""
        if self._stored is None or not (self._ever or self._unknown):
            return False
        return self._unknown or self.monotonic() - (self._looked_at or 0.0) > STALE_S

    @property
    def _unknown(self) -> bool:
        return self._stored is not None and self._looked_at is None

    def holder(self, secret: bytes) -> Holder | None:
        """Whoever holds this key; None when it is no good.

        What is looked up and compared is a digest, which nobody can steer towards another
        one, and the comparison that decides takes the same time for all.
        """
        digest = hashlib.sha256(secret).digest()
        found = self._fixed.get(digest) or self._holders.get(digest)
        return found if found and hmac.compare_digest(found.digest, digest) else None

    def fixed(self, holder: Holder) -> bool:
        """Whether the key is good whatever the store says."""
        return holder.digest in self._fixed

    async def refresh(self) -> None:
        """Take a new snapshot; when the store cannot be read the old one grows stale."""
        if self._stored is None:
            return
        begun = self.monotonic()
        try:
            keys = await asyncio.to_thread(self._stored)
        except HomeostatError as error:
            log.warning("keys not read", error=str(error))
            return
        self._ever = bool(keys)
        good = [key for key in keys if key.revoked_at is None]
        self._holders = {bytes.fromhex(key.digest): self._held(key) for key in good}
        self._looked_at = begun
        self.succeeded()

    async def decide(self) -> None:
        """Look now while nobody could look yet, so that who comes first need not wait."""
        if self.undecided and self.monotonic() - self._tried_at >= AGAIN_S:
            self._tried_at = self.monotonic()
            await self.refresh()

    async def run(self, every_s: float) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.refresh()
            except Exception:  # the edge of this task: it must outlive any surprise
                log.exception("keys not read")

    def _held(self, key: Key) -> Holder:
        bucket = self._buckets.get(key.name)  # a snapshot forgets no request
        if key.rate_per_s is not None and bucket is None:
            bucket = TokenBucket(key.rate_per_s, now=self.monotonic())
            self._buckets[key.name] = bucket
        return Holder(key.name, key.roles, bytes.fromhex(key.digest), bucket)
