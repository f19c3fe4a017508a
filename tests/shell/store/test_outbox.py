"""The public contract of the outbox holds on both databases."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from homeostat.alert import AlertSeverity, AlertType
from homeostat.errors import HomeostatError
from homeostat.store import AlertEvent, Store, open_store
from homeostat.testing.outbox import outbox_checks
from homeostat.testing.store_samples import START


@pytest.mark.parametrize("check", list(outbox_checks()), ids=lambda check: check.__name__)
def test_outbox(check: Callable[[Store], None], store: Store) -> None:
    check(store)


@pytest.mark.parametrize("statement", ["UPDATE {} SET who = 'x'", "DELETE FROM {}"])
def test_what_people_did_stays(store: Store, statement: str) -> None:
    event = AlertEvent(at=START, model="m", subject="a", event="acknowledged", who="ann")
    store.alerting.note(event)

    with (
        pytest.raises(HomeostatError, match="alert_events are append-only"),
        store._database.write() as connection,
    ):
        connection.execute(text(statement.format("alert_events")))
    assert store.alerting.events("m") == [event]


def test_an_alert_of_before_is_still_read(tmp_path: Path) -> None:
    """As the code of the revision before left it, with what the migration puts beside it."""
    url = f"sqlite:///{tmp_path / 'homeostat.db'}"
    with open_store(url):
        pass
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO alerts (id, model, key, type, severity, reason, opened_at, updated_at, "
            "times_seen) VALUES ('a', 'm', 'drift', 'DATA_DRIFT', 2, 'KS 0.2', 0, 1000000, 3)"
        )
    engine.dispose()

    with open_store(url) as store:
        alert = store.open_alert("m", "drift")

    assert alert is not None
    assert (alert.reason, alert.times_seen) == ("KS 0.2", 3)
    assert (alert.finding.kind, alert.severity) == (AlertType.DATA_DRIFT, AlertSeverity.MEDIUM)
