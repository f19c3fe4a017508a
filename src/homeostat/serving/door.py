"""What is asked of whoever comes in over the network."""

from dataclasses import dataclass, field

from homeostat.serving.keyring import KeyRing

__all__ = ["MAX_BODY_BYTES", "Door"]

MAX_BODY_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The keys that are good, and how much one request may bring."""

    ring: KeyRing = field(default_factory=KeyRing)  #: without keys nothing is asked for
    open_paths: frozenset[str] = frozenset()  #: that need no key, besides `/health`
    max_body_bytes: int = MAX_BODY_BYTES
    refresh_s: float = 1.0  #: between two looks at the keys in the store
