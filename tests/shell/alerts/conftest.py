from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.store import open_store
from tests.shell.alerts.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        yield Office(store=store)
