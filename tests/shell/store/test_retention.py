"""Whole days leave the store, each in one transaction, and nothing that is needed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from sqlalchemy import text

from homeostat import archive
from homeostat.alert import AlertSeverity
from homeostat.archive import read_day
from homeostat.errors import StateError, Unavailable
from homeostat.keeping import KeepPolicy
from homeostat.plan import Deployment, Phase
from homeostat.prediction import Prediction
from homeostat.retention import Pruned, Retention, old_files
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task
from homeostat.store import Delivery, Logged, Shadow, Store, open_store
from homeostat.testing.outbox import sample_envelope
from homeostat.testing.store_samples import (
    DAY,
    MINUTE,
    START,
    sample_alert,
    sample_label,
    sample_prediction,
)
from homeostat.verdict import Outcome, Verdict

NOW = START + 100 * DAY

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=(
        Feature(name="income", kind=Kind.NUMBER),
        Feature(name="member", kind=Kind.BOOLEAN),
        Feature(name="region", kind=Kind.CATEGORY),
        Feature(name="debt", kind=Kind.NUMBER, nullable=True),
    ),
)


def retention(store: Store, folder: Path, **changes: Any) -> Retention:
    made = Retention(
        store=store,
        model="m",
        schema=SCHEMA,
        folder=folder / "history",
        policy=KeepPolicy(predictions_days=10),
        training=5 * DAY,
        labels_due=5 * DAY,
    )
    return replace(made, **changes)


def row(key: str, day: int) -> Prediction:
    return sample_prediction(key, minutes=day * 24 * 60)


@pytest.fixture
def filled(store: Store) -> Store:
    """Three old days with labels, corrected, late and parked ones, and a new day."""
    rows = [row(f"p{day}-{i}", day) for day in (0, 1, 2, 99) for i in range(5)]
    store.add_predictions([replace(one, model="another", id=f"x{one.id}") for one in rows[:5]])
    store.add_predictions(rows)
    store.add_labels([sample_label(f"p0-{i}", i % 2) for i in range(4)])
    store.add_labels([sample_label("p0-1", 0, minutes=500), sample_label("xp0-1")])
    store.add_labels([sample_label("p99-1", minutes=99.5 * 24 * 60)])
    store.add_labels([sample_label("nobody")], park=True)
    store.trials.add_shadows([Shadow("p0-1", 2, 1, 0.5), Shadow("p99-1", 2, 1, 0.5)])
    return store


def logged(store: Store, model: str = "m") -> list[Logged]:
    days = store.history.days(model, "predictions", before=NOW)
    return [one for day in days for part in store.history.day(model, day.day) for one in part]


def filed(store: Store, folder: Path) -> Iterator[Logged]:
    for one in store.history.removed("m", "predictions"):
        assert one.place
        assert one.sha256
        yield from read_day(folder / "history", one.place, one.sha256, "m")


def test_a_day_that_leaves_is_in_its_file_to_the_last_digit(filled: Store, tmp_path: Path) -> None:
    before, others = logged(filled), logged(filled, "another")

    done = retention(filled, tmp_path).prune(now=NOW)

    assert [(one.day, one.rows, one.labels) for one in done.removals] == [
        ("2024-05-01", 5, 5),
        ("2024-05-02", 5, 0),
        ("2024-05-03", 5, 0),
    ]
    assert list(filed(filled, tmp_path)) == before[:15]
    assert logged(filled) == before[15:]
    assert logged(filled, "another") == others
    assert filled.history.removed("m") == list(done.removals)


def test_what_is_left_is_whole(filled: Store, tmp_path: Path) -> None:
    retention(filled, tmp_path).prune(now=NOW)

    assert filled.label_coverage("m", since=START, until=NOW) == (1, 5)
    assert filled.trials.shadowed("m", 2, since=START, until=NOW)[0].prediction_id == "p99-1"
    filled.add_predictions([replace(row("nobody", 99), received_at=NOW)])
    assert filled.label_coverage("m", since=START, until=NOW + DAY) == (2, 6)


def test_the_files_are_one_table_for_polars_and_duckdb(filled: Store, tmp_path: Path) -> None:
    retention(filled, tmp_path).prune(now=NOW)
    files = f"{tmp_path / 'history' / 'predictions'}/**/*.parquet"

    frame = pl.scan_parquet(files, hive_partitioning=True).sort("day", "id").collect()
    asked = f"SELECT day, count(*), sum(label) FROM read_parquet('{files}') GROUP BY 1 ORDER BY 1"
    with duckdb.connect() as database:
        counted = database.execute(asked).fetchall()

    assert frame.height == 15
    assert frame["label"].to_list()[:5] == [0, 0, 0, 1, None]  # the correction counts
    assert frame["features"].struct.field("income").to_list() == [3.5] * 15
    assert frame["features"].struct.field("region").unique().to_list() == ["ä"]
    assert [(str(day), n, label) for day, n, label in counted] == [
        ("2024-05-01", 5, 1),
        ("2024-05-02", 5, None),
        ("2024-05-03", 5, None),
    ]


def test_a_dry_run_tells_and_does_nothing(filled: Store, tmp_path: Path) -> None:
    asked = retention(filled, tmp_path)

    told = asked.prune(now=NOW, dry_run=True)

    assert len(logged(filled)) == 20
    assert not (tmp_path / "history").exists()
    assert filled.history.removed("m") == []
    done = asked.prune(now=NOW)
    assert [(one.day, one.rows) for one in told.removals] == [
        (one.day, one.rows) for one in done.removals
    ]


def test_nothing_leaves_twice(filled: Store, tmp_path: Path) -> None:
    retention(filled, tmp_path).prune(now=NOW)

    assert retention(filled, tmp_path).prune(now=NOW) == Pruned()


def test_a_row_that_comes_late_gets_a_file_of_its_own(filled: Store, tmp_path: Path) -> None:
    before = logged(filled)[:15]
    retention(filled, tmp_path).prune(now=NOW)
    late = row("late", 1)
    filled.add_predictions([late])
    filled.add_predictions([replace(row("newest", 99), received_at=NOW)])

    retention(filled, tmp_path).prune(now=NOW)

    assert list(filed(filled, tmp_path)) == [*before, Logged(late, ())]


def test_what_came_in_while_a_day_was_filed_keeps_it(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing = archive.write_day

    def late(*given: Any) -> Any:
        found = filing(*given)
        key = f"p{(given[1][1] - START.date()).days}-4"
        filled.add_labels([sample_label(key, minutes=9000)])
        return found

    monkeypatch.setattr("homeostat.retention.write_day", late)
    done = retention(filled, tmp_path).prune(now=NOW)

    assert done.removals == ()
    assert len(logged(filled)) == 20
    monkeypatch.undo()
    filled.add_labels([sample_label("p99-2", minutes=99.5 * 24 * 60)])
    again = retention(filled, tmp_path).prune(now=NOW)
    assert [one.labels for one in again.removals] == [6, 1, 1]
    held = sorted((tmp_path / "history").rglob("*.parquet"))
    assert len(held) == 3  # those that nobody names are gone


def deployed(store: Store, phase: Phase) -> None:
    stand = Deployment(model="m", champion=1, phase=phase, since=NOW - DAY)
    assert store.transition(stand, None)


@pytest.mark.parametrize("phase", [Phase.TRAINING, Phase.CANDIDATE, Phase.VERIFYING])
def test_nothing_leaves_while_a_version_is_judged(
    filled: Store, tmp_path: Path, phase: Phase
) -> None:
    deployed(filled, phase)

    done = retention(filled, tmp_path).prune(now=NOW)

    assert done.removals == ()
    assert [str(one.day) for one in done.held] == ["2024-05-01", "2024-05-02", "2024-05-03"]
    assert f"the model is {phase.value}" in done.held[0].reason


def test_an_open_alert_holds_the_rows_since_it_was_opened(filled: Store, tmp_path: Path) -> None:
    at = START + DAY
    filled.save_alert(replace(sample_alert("a"), opened_at=at, updated_at=at))

    done = retention(filled, tmp_path).prune(now=NOW)

    assert [one.day for one in done.removals] == ["2024-05-01"]
    assert [str(one.day) for one in done.held] == ["2024-05-02", "2024-05-03"]


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_rows_by_which_a_file_knows_its_end_stay(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    store.add_predictions([row("a", 0), row("b", 1)])
    store.add_labels([sample_label("a")])

    done = retention(store, tmp_path).prune(now=NOW)

    assert done.removals == ()
    assert ["last rows that were written" in one.reason for one in done.held] == [True, True]
    with open_store(store_url) as again:
        assert again.flag("store:missing") is None


def told(question: str, at: datetime, store: Store) -> None:
    store.add_verdict("m", Verdict(question=question, outcome=Outcome.PASS, reason="seen"), at)


def test_old_verdicts_leave_but_the_newest_of_each_question(store: Store, tmp_path: Path) -> None:
    for day in (0, 1, 99):
        told("drift", START + day * DAY, store)
    told("quality", START, store)
    told("quality", START + MINUTE, store)

    done = retention(store, tmp_path, policy=KeepPolicy(verdicts_days=10)).prune(now=NOW)

    assert [(one.kind, one.day, one.rows) for one in done.removals] == [
        ("verdicts", "2024-05-01", 2),
        ("verdicts", "2024-05-02", 1),
    ]
    assert [at for at, _ in store.verdicts("m", "drift", limit=9)] == [START + 99 * DAY]
    assert [at for at, _ in store.verdicts("m", "quality", limit=9)] == [START + MINUTE]


def test_resolved_alerts_leave_and_open_ones_stay(store: Store, tmp_path: Path) -> None:
    first = sample_alert("a")
    store.save_alert(first)
    store.save_alert(replace(first, updated_at=START + DAY, resolved_at=START + DAY))
    store.save_alert(replace(first, id="b"))

    done = retention(store, tmp_path, policy=KeepPolicy(alerts_days=10)).prune(now=NOW)

    assert [(one.kind, one.day, one.rows) for one in done.removals] == [("alerts", "2024-05-02", 1)]
    assert [one.id for one in store.alerts("m", open_only=False)] == ["b"]


def test_what_was_told_leaves_with_every_try_and_what_is_open_or_waits_stays(
    store: Store, tmp_path: Path
) -> None:
    still_open, over = sample_alert("open"), sample_alert("over", key="quality")
    store.save_alert(still_open)
    store.save_alert(replace(over, updated_at=NOW, resolved_at=NOW))
    parts = {name: sample_envelope(name, alert=name) for name in ("open", "over", "waits")}
    store.outbox.put(list(parts.values()))
    for name in ("open", "over"):
        store.outbox.claim([parts[name]], name)
        told = {"message_id": name, "channel": "slack", "model": "m", "outcome": ""}
        tried = Delivery(severity=AlertSeverity.HIGH, at=START, **told)
        store.outbox.postpone(tried, due_at=START, refusals=0)
        store.outbox.delivered(tried)

    done = retention(store, tmp_path, policy=KeepPolicy(alerts_days=10)).prune(now=NOW)

    assert [(one.kind, one.day, one.rows) for one in done.removals] == [
        ("messages", "2024-05-01", 1)
    ]
    assert [len(store.outbox.deliveries(one)) for one in ("open", "over")] == [2, 0]
    waiting = store.outbox.queue("m", "slack", grouped=True, now=NOW).waiting
    assert [one.id for one in waiting] == ["waits"]


def test_old_reports_leave_the_store_and_the_disk(store: Store, tmp_path: Path) -> None:
    for n in (0, 99):
        since, until = START + n * DAY, START + (n + 1) * DAY
        body = {"since": since.isoformat(), "until": until.isoformat()}
        store.history.add_periodic("m", "daily", body, until)
    folder = tmp_path / "reports"
    (folder / "drift_reports").mkdir(parents=True)
    old, new, strange, mine = (
        folder / "drift_reports" / f"drift_report_{name}.html"
        for name in ("20240501_120000", "20240808_120000", "20249999_999999", "mine")
    )
    for path in (old, new, strange, mine):
        path.write_text("x")

    done = retention(store, tmp_path, reports=(folder,)).prune(now=NOW)

    assert done.files == (old,)
    assert not old.exists()
    assert all(path.exists() for path in (new, strange, mine))
    assert [(one.kind, one.day) for one in done.removals] == [("reports", "2024-05-02")]
    assert store.history.periodic("m", "daily", until=START + 2 * DAY) is None


def test_one_process_prunes_at_a_time(filled: Store, tmp_path: Path) -> None:
    filled.lease("retention:m", "another", now=NOW, ttl_s=60)

    with pytest.raises(Unavailable, match="another process prunes the history of 'm'"):
        retention(filled, tmp_path).prune(now=NOW)

    assert len(logged(filled)) == 20
    retention(filled, tmp_path).prune(now=NOW + timedelta(minutes=2))
    assert len(logged(filled)) == 5


def test_a_folder_that_cannot_be_written_changes_nothing(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file where a folder should be")

    with pytest.raises(Unavailable, match="could not be filed"):
        retention(filled, tmp_path).prune(now=NOW)

    assert len(logged(filled)) == 20
    assert filled.history.removed("m") == []


def test_a_partition_that_was_changed_is_refused(filled: Store, tmp_path: Path) -> None:
    retention(filled, tmp_path).prune(now=NOW)
    place = filled.history.removed("m")[0].place
    assert place
    path = tmp_path / "history" / place
    path.write_bytes(path.read_bytes() + b"x")

    with pytest.raises(StateError, match="missing or was changed; restore it from a backup"):
        list(filed(filled, tmp_path))


def test_features_of_another_kind_than_the_settings_say_are_kept(
    store: Store, tmp_path: Path
) -> None:
    odd: Row = {"income": "3", "member": 1, "region": 5, "debt": True, "gone": 2**60}
    store.add_predictions([replace(row("odd", 0), features=odd), row("newest", 99)])

    retention(store, tmp_path).prune(now=NOW)

    [kept] = filed(store, tmp_path)
    assert kept.prediction.features == odd
    [path] = (tmp_path / "history").rglob("*.parquet")
    assert pl.read_parquet(path, hive_partitioning=False)["features"].to_list() == [
        {"income": None, "member": None, "region": None, "debt": None}
    ]


def test_no_folder_has_no_files(tmp_path: Path) -> None:
    assert list(old_files(tmp_path / "none", NOW)) == []


def test_a_label_leaves_with_its_filed_day_only(filled: Store, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="labels are append-only"):
        _delete(filled, "DELETE FROM labels WHERE prediction_id = 'p0-1'")
    retention(filled, tmp_path).prune(now=NOW)

    for statement in (
        "DELETE FROM labels WHERE prediction_id = 'p99-1'",
        "UPDATE labels SET value = 0",
        "DELETE FROM removals",
        "UPDATE removals SET rows = 0",
    ):
        with pytest.raises(StateError, match="are append-only"):
            _delete(filled, statement)


def _delete(store: Store, statement: str) -> None:
    with store._database.write() as connection:
        connection.execute(text(statement))
