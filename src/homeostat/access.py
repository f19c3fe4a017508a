"""Who may do what: roles, keys, how often a key may ask, and what is not said aloud."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from homeostat.errors import UserError

__all__ = ["EVERY_ROLE", "Key", "Role", "TokenBucket", "digest_of", "without_passwords"]

_PASSWORD = re.compile(r"://[^/\s\"'@]*:[^/\s\"']*@")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Role(StrEnum):
    """What the holder of a key may do."""

    PREDICT = "predict"  #: send rows and get answers
    LABEL = "label"  #: say what turned out to be true
    READ = "read"  #: see figures, health and descriptions
    OPERATE = "operate"  #: change what is expected and what is in service
    ADMIN = "admin"  #: everything


EVERY_ROLE = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept: by its digest, never as it is sent.

    Raises
    ------
    UserError
        When the name is none, there is no role, or the rate is not above 0.
    """

    name: str
    roles: frozenset[Role]
    digest: str  #: sha256 of the key, in hex
    created_at: datetime  #: UTC
    revoked_at: datetime | None = None  #: UTC; None while it may be used
    rate_per_s: float | None = None  #: requests a second, by each process; None: any number

    def __post_init__(self) -> None:
        problems = [] if _NAME.fullmatch(self.name) else [_no_name(self.name)]
        if not self.roles:
            problems.append("role: none is given; name at least one")
        if self.rate_per_s is not None and not 0 < self.rate_per_s < float("inf"):
            problems.append(f"rate: {self.rate_per_s} requests a second; it must be above 0")
        if problems:
            raise UserError("the key cannot be made", problems)

    def may(self, roles: Iterable[Role]) -> bool:
        """Whether the holder has one of these roles, or all of them as an admin.

        Examples
        --------
        >>> from datetime import UTC
        >>> at = datetime(2026, 3, 1, tzinfo=UTC)
        >>> key = Key(name="a", roles=frozenset({Role.LABEL}), digest="", created_at=at)
        >>> key.may({Role.LABEL}), key.may({Role.PREDICT})
        (True, False)
        """
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)


def _no_name(name: str) -> str:
    """What is wrong with a name that is none."""
    return (
        f"name: {name[:80]!r} is none; take 1 to 64 letters, digits, dots, dashes or "
        "underscores, the first a letter or digit"
    )


def digest_of(secret: bytes) -> str:
    """What is kept in place of a key: its sha256, in hex.

    No salt and no slow hash are needed, because keys are made of 256 random bits: nobody can
    try so many, however fast the hash is.  For passwords that people think of this would not
    do.

    Examples
    --------
    >>> digest_of(b"a")[:12]
    'ca978112ca1b'
    """
    return hashlib.sha256(secret).hexdigest()


def without_passwords(text: str) -> str:
    """The text with user and password taken out of every URL in it.

    Examples
    --------
    >>> without_passwords("no answer from http://ann:secret@mlflow.example:5000/api")
    'no answer from http://***@mlflow.example:5000/api'
    """
    return _PASSWORD.sub("://***@", text)


class TokenBucket:
    """Lets through so many a second, and after a rest as many at once as in a second.

    Parameters
    ----------
    rate_per_s
        Above 0.  Below 1 a single one is let through at once.
    now
        Seconds, of a clock that never goes back.

    Examples
    --------
    >>> bucket = TokenBucket(2.0, now=0.0)
    >>> [bucket.take(at) for at in (0.0, 0.0, 0.0, 0.5)]
    [0.0, 0.0, 0.5, 0.0]
    """

    __slots__ = ("_at", "_most", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, *, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._most = self._tokens = max(1.0, rate_per_s)
        self._at = now

    def take(self, now: float) -> float:
        """0 when one is let through; else the seconds until the next one could be."""
        grown = self._tokens + (now - self._at) * self._rate_per_s
        self._tokens, self._at = min(self._most, grown), now
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self._rate_per_s
        self._tokens -= 1.0
        return 0.0
