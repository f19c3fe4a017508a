"""Whole stories are told in the same project as the tests of the shell."""

from tests.shell.conftest import (
    anyio_backend,
    candidate,
    folder,
    process_stays_as_it_was,
    quiet,
    stages,
    start,
    two,
    verifying,
)

__all__ = [
    *("anyio_backend", "candidate", "folder", "process_stays_as_it_was"),
    *("quiet", "stages", "start", "two", "verifying"),
]
