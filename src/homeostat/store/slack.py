"""Slack: how much may be answered before it is on the disk."""

import time
from collections.abc import Callable

__all__ = ["Slack"]

MOST_ROWS = 1000  #: that may be lost with the power
LONGEST_S = 0.5  #: until they are on the disk; half of what is promised, for the disk takes time


class Slack:
    """Tells which commits need not wait for the disk, and when one must.

    A commit that waits takes with it all that did not.  Without slack each waits.

    Parameters
    ----------
    relaxed
        Whether there is any slack at all.
    monotonic
        Seconds.
    """

    def __init__(self, *, relaxed: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.relaxed = relaxed
        self._monotonic = monotonic
        self._rows = 0  #: that are not known to be on the disk
        self._since = 0.0  #: when the first of them was written, or when it was last tried
        self._overdue = False

    @property
    def left_s(self) -> float | None:
        """Until something must be on the disk; None when everything is."""
        if not self._rows:
            return None
        return max(0.0, self._since + LONGEST_S - self._monotonic())

    def must_wait(self, rows: int) -> bool:
        """Whether the commit of so many more rows is to wait for the disk."""
        late = self._overdue or self.left_s == 0.0
        return not self.relaxed or late or self._rows + rows > MOST_ROWS

    def written(self, rows: int) -> None:
        """Take note of a commit that did not wait."""
        if not self._rows:
            self._since = self._monotonic()
        self._rows += rows

    def flushed(self) -> None:
        """Take note of a commit that did."""
        self._rows, self._overdue = 0, False

    def failed(self) -> None:
        """Take note that the disk did not take what it should: from now on each waits."""
        self._overdue, self._since = True, self._monotonic()
