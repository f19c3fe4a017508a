"""The three alerts of the churn story, from real customers to Slack, mail and the terminal."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from homeostat.cli.project import open_project
from homeostat.prediction import Label, Prediction
from homeostat.serving.counting import Counting
from tests.conftest import free_port
from tests.shell.alerts.receivers import Received, http_receiver
from tests.shell.project import change_settings, command, homeostat

pytestmark = pytest.mark.data

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
SERVED_FROM = 4_000  #: the customers before are those that the model learns from
ROWS = 2_000


class Mailbox:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = email.message_from_bytes(content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield mailbox, controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def customers(data_dir: Path) -> pl.DataFrame:
    """7,043 customers in an order of chance."""
    path = data_dir / "telco" / "Telco-Customer-Churn.csv"
    frame = pl.read_csv(path).sample(fraction=1.0, shuffle=True, seed=1)
    return frame.drop("customerID", "TotalCharges")


@pytest.fixture
def churn(customers: pl.DataFrame, tmp_path: Path) -> Path:
    """A model that learnt from the first customers and is in service."""
    data, config = tmp_path / "churn.csv", tmp_path / "homeostat.yaml"
    customers.head(SERVED_FROM).write_csv(data)
    made = ("init", data, "--target", "Churn", "--model", "churn", "--output", config)
    assert homeostat(*made) == 0
    change_settings(tmp_path, {"mlflow": {"tracking_uri": ""}})
    change_settings(tmp_path, {"quality": {"min_recall": 0.70, "search_segments": False}})
    for step in ("reference freeze", "model train", "model promote 1"):
        assert command(tmp_path, *step.split()) == 0
    return tmp_path


def served(folder: Path, customers: pl.DataFrame, *, broken: bool) -> None:
    """A day of answers, with the labels of all of them; broken: the feeds send other values."""
    rows = customers.slice(SERVED_FROM, ROWS)
    if broken:
        rows = rows.with_columns(
            tenure=(pl.col("tenure") + 30).clip(0, 72),
            MonthlyCharges=(18.25 + (pl.col("MonthlyCharges") - 18.25) * 0.6).round(2),
        )
    with open_project(folder / "homeostat.yaml") as project:
        store, counting = project.store, Counting()
        scorer = project.bench.scorer(1)
        counting.learn("churn", 1, store.reference("churn", scorer.version.reference_digest).bins)
        names = scorer.version.schema.names
        features = [_row(project.schema, one) for one in rows.select(names).to_dicts()]
        scores = scorer.probabilities(features).tolist()
        step = timedelta(hours=23) / len(features)
        answers = [
            Prediction(
                id=f"c{i:05}",
                model="churn",
                version=1,
                received_at=NOW - timedelta(hours=23) + i * step,
                features=row,
                prediction=int(score >= scorer.version.threshold),
                probability=score,
                body_digest="0" * 64,
            )
            for i, (row, score) in enumerate(zip(features, scores, strict=True))
        ]
        store.add_predictions(answers, counting)
        left = (rows["Churn"] == "Yes").to_list()
        labels = [
            Label(prediction_id=one.id, value=int(gone), received_at=NOW - timedelta(minutes=1))
            for one, gone in zip(answers, left, strict=True)
        ]
        store.add_labels(labels)


def _row(schema: Any, plain: dict[str, Any]) -> dict[str, Any]:
    kinds = {one.name: one.kind.value for one in schema.features}
    return {
        name: bool(value) if kinds[name] == "boolean" else value for name, value in plain.items()
    }


def with_channels(folder: Path, hook: Received, mail_port: int) -> None:
    mail = {"host": "127.0.0.1", "port": mail_port, "security": "none"}
    people = {"sender": "homeostat@example.com", "recipients": ["ml@example.com"]}
    channels = {
        "team": {"kind": "slack", "options": {"webhook_url": {"env": "CHURN_HOOK"}}},
        "mail": {"kind": "email", "options": {**mail, **people}},
        "screen": {"kind": "console"},
    }
    allowed = {"allowed_hosts": [hook.host], "allowed_networks": ["127.0.0.0/8"]}
    change_settings(folder, {"alerts": {"channels": channels, **allowed}})


def test_broken_feeds_of_real_customers_give_the_three_alerts_on_every_channel(
    churn: Path,
    customers: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    served(churn, customers, broken=True)
    with mail_server() as (mailbox, port), http_receiver() as hook:
        monkeypatch.setenv("CHURN_HOOK", hook.url)
        with_channels(churn, hook, port)
        capsys.readouterr()

        looked = command(churn, "monitor", "run", "--once", "--as-of", NOW.isoformat())

    shown = capsys.readouterr().out
    slack = str(hook.taken)
    [mail] = mailbox.mails
    body, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None
    assert page is not None
    assert looked == 1
    for told in (shown, slack, body.get_content(), page.get_content()):
        assert "DATA_DRIFT" in told
        assert "MODEL_DEGRADATION" in told
        assert "THRESHOLD_BREACH" in told
        assert "MonthlyCharges" in told
        assert "tenure" in told
        assert "below the minimum of 0.7" in told
        assert "over 2,000 rows" in told or "2,000 labelled rows" in told


def test_the_same_customers_as_they_are_give_none(
    churn: Path, customers: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_settings(churn, {"quality": {"min_recall": 0.30}})
    served(churn, customers, broken=False)
    with mail_server() as (mailbox, port), http_receiver() as hook:
        monkeypatch.setenv("CHURN_HOOK", hook.url)
        with_channels(churn, hook, port)

        looked = command(churn, "monitor", "run", "--once", "--as-of", NOW.isoformat())

    assert looked == 0
    assert (mailbox.mails, hook.taken) == ([], [])
