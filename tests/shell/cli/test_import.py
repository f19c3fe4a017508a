"""A churn monitoring file is taken over line by line, and every line is told."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pydantic import BaseModel

from homeostat.cli.imported import HIDDEN, Imported, import_settings
from homeostat.cli.settings import load_settings
from homeostat.cli.settings_edit import with_values
from homeostat.errors import UserError
from tests.shell.project import homeostat

#: As in the document of that system.
SHORT = """
data_drift_monitoring:
  enabled: true
  drift_threshold: 0.15
  check_interval_minutes: 60

performance_monitoring:
  enabled: true
  thresholds:
    min_accuracy: 0.8
    min_precision: 0.75
    degradation_threshold: 0.05

alerts:
  email:
    enabled: true
    smtp_server: "smtp.example.com"
    recipients: ["admin@example.com"]
  slack:
    enabled: false
    webhook_url: "https://hooks.example.com/T000/B000/some-secret"
"""

#: What else such a file may say.
MORE: dict[str, Any] = {
    "data_drift_monitoring": {
        "check_interval_minutes": 60,
        "confidence_level": 0.95,
        "reference_data_path": "churn.csv",
        "evidently": {"target_column": "churn", "datetime_column": None, "metrics": ["A"]},
        "column_thresholds": {"numerical": {"drift_threshold": 0.2}},
    },
    "performance_monitoring": {
        "check_interval_minutes": 30,
        "thresholds": {"min_f1_score": 0.75, "min_roc_auc": 0.8},
        "comparison_window": 5,
    },
    "alerts": {
        "email": {"username": "some-user", "password": "some-secret"},
        "rate_limits": {"default": 15},
    },
    "mlflow": {"tracking_uri": "http://ann:some-secret@localhost:5000", "experiment_name": "x"},
    "model_registry": {"promotion_threshold": 0.02, "auto_promote": False},
    "logging": {"level": "debug", "file": "logs/monitoring.log"},
    "a_section_of_their_own": {"and": {"a_key": 1}},
}


def told(imported: Imported) -> dict[str, tuple[str | None, Any]]:
    return {one.source: (one.target, one.value) for one in imported.lines}


def leaves(plain: Any, before: str = "") -> list[str]:
    if not isinstance(plain, dict) or not plain:
        return [before]
    return [
        leaf
        for key, value in plain.items()
        for leaf in leaves(value, f"{before}.{key}" if before else str(key))
    ]


@pytest.mark.parametrize("plain", [yaml.safe_load(SHORT), MORE], ids=["short", "more"])
def test_no_line_is_passed_over(plain: dict[str, Any]) -> None:
    imported = import_settings(plain)

    assert [one.source for one in imported.lines] == leaves(plain)
    assert all(one.told for one in imported.lines)


def test_lines_become_settings_in_our_units() -> None:
    lines = told(import_settings(MORE))

    assert lines["performance_monitoring.check_interval_minutes"] == (
        "monitoring.interval_s",
        1800.0,
    )
    assert lines["model_registry.promotion_threshold"] == ("gates.min_f1_improvement_pct", 2.0)
    assert lines["logging.level"] == ("log_level", "DEBUG")
    assert lines["mlflow.experiment_name"] == ("mlflow.experiment", "x")


def test_of_two_intervals_the_shorter_one_is_kept_and_that_is_told() -> None:
    imported = import_settings(MORE)
    [line] = [one for one in imported.lines if one.source.startswith("data_drift_monitoring.check")]

    assert imported.values["monitoring", "interval_s"] == 1800.0
    assert line.target is None
    assert line.told == "monitoring.interval_s is 1800.0 by another line"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("data_drift_monitoring.drift_threshold", "another scale"),
        ("data_drift_monitoring.enabled", "homeostat monitor run"),
        ("alerts.slack.enabled", "left out"),
    ],
)
def test_what_is_left_out_says_why(source: str, why: str) -> None:
    [line] = [one for one in import_settings(yaml.safe_load(SHORT)).lines if one.source == source]

    assert line.target is None
    assert why in line.told


@pytest.mark.parametrize("plain", [yaml.safe_load(SHORT), MORE], ids=["short", "more"])
def test_no_secret_is_taken_over_or_shown(plain: dict[str, Any]) -> None:
    imported = import_settings(plain)
    hidden = {one.source for one in imported.lines if one.given == HIDDEN}

    assert "some-" not in str(imported)
    assert hidden & {"alerts.email.password", "alerts.slack.webhook_url"}


def test_an_unknown_line_is_told_as_unknown() -> None:
    [line] = import_settings(MORE).lines[-1:]

    assert (line.source, line.target) == ("a_section_of_their_own.and.a_key", None)
    assert line.told == "nothing in homeostat stands for it"


@pytest.mark.parametrize(
    ("section", "name", "value", "why"),
    [
        ("logging", "level", "LOUD", "log_level does not take it"),
        ("model_registry", "promotion_threshold", "much", "is no value for"),
        ("model_registry", "promotion_threshold", True, "is no value for"),
        ("data_drift_monitoring", "check_interval_minutes", 0, "greater than 0"),
        ("data_drift_monitoring", "check_interval_minutes", [60], "is no value for"),
    ],
)
def test_a_value_that_cannot_be_is_told_and_left_out(
    section: str, name: str, value: Any, why: str
) -> None:
    imported = import_settings({section: {name: value}})

    assert imported.values == {}
    assert why in imported.lines[0].told


def test_a_setting_that_this_release_does_not_have_is_told() -> None:
    from homeostat.cli.settings_watch import WatchSettings

    plain = {"model_registry": {"promotion_threshold": 0.02}}
    [line] = import_settings(plain, WatchSettings).lines

    assert line.target is None
    assert line.told == "this release has no setting gates.min_f1_improvement_pct"


class Channels(BaseModel):
    """Settings that have channels of alerts."""

    class Alerts(BaseModel):
        """Of alerts."""

        channels: dict[str, Any] = {}

    alerts: Alerts = Alerts()


def test_channels_come_over_without_their_secrets() -> None:
    email = {
        "enabled": True,
        "smtp_server": "smtp.example.com",
        "smtp_port": 587,
        "use_tls": True,
        "password": "some-secret",
        "username": "some-user",
        "from_email": "a@example.com",
        "recipients": ["b@example.com"],
    }
    slack = {"enabled": True, "webhook_url": "https://hooks.example.com/some-secret"}
    imported = import_settings({"alerts": {"email": email, "slack": slack}}, Channels)

    assert imported.values["alerts", "channels"] == {
        "email": {
            "kind": "email",
            "options": {
                "host": "smtp.example.com",
                "port": 587,
                "security": "starttls",
                "password": {"env": "SMTP_PASSWORD"},
                "sender": "a@example.com",
                "recipients": ["b@example.com"],
            },
        },
        "slack": {"kind": "slack", "options": {"webhook_url": {"env": "SLACK_WEBHOOK_URL"}}},
    }
    assert "some-" not in str(imported)


def test_a_channel_that_is_not_enabled_is_left_out() -> None:
    imported = import_settings(yaml.safe_load(SHORT), Channels)
    [line] = [one for one in imported.lines if one.source == "alerts.slack.webhook_url"]

    assert list(imported.values["alerts", "channels"]) == ["email"]
    assert (line.target, line.told) == (None, "its channel is not enabled")


# The command.


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rows and both files, in which the command is given."""
    monkeypatch.chdir(tmp_path)
    n = 90
    pl.DataFrame(
        {
            "churn": [int(i % 7 == 0) for i in range(n)],
            "tenure": [i * 37 % 72 for i in range(n)],
            "plan": ["month" if i % 3 else "year" for i in range(n)],
        }
    ).write_csv("churn.csv")
    Path("short.yaml").write_text(SHORT)
    Path("more.yaml").write_text(yaml.safe_dump(MORE))
    return tmp_path


def test_the_file_may_name_the_rows_and_the_target(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert homeostat("init", "--from-config", "more.yaml") == 0

    said = capsys.readouterr().out
    text = Path("homeostat.yaml").read_text()
    settings = load_settings(Path("homeostat.yaml"), {})
    assert (settings.target.column, settings.schema().names) == ("churn", ("tenure", "plan"))
    assert settings.monitoring.interval_s == 1800.0
    assert settings.gates.min_f1_improvement_pct == 2.0
    assert settings.log_level == "DEBUG"
    assert "lines of more.yaml were taken over" in said
    assert "a_section_of_their_own.and.a_key" in said
    assert "some-" not in said + text
    assert "  interval_s: 1800.0  # seconds between two looks; MONITORING_INTERVAL" in text


def test_rows_and_target_may_be_given(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ("churn.csv", "--target", "churn", "--from-config", "short.yaml", "--json")
    assert homeostat("init", *given) == 0

    plain = json.loads(capsys.readouterr().out)
    assert len(plain["imported"]) == len(leaves(yaml.safe_load(SHORT)))
    assert load_settings(Path("homeostat.yaml"), {}).monitoring.interval_s == 3600.0


def test_without_rows_all_that_is_missing_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert homeostat("init", "--from-config", "short.yaml") == 2

    said = capsys.readouterr().err
    assert "DATA: missing" in said
    assert "--target: missing" in said
    assert not Path("homeostat.yaml").exists()


def test_settings_that_are_there_are_changed_with_force_only(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert homeostat("init", "churn.csv", "--target", "churn") == 0
    before = Path("homeostat.yaml").read_text()
    assert homeostat("init", "--from-config", "short.yaml") != 0
    assert Path("homeostat.yaml").read_text() == before

    assert homeostat("init", "--from-config", "short.yaml", "--force") == 0

    after = Path("homeostat.yaml").read_text()
    changed = [
        (one, other)
        for one, other in zip(before.splitlines(), after.splitlines(), strict=True)
        if one != other
    ]
    assert [one.partition("#")[0].strip() for _, one in changed][:1] == ["interval_s: 3600.0"]
    assert load_settings(Path("homeostat.yaml"), {}).monitoring.interval_s == 3600.0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("model: credit\n", "has none of the sections"),
        ("alerts: [\n", "is no valid YAML"),
        ("", "is empty"),
    ],
)
def test_another_file_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    Path("other.yaml").write_text(text)

    assert homeostat("init", "churn.csv", "--target", "churn", "--from-config", "other.yaml") == 2
    assert why in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert homeostat("init", "--from-config", "none.yaml") == 2
    assert "there is no file none.yaml to import from" in capsys.readouterr().err


# Changing a file line by line.


def test_a_value_is_changed_and_all_else_stays() -> None:
    text = (
        "# about\nmodel: a\n\n# Drift.\ndrift:\n  patience: 3  # looks\n  # more\n\n# End.\nx: 1\n"
    )

    changed = with_values(text, {("drift", "patience"): 2, ("model",): "b, c", ("new", "y"): None})

    assert changed == (
        "# about\nmodel: b, c\n\n# Drift.\ndrift:\n  patience: 2  # looks\n  # more\n\n# End.\n"
        "x: 1\n\nnew:\n  y: null\n"
    ).replace("b, c", "'b, c'")


def test_a_name_is_added_to_its_section() -> None:
    text = "drift:\n  patience: 3\n\n# Gates.\ngates:\n  min_rows: 1\n"

    changed = with_values(text, {("drift", "seasonal_weeks"): 2})

    assert changed == (
        "drift:\n  patience: 3\n  seasonal_weeks: 2\n\n# Gates.\ngates:\n  min_rows: 1\n"
    )


@pytest.mark.parametrize(
    "text",
    ["drift: {patience: 3}\n", "drift:\n    patience: 3\n", "drift:\n  patience:\n    - 3\n"],
)
def test_a_file_that_is_written_otherwise_is_left_alone(text: str) -> None:
    with pytest.raises(UserError, match=r"drift\.patience: 2"):
        with_values(text, {("drift", "patience"): 2})
