"""The public contract holds on both databases."""

from collections.abc import Callable

import pytest

from homeostat.store import Store
from homeostat.testing.store import store_checks


@pytest.mark.parametrize("check", list(store_checks()), ids=lambda check: check.__name__)
def test_store(check: Callable[[Store], None], store: Store) -> None:
    check(store)
