"""Reference: the frozen data that everything current is compared with."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from homeostat.bins import Bins
from homeostat.profile import Profile

__all__ = ["Reference"]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A profile with its frozen bins, and what it was made from.  Never changed."""

    model: str
    created_at: datetime  #: UTC
    source: str  #: the file or the window it was taken from
    data_fingerprint: str  #: sha256 of the rows, in hex
    profile: Profile

    @property
    def bins(self) -> Bins:
        """Where everything that is compared with it must be counted."""
        return self.profile.bins

    @property
    def rows(self) -> int:
        """How many rows it was made from."""
        return self.profile.n

    @cached_property
    def digest(self) -> str:
        """sha256 over bins, counts, joint scores and the fingerprint of the rows, in hex."""
        text = json.dumps(
            [
                self.bins.digest,
                self.profile.counts.tolist(),
                self.profile.joint.tolist(),
                self.data_fingerprint,
            ],
            separators=(",", ":"),
        )
        return hashlib.sha256(text.encode()).hexdigest()
