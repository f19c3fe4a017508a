"""The history: states of alerts, periodic reports, removals, and views for people."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: What a statement needs to read, by dialect: a time, a text and a list in JSON.
#: Python writes NaN and infinities into JSON, which no database takes for it.
SQLITE = {
    "time": "strftime('%Y-%m-%dT%H:%M:%S', {0} / 1000000, 'unixepoch') || 'Z'",
    "json": "CASE WHEN json_valid({0}) THEN {0} ELSE replace(replace(replace({0}, ':NaN', ':null'),"
    " ':Infinity', ':null'), ':-Infinity', ':null') END",
    "text": "json_extract({0}, '$.{1}')",
    "number": "json_extract({0}, '$.{1}')",
    "truth": "json_extract({0}, '$.{1}')",
    "each": "json_each({0}, '$.{1}') AS {2}",
}
POSTGRES = {
    "time": "to_timestamp({0} / 1000000.0)",
    "json": r"regexp_replace({0}, '([:,\[])(-?Infinity|NaN)', '\1null', 'g')::json",
    "text": "({0} ->> '{1}')",
    "number": "({0} ->> '{1}')::double precision",
    "truth": "({0} ->> '{1}')::boolean",
    "each": "json_array_elements({0} -> '{1}') AS {2}",
}

SAYING = re.compile(r"<(\w+ [^>]+)>")

VIEWS = {
    "history_alerts": """
        SELECT id, model, key, type, severity, reason, <time opened_at> AS opened_at,
            <time updated_at> AS updated_at, <time acknowledged_at> AS acknowledged_at,
            <time resolved_at> AS resolved_at, times_seen
        FROM alerts""",
    "history_verdicts": """
        SELECT number, model, question, <time at> AS at, outcome, <text t.body reason> AS reason
        FROM (SELECT number, model, question, at, outcome, <json v.body> AS body
            FROM verdicts AS v) AS t""",
    "history_drift_reports": """
        SELECT t.number, t.model, <time t.at> AS at, t.outcome, <text m.value subject> AS feature,
            <text m.value statistic> AS statistic, <number m.value value> AS value,
            <number m.value effect> AS effect, <number m.value asked> AS asked,
            <number m.value p_value> AS p_value, <number m.value n_reference> AS n_reference,
            <number m.value n_current> AS n_current, <truth m.value drifted> AS drifted
        FROM (SELECT number, model, at, outcome, <json v.body> AS body
            FROM verdicts AS v WHERE question = 'drift') AS t, <each t.body measurements m>""",
    "history_performance_metrics": """
        SELECT t.number, t.model, <time t.at> AS at, t.question, t.outcome,
            CASE WHEN t.question = 'quality' THEN <text m.value statistic>
                ELSE <text m.value subject> END AS metric,
            <number m.value value> AS value, <number m.value asked> AS asked,
            <number m.value n_current> AS n, <truth m.value drifted> AS breached
        FROM (SELECT number, model, question, at, outcome, <json v.body> AS body
            FROM verdicts AS v WHERE question IN
            ('quality', 'thresholds', 'degradation', 'segments', 'estimate')
        ) AS t, <each t.body measurements m>""",
    "history_decisions": """
        SELECT number, id, model, action, outcome, <time decided_at> AS decided_at,
            <text t.body decided_by> AS decided_by,
            <number t.body version_before> AS version_before,
            <number t.body version_after> AS version_after
        FROM (SELECT number, id, model, action, outcome, decided_at, <json d.body> AS body
            FROM decisions AS d) AS t""",
    "history_removals": """
        SELECT number, model, kind, day, <time removed_at> AS removed_at,
            removed_by, rows, labels, place, sha256
        FROM removals""",
}


def upgrade() -> None:
    _tables()
    _begin_changes()
    _let_filed_labels_go()
    _make_append_only()
    words = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRES
    for name, template in VIEWS.items():
        text = SAYING.sub(lambda found: _said(words, found[1]), template)
        op.execute(sa.text(f"CREATE VIEW {name} AS {text}".replace(":", r"\:")))


def _said(words: dict[str, str], asked: str) -> str:
    word, *parts = asked.split()
    return words[word].format(*parts)


def _tables() -> None:
    op.create_table(
        "alert_changes",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),  # microseconds since 1970 UTC
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index(
        "ix_alert_changes_opened", "alert_changes", ["model", "opened_at", "alert_id", "number"]
    )
    op.create_table(
        "periodic_reports",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("schedule", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_periodic_reports_until", "periodic_reports", ["model", "schedule", "until"])
    op.create_table(
        "removals",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("removed_at", sa.BigInteger, nullable=False),
        sa.Column("removed_by", sa.Text, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("labels", sa.Integer, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("sha256", sa.Text),
    )
    op.create_index("ix_removals_day", "removals", ["model", "kind", "day"])


def _begin_changes() -> None:
    """The newest state of the alerts that there are; those before it were not kept."""
    connection = op.get_bind()
    alerts = sa.Table("alerts", sa.MetaData(), autoload_with=connection)
    changes = sa.Table("alert_changes", sa.MetaData(), autoload_with=connection)
    rows = connection.execute(sa.select(alerts).order_by(alerts.c.updated_at)).mappings().all()
    for row in rows:
        values = {
            "alert_id": row["id"],
            "model": row["model"],
            "at": row["updated_at"],
            "opened_at": row["opened_at"],
            "body": json.dumps({name: _plain(name, row[name]) for name in row}),
        }
        connection.execute(changes.insert().values(values))


def _let_filed_labels_go() -> None:
    """A label may leave with its prediction, once the day of that is written down as removed."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER labels_no_delete")
        op.execute(
            "CREATE TRIGGER labels_no_delete BEFORE DELETE ON labels WHEN NOT EXISTS ("
            "SELECT 1 FROM predictions AS p JOIN removals AS r ON r.model = p.model "
            "AND r.kind = 'predictions' AND r.day = "
            "strftime('%Y-%m-%d', p.received_at / 1000000, 'unixepoch') "
            "WHERE p.id = OLD.prediction_id) "
            "BEGIN SELECT RAISE(ABORT, 'labels are append-only'); END"
        )
        return
    op.execute("DROP TRIGGER labels_no_change ON labels")
    op.execute(
        "CREATE TRIGGER labels_no_change BEFORE UPDATE OR TRUNCATE ON labels "
        "FOR EACH STATEMENT EXECUTE FUNCTION labels_refuse()"
    )
    op.execute(
        "CREATE FUNCTION labels_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM predictions AS p JOIN removals AS r ON r.model = p.model "
        "AND r.kind = 'predictions' AND r.day = to_char("
        "to_timestamp(p.received_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') "
        "WHERE p.id = OLD.prediction_id) THEN RETURN OLD; END IF; "
        "RAISE EXCEPTION 'labels are append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER labels_no_delete BEFORE DELETE ON labels "
        "FOR EACH ROW EXECUTE FUNCTION labels_refuse_delete()"
    )


def _make_append_only() -> None:
    """What was removed stays written down."""
    says = "removals are append-only"
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER removals_no_{event.lower()} BEFORE {event} ON removals "
                f"BEGIN SELECT RAISE(ABORT, '{says}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION removals_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{says}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER removals_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON removals "
        "FOR EACH STATEMENT EXECUTE FUNCTION removals_refuse()"
    )


def _plain(name: str, value: Any) -> Any:
    if name.endswith("_at") and isinstance(value, int):
        return (EPOCH + timedelta(microseconds=value)).isoformat()
    return value
