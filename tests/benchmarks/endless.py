"""A contestant that never ends."""

from collections.abc import Callable
from pathlib import Path


def waiting(_reference: Path) -> Callable[[Path], None]:
    def call(_current: Path) -> None:
        while True:
            pass

    return call
