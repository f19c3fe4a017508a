from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from homeostat.cli.settings import Settings, load_settings
from homeostat.cli.settings_source import ALIASES, variable
from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Schema, Segment, Target, Task

MINIMAL = """
model: credit
target: {column: late}
features:
  age: {kind: integer, minimum: 0, maximum: 120}
  city: {kind: category, categories: [Bergen, Oslo], nullable: true}
data: {path: rows.csv}
"""


def load(folder: Path, text: str = MINIMAL, environ: Mapping[str, str] | None = None) -> Settings:
    path = folder / "homeostat.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def problems(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(UserError) as caught:
        load(folder, text, environ)
    return caught.value.problems


#: Settings of quality that nothing is set for.
UNSET = (
    *("min_accuracy", "min_precision", "min_recall", "min_f1", "min_roc_auc", "min_pr_auc"),
    *("max_log_loss", "max_brier", "max_ece", "min_business_value", "business_metric"),
    *("value_true_positive", "value_false_positive"),
    *("value_false_negative", "value_true_negative"),
)


def test_the_least_there_must_be_gives_all_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)

    assert settings.model_dump(mode="json", exclude={"target", "features"}) == {
        "model": "credit",
        "task": "binary",
        "id": None,
        "time": None,
        "segments": [],
        "data": {"path": f"{tmp_path}/rows.csv"},
        "store": {
            "url": f"sqlite:///{tmp_path}/homeostat.db",
            "durability": "acknowledged",
        },
        "artifacts": {"path": f"{tmp_path}/models"},
        "mlflow": {"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db", "experiment": "credit"},
        "reference": {"share": 0.2, "path": f"{tmp_path}/monitoring/reference"},
        "training": {
            "algorithm": "hist_gradient_boosting",
            "seed": 0,
            "lookback_days": 90.0,
            "original_share": 0.2,
            "min_rows": 1000,
            "min_positives": 50,
            "rest_h": 6.0,
        },
        "serving": {
            "host": "127.0.0.1",
            "port": 8000,
            "refresh_s": 0.5,
            "queue": 5000,
            "max_batch": 1000,
            "api_key": None,
            "models": [],
            "max_body_bytes": 2**20,
            "max_connections": 500,
            "tls_certificate": None,
            "tls_key": None,
            "behind_proxy": False,
            "open_metrics": False,
            "predict_paths": [],
        },
        "monitoring": {
            "interval_s": 300.0,
            "lookback_h": 24.0,
            "min_rows": 200,
            "path": f"{tmp_path}/monitoring",
        },
        "drift": {
            "false_alarms_per_week": 1.0,
            "patience": 3,
            "seasonal_weeks": 0,
            "warning_threshold": 0.2,
            "critical_threshold": 0.5,
        },
        "quality": {
            "lookback_days": 30.0,
            "due_days": 30.0,
            "min_rows": 200,
            "min_cases": 20,
            "alpha": 0.01,
            "confidence": 0.95,
            "degradation_threshold": 0.05,
            "search_segments": True,
            **dict.fromkeys(UNSET),
        },
        "gates": {
            "min_f1_improvement_pct": 2.0,
            "max_brier_degradation": 0.01,
            "min_rows": 200,
            "min_coverage": 0.3,
            "cooldown_days": 7.0,
            "max_segment_f1_drop_pct": 5.0,
            "candidate_days": 30.0,
        },
        "verification": {"days": 14.0, "min_rows": 200},
        "reports": {
            "path": f"{tmp_path}/reports",
            "schedule": "never",
            "hour": 7,
            "timezone": "UTC",
            "send_to": [],
            "days": 30.0,
        },
        "retention": {
            "path": f"{tmp_path}/history",
            "predictions_days": None,
            "verdicts_days": 365.0,
            "alerts_days": 365.0,
            "reports_days": 30.0,
        },
        "watch": {
            "heartbeat_url": "",
            "heartbeat_timeout_s": 5.0,
            "pulse_s": 60.0,
            "silent_s": 300.0,
            "canary_interval_h": 24.0,
        },
        "alerts": {
            "channels": {},
            "rules": [],
            "runbook": None,
            "timezone": "UTC",
            "quiet_s": 300.0,
            "remind_h": 4.0,
            "escalate_after_min": 0.0,
            "escalate_severity": "HIGH",
            "escalate_to": [],
            "allowed_hosts": [],
            "allowed_networks": [],
        },
        "log_level": "INFO",
    }


def test_features_and_target_make_the_schema(tmp_path: Path) -> None:
    assert load(tmp_path).schema() == Schema(
        task=Task.BINARY,
        target=Target(column="late", positive="1", classes=("0", "1")),
        features=(
            Feature(name="age", kind=Kind.INTEGER, minimum=0, maximum=120),
            Feature(name="city", kind=Kind.CATEGORY, categories=("Bergen", "Oslo"), nullable=True),
        ),
    )


def test_segments(tmp_path: Path) -> None:
    text = MINIMAL + "segments: [{column: age, edges: [30, 60]}, {column: city}]"

    assert load(tmp_path, text).divisions() == (
        Segment(column="age", edges=(30.0, 60.0)),
        Segment(column="city"),
    )


def test_settings_are_frozen_and_keep_the_key_to_themselves(tmp_path: Path) -> None:
    settings = load(tmp_path, environ={"API_KEY": "hush"})

    with pytest.raises(ValidationError):
        settings.serving.port = 1

    assert settings.serving.api_key == "hush"
    assert "hush" not in repr(settings)


def test_a_section_without_a_line_is_its_default(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL + "drift:\n  # patience: 3\n") == load(tmp_path)


# ------------------------------------------------------------------------------- places


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///a/b.db", "sqlite:///{folder}/a/b.db"),
        ("sqlite:///../b.db", "sqlite:///{parent}/b.db"),
        ("sqlite:////srv/b.db", "sqlite:////srv/b.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://me@host/name", "postgresql://me@host/name"),
        ("postgresql+psycopg://me@host/name", "postgresql+psycopg://me@host/name"),
        ("postgres://me@host/name", "postgres://me@host/name"),
    ],
)
def test_relative_databases_are_taken_from_the_folder_of_the_file(
    tmp_path: Path, url: str, expected: str
) -> None:
    settings = load(tmp_path, environ={"DATABASE_URL": url})

    assert settings.store.url == expected.format(folder=tmp_path, parent=tmp_path.parent)


def test_paths_do_not_depend_on_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(tmp_path, MINIMAL.replace("rows.csv", "../rows.csv"))
    monkeypatch.chdir(tmp_path)

    assert settings.data.path == tmp_path.parent / "rows.csv"
    assert load_settings(Path("homeostat.yaml"), {}) == settings


# -------------------------------------------------------------------------- environment


@pytest.mark.parametrize(
    ("name", "value", "place", "expected"),
    [
        ("API_KEY", "hush", "serving.api_key", "hush"),
        ("BASELINE_DATA_PATH", "/srv/x.parquet", "data.path", Path("/srv/x.parquet")),
        ("MODEL_PATH", "/srv/models", "artifacts.path", Path("/srv/models")),
        ("DATABASE_URL", "postgresql://h/n", "store.url", "postgresql://h/n"),
        ("LOG_LEVEL", "DEBUG", "log_level", "DEBUG"),
        ("MAX_BRIER_DEGRADATION", "0.5", "gates.max_brier_degradation", 0.5),
        ("MIN_F1_IMPROVEMENT_PCT", "3", "gates.min_f1_improvement_pct", 3.0),
        ("MIN_SAMPLES_FOR_DECISION", "7", "gates.min_rows", 7),
        ("MLFLOW_TRACKING_URI", "https://mlflow.example", "mlflow.tracking_uri", None),
        ("MONITORING_INTERVAL", "60", "monitoring.interval_s", 60.0),
        ("MONITORING_LOOKBACK", "48", "monitoring.lookback_h", 48.0),
        ("HOMEOSTAT_TRAINING__SEED", "9", "training.seed", 9),
        ("HOMEOSTAT_DRIFT__FALSE_ALARMS_PER_WEEK", "0.1", "drift.false_alarms_per_week", 0.1),
        ("HOMEOSTAT_MLFLOW__EXPERIMENT", "other", "mlflow.experiment", "other"),
        ("HOMEOSTAT_SERVING__MODELS", "churn, clicks", "serving.models", ("churn", "clicks")),
    ],
)
def test_the_environment_goes_before_the_file(
    tmp_path: Path, name: str, value: str, place: str, expected: Any
) -> None:
    found: Any = load(tmp_path, environ={name: value})
    for key in place.split("."):
        found = getattr(found, key)

    assert found == (value if expected is None else expected)


def test_every_variable_with_a_name_of_its_own_is_known() -> None:
    assert {variable(place) for place in ALIASES.values()} == set(ALIASES)


def settable() -> list[tuple[str, str]]:
    return [
        (section, name)
        for section, field in Settings.model_fields.items()
        if section != "target"
        and isinstance(field.annotation, type)
        and issubclass(field.annotation, BaseModel)
        for name in field.annotation.model_fields
    ]


#: Of the section `alerts`, what is not just any text.
ALERTS = {
    "channels": '{"team": {"kind": "console"}}',
    "rules": '[{"name": "calm", "question": "drift", "severity": "LOW"}]',
    "runbook": "https://wiki.example/{key}",
    "timezone": "Europe/Berlin",
    "escalate_severity": "LOW",
    "escalate_to": "team",
    "send_to": "team",
    "allowed_networks": "10.0.0.0/8, 192.168.1.0/24",
}


@pytest.mark.parametrize(("section", "name"), settable())
def test_every_setting_has_its_variable(tmp_path: Path, section: str, name: str) -> None:
    given = f"HOMEOSTAT_{section}__{name}".upper()
    before = getattr(getattr(load(tmp_path), section), name)
    other = (
        str(before * 2)
        if isinstance(before, int | float) and before
        else ("4" if type(before) is int else "0.4")
    )
    other = "true" if before is False else other
    samples = {"url": "sqlite:////x.db", "seed": "1", "durability": "relaxed"}
    samples |= {"predict_paths": "/a, /b", "heartbeat_url": "https://outside.example/x"}
    samples |= {"schedule": "weekly", "timezone": "Europe/Berlin"}
    samples |= {"confidence": "0.9", "business_metric": "money:worth", "search_segments": "false"}
    value = {**samples, **ALERTS}.get(name, other)
    together = ("tls_certificate", "tls_key") if name.startswith("tls_") else ()
    environ = {f"HOMEOSTAT_SERVING__{one}".upper(): value for one in together}
    if name == "min_business_value":
        environ["HOMEOSTAT_QUALITY__VALUE_TRUE_POSITIVE"] = "1"
    if name in {"escalate_to", "send_to"}:
        environ["HOMEOSTAT_ALERTS__CHANNELS"] = ALERTS["channels"]

    after = getattr(getattr(load(tmp_path, environ={**environ, given: value}), section), name)

    assert after != before


def test_an_unknown_time_zone_is_named(tmp_path: Path) -> None:
    text = MINIMAL + "reports: {timezone: Europe/Berln}"

    [problem] = problems(tmp_path, text)

    assert "no time zone 'Europe/Berln' is known here" in problem


def test_the_longer_name_goes_before_the_shorter(tmp_path: Path) -> None:
    environ = {"MONITORING_INTERVAL": "60", "HOMEOSTAT_MONITORING__INTERVAL_S": "90"}

    assert load(tmp_path, environ=environ).monitoring.interval_s == 90


def test_an_empty_variable_is_not_set_but_turns_mlflow_off(tmp_path: Path) -> None:
    environ = {"MONITORING_INTERVAL": "", "API_KEY": "", "MLFLOW_TRACKING_URI": ""}

    settings = load(tmp_path, environ=environ)

    assert settings.monitoring.interval_s == 300
    assert settings.serving.api_key is None
    assert settings.mlflow.tracking_uri == ""


def test_the_environment_keeps_the_rest_of_a_section(tmp_path: Path) -> None:
    text = MINIMAL + "monitoring: {lookback_h: 12}"

    settings = load(tmp_path, text, {"MONITORING_INTERVAL": "60"})

    assert (settings.monitoring.lookback_h, settings.monitoring.interval_s) == (12, 60)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HOMEOSTAT_MONITORNG__INTERVAL_S", "HOMEOSTAT_MONITORING__INTERVAL_S"),
        ("HOMEOSTAT_MONITORING__INTERVALL", "HOMEOSTAT_MONITORING__INTERVAL_S"),
        ("HOMEOSTAT_MONITORING_INTERVAL_S", "HOMEOSTAT_MONITORING__INTERVAL_S"),
    ],
)
def test_mistaken_variables_are_told(tmp_path: Path, name: str, meant: str) -> None:
    assert problems(tmp_path, MINIMAL, {name: "5"}) == [
        f"environment: unknown variable {name!r}; did you mean {meant!r}?"
    ]


def test_other_peoples_variables_are_left_alone(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "MONITORING": "x", "HOMEOSTAT_DATA": "/data", "a__b": "c"}

    assert load(tmp_path, environ=environ) == load(tmp_path)


@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ("{value_true_positive: 1, business_metric: 'a:b'}", "give either values of rows or"),
        ("{min_business_value: 1}", "min_business_value: needs values of rows"),
        ("{business_metric: worth}", "'worth' is not module:function"),
    ],
)
def test_settings_of_quality_that_contradict_each_other(
    tmp_path: Path, quality: str, said: str
) -> None:
    [problem] = problems(tmp_path, f"{MINIMAL}quality: {quality}")

    assert said in problem
