"""What the fault tests share with those of the service."""

from tests.shell.conftest import anyio_backend, process_stays_as_it_was
from tests.shell.serving.conftest import empty, world

__all__ = ["anyio_backend", "empty", "process_stays_as_it_was", "world"]
