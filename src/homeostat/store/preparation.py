"""Preparation: what is done once before a database is used, when it can be reached."""

from collections.abc import Callable
from threading import RLock

__all__ = ["Preparation"]


class Preparation:
    """A step that is tried before every use, until it has been done.

    Examples
    --------
    >>> preparation = Preparation()
    >>> preparation.later(lambda: print("done"))
    >>> preparation.ensure()
    done
    >>> preparation.ensure()
    """

    def __init__(self) -> None:
        self._step: Callable[[], None] | None = None
        self._lock = RLock()
        self._under_way = False

    def later(self, step: Callable[[], None]) -> None:
        """Do this before the next use."""
        self._step = step

    def ensure(self) -> None:
        """Do what is left to do; raises what it raises, and is then tried again."""
        if self._step is not None:
            with self._lock:
                self._do()

    def _do(self) -> None:
        step = self._step
        if step is None or self._under_way:  # another thread did it; the step uses the database
            return
        self._under_way = True
        try:
            step()
            self._step = None
        finally:
            self._under_way = False
