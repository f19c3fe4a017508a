"""What stands for what: the lines of a churn monitoring file, and our settings.

One row for each; a row without a target says why there is none, for itself and for all that
lies in it.  To take more over, or to call a target something else, change this table only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["RULES", "Rule"]


def _same(value: Any) -> Any:
    return value


def _first(held: Any, _: Any) -> Any:
    return held


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What becomes of a line."""

    told: str  #: what it means here, or why it has no target
    target: tuple[str, ...] | None = None  #: the place of the setting
    turned: Callable[[Any], Any] = _same  #: the value in our unit; raises when it is none
    prefer: Callable[[Any, Any], Any] = _first  #: of two values for one place the one to keep
    option: tuple[str, str] | None = None  #: of a channel under the target: its name, the option
    found_as: str | None = None  #: "data", "target" or "time": what `init` needs to know


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("a boolean is no number")
    return float(value)


def _seconds(minutes: Any) -> float:
    return 60 * _number(minutes)


def _percent(share: Any) -> float:
    return round(100 * _number(share), 9)


def _upper(text: Any) -> str:
    return str(text).upper()


def _texts(given: Any) -> list[str]:
    return [str(one) for one in (given if isinstance(given, list) else [given])]


def _whole(number: Any) -> int:
    return int(_number(number))


def _security(tls: Any) -> str:
    return "starttls" if tls else "none"


def _option(channel: str, name: str, told: str, turned: Callable[[Any], Any] = str) -> Rule:
    return Rule(target=("alerts", "channels"), option=(channel, name), turned=turned, told=told)


def _secret(channel: str, name: str, variable: str) -> Rule:
    told = f"a secret: not taken over; it is read from the environment, as {variable}"
    return _option(channel, name, told, lambda _: {"env": variable})


_SWITCH = "what runs is looked at: start `homeostat monitor run`, or do not"
_SCALE = (
    "another scale: a drift here is an effect that matters and is shown at the false alarms "
    "that drift.false_alarms_per_week allows; drift.warning_threshold is in PSI"
)
_KINDS = "kinds of columns are found in the data and stand under features"
_PATHS = "rows and labels come by POST /predict and POST /labels, not from a file"
_TUNING = "homeostat tunes no hyperparameters"
_PLACES = "where files go is said by monitoring.path and store.url"
_LOGS = "logs are JSON lines on stderr; whoever starts the process keeps them"
_CHANNEL = "what the channel does not know"
_ENABLED = "a channel that is not enabled is left out"
_RATES = "updates are grouped into the alert that is open; nothing is dropped by type"

_EVERY = Rule(
    target=("monitoring", "interval_s"),
    turned=_seconds,
    prefer=min,
    told="minutes became seconds; the shorter of two is kept",
)

RULES: Mapping[str, Rule] = {
    "data_drift_monitoring.enabled": Rule(told=_SWITCH),
    "data_drift_monitoring.check_interval_minutes": _EVERY,
    "data_drift_monitoring.drift_threshold": Rule(told=_SCALE),
    "data_drift_monitoring.significant_drift_threshold": Rule(told=_SCALE),
    "data_drift_monitoring.confidence_level": Rule(told=_SCALE),
    "data_drift_monitoring.column_thresholds": Rule(told=_SCALE),
    "data_drift_monitoring.reference_data_path": Rule(
        told="read as DATA where none is given; the reference is frozen from its newest part",
        found_as="data",
    ),
    "data_drift_monitoring.current_data_path": Rule(told=_PATHS),
    "data_drift_monitoring.evidently.target_column": Rule(
        told="taken as --target where none is given", found_as="target"
    ),
    "data_drift_monitoring.evidently.datetime_column": Rule(
        told="taken as --time where none is given", found_as="time"
    ),
    "data_drift_monitoring.evidently.prediction_column": Rule(
        told="predictions are those that the service gave"
    ),
    "data_drift_monitoring.evidently.numerical_features": Rule(told=_KINDS),
    "data_drift_monitoring.evidently.categorical_features": Rule(told=_KINDS),
    "data_drift_monitoring.evidently.task_type": Rule(told=_KINDS),
    "data_drift_monitoring.evidently": Rule(
        told="one battery of statistics decides; `homeostat compare` exports to Evidently"
    ),
    "data_drift_monitoring.metrics": Rule(
        told="KS, PSI and Wasserstein are always measured; which decide is fixed"
    ),
    "performance_monitoring.enabled": Rule(told=_SWITCH),
    "performance_monitoring.check_interval_minutes": _EVERY,
    **{
        f"performance_monitoring.thresholds.{theirs}": Rule(
            target=("quality", ours), turned=_number, told="tested, with the rows it takes"
        )
        for theirs, ours in {
            "min_accuracy": "min_accuracy",
            "min_precision": "min_precision",
            "min_recall": "min_recall",
            "min_f1": "min_f1",
            "min_f1_score": "min_f1",
            "min_auc": "min_roc_auc",
            "min_roc_auc": "min_roc_auc",
            "degradation_threshold": "degradation_threshold",
        }.items()
    },
    "performance_monitoring.comparison_window": Rule(
        told="quality is compared with the version's frozen figures: a mean of the last runs "
        "follows a slow decay and never sees it"
    ),
    "performance_monitoring.evaluation_data_path": Rule(told=_PATHS),
    "alerts.enabled": Rule(told="alerts are always kept; without a channel nothing is sent"),
    "alerts.email.enabled": Rule(told=_ENABLED),
    "alerts.email.smtp_server": _option("email", "host", "the mail server"),
    "alerts.email.smtp_port": _option("email", "port", "its port", _whole),
    "alerts.email.from_email": _option("email", "sender", "where mails come from"),
    "alerts.email.recipients": _option("email", "recipients", "where they go", _texts),
    "alerts.email.use_tls": _option("email", "security", "STARTTLS, or none", _security),
    "alerts.email.username": Rule(told="not taken over; give it as options.user of the channel"),
    "alerts.email.password": _secret("email", "password", "SMTP_PASSWORD"),
    "alerts.email": Rule(told=_CHANNEL),
    "alerts.slack.enabled": Rule(told=_ENABLED),
    "alerts.slack.webhook_url": _secret("slack", "webhook_url", "SLACK_WEBHOOK_URL"),
    "alerts.slack": Rule(told="a webhook of Slack posts to its own channel, under its own name"),
    "alerts.rules": Rule(told="say it in a rule under alerts"),
    "alerts.rate_limits": Rule(told=_RATES),
    "mlflow.tracking_uri": Rule(target=("mlflow", "tracking_uri"), told="the mirror in MLflow"),
    "mlflow.experiment_name": Rule(target=("mlflow", "experiment"), told="its experiment"),
    "mlflow.artifact_location": Rule(told="models lie in artifacts.path, by their sha256"),
    "optuna": Rule(told=_TUNING),
    "storage.retention_days": Rule(
        target=("retention", "reports_days"), turned=_number, told="for reports"
    ),
    "storage": Rule(told=_PLACES),
    "feature_importance": Rule(told="each alert names the features that changed the most"),
    "model_registry.promotion_threshold": Rule(
        target=("gates", "min_f1_improvement_pct"),
        turned=_percent,
        told="a share became per cent, of the F1 of the champion",
    ),
    "model_registry.auto_promote": Rule(
        told="the loop promotes what passes all gates; `homeostat loop pause` ends that"
    ),
    "model_registry": Rule(told="one champion in the store; stages are those of MLflow's mirror"),
    "logging.level": Rule(target=("log_level",), turned=_upper, told="the least severe line"),
    "logging": Rule(told=_LOGS),
    "health_checks": Rule(
        told="the service and the monitor watch each other; see watch.heartbeat_url and /health"
    ),
}
