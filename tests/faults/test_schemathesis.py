"""What the OpenAPI description allows and what it does not, sent to a real service."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from homeostat.store import Store
from tests.faults.served import Served, make_project, serving, store_in
from tests.shell.serving.world import MODEL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("ignore"),  # other people's, about requests that are wrong
]

EXAMPLES = 90  #: of each route, right and wrong ones each
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    load_all_checks()
    folder = make_project(tmp_path_factory.mktemp("fuzzed") / "project")
    with serving(folder) as served:
        yield served


@pytest.fixture(scope="module")
def store(served: Served) -> Iterator[Store]:
    with store_in(served.folder) as store:
        yield store


def logged(store: Store) -> tuple[int, Any]:
    """What there is of predictions and labels."""
    return store.count_predictions(MODEL), store.newest_label_at()


def test_a_thousand_requests_find_nothing(served: Served, store: Store) -> None:
    _, description = served.ask("GET", "/openapi.json")
    schema = schemathesis.openapi.from_dict(description)
    statuses: Counter[int] = Counter()
    found: Any
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # nothing can be wrong with a route that takes nothing
                send_all(operation.as_strategy(generation_mode=mode), served, store, statuses)

    assert sum(statuses.values()) >= 1000
    assert {200, 422} <= statuses.keys()
    assert statuses[200] > 50
    assert all(status < 500 for status in statuses)
    assert store.count_predictions(MODEL) > 0


def send_all(cases: Any, served: Served, store: Store, statuses: "Counter[int]") -> None:
    """Every example once; what is refused must leave nothing behind."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case: "Case[Any]") -> None:
        before = logged(store)
        response = case.call(base_url=f"http://127.0.0.1:{served.port}", timeout=60)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400:
            assert logged(store) == before

    send()
