"""The settings of one model: homeostat.yaml, overridden by the environment."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    model_validator,
)

from homeostat.cli.settings_alerts import AlertSettings, in_alerts
from homeostat.cli.settings_errors import problems_of
from homeostat.cli.settings_quality import QualitySettings, quality_contradictions
from homeostat.cli.settings_reports import ReportSettings, RetentionSettings
from homeostat.cli.settings_serving import ServingSettings
from homeostat.cli.settings_source import overridden, read_yaml, sqlite_within
from homeostat.cli.settings_types import (
    CONFIG,
    Count,
    DatabaseUrl,
    Percent,
    Positive,
    Real,
    Share,
    Text,
    Whole,
)
from homeostat.cli.settings_watch import WatchSettings
from homeostat.errors import UserError
from homeostat.extension import did_you_mean
from homeostat.schema import Feature, Kind, Schema, Segment, Target, Task

__all__ = [
    "DataSettings",
    "DriftSettings",
    "FeatureSettings",
    "GateSettings",
    "MlflowSettings",
    "MonitoringSettings",
    "PathSettings",
    "ReferenceSettings",
    "SegmentSettings",
    "Settings",
    "StoreSettings",
    "TargetSettings",
    "TrainingSettings",
    "VerificationSettings",
    "load_settings",
]


class TargetSettings(BaseModel):
    """The column that is predicted."""

    model_config = CONFIG

    column: str
    positive: Text = Field(default="1", description="the class whose probability is predicted")
    classes: tuple[Text, Text] = Field(default=("0", "1"), description="both classes")


class FeatureSettings(BaseModel):
    """One column that the model reads."""

    model_config = CONFIG

    kind: Kind
    minimum: Real | None = None
    maximum: Real | None = None
    categories: tuple[Text, ...] = ()
    nullable: bool = False


class SegmentSettings(BaseModel):
    """A division of the rows in whose parts quality is asked too."""

    model_config = CONFIG

    column: str
    edges: tuple[Real, ...] = ()


class DataSettings(BaseModel):
    """Where the first rows are."""

    model_config = CONFIG

    path: Path = Field(description="rows to learn from at first; .csv or .parquet")


class StoreSettings(BaseModel):
    """The database."""

    model_config = CONFIG

    url: DatabaseUrl = Field(
        default="sqlite:///homeostat.db",
        repr=False,
        description="predictions, labels, verdicts, decisions: sqlite:/// or postgresql://",
    )
    durability: Literal["acknowledged", "relaxed"] = Field(
        default="acknowledged",
        description="relaxed: a loss of power may take back the answers of the last second, at "
        'most 1,000, which say "durable": false',
    )


class PathSettings(BaseModel):
    """Where trained models are kept."""

    model_config = CONFIG

    path: Path = Field(default=Path("models"), description="folder of the trained models")


class MlflowSettings(BaseModel):
    """The mirror in MLflow."""

    model_config = CONFIG

    tracking_uri: str = Field(
        default="sqlite:///mlflow.db",
        repr=False,
        description='mirrors runs and the champion; "" is off',
    )
    experiment: str = Field(default="", description="name in MLflow; the model's by default")


class ReferenceSettings(BaseModel):
    """The rows that later ones are compared with."""

    model_config = CONFIG

    share: Real = Field(default=0.2, gt=0, lt=1, description="of the rows, the newest, kept out")
    path: Path = Field(default=Path("monitoring/reference"), description="folder of its files")


class TrainingSettings(BaseModel):
    """How candidates are trained."""

    model_config = CONFIG

    algorithm: str = Field(default="hist_gradient_boosting", description="name of the trainer")
    seed: Whole = Field(default=0, ge=0, description="the same seed and rows give the same model")
    lookback_days: Positive = Field(
        default=90.0, description="how far back labelled rows are taken"
    )
    original_share: Share = Field(default=0.2, description="of the rows, taken from the first file")
    min_rows: Count = Field(default=1000, description="labelled rows asked before a retraining")
    min_positives: Count = Field(default=50, description="positive rows asked before a retraining")
    rest_h: Real = Field(default=6.0, ge=0, description="hours between two retrainings")


class MonitoringSettings(BaseModel):
    """How often and how far back the model is looked at."""

    model_config = CONFIG

    interval_s: Positive = Field(default=300.0, description="seconds between two looks")
    lookback_h: Positive = Field(default=24.0, description="hours of predictions in one look")
    min_rows: Count = Field(default=200, description="rows asked before anything is judged")
    path: Path = Field(default=Path("monitoring"), description="folder of the exported files")


class DriftSettings(BaseModel):
    """When a change counts as drift."""

    model_config = CONFIG

    false_alarms_per_week: Positive = Field(
        default=1.0, description="that may happen with no change"
    )
    patience: Count = Field(default=3, description="bad looks in a row before a retraining")
    seasonal_weeks: int = Field(
        default=0, ge=0, le=52, description="compare with the same hours of so many weeks before"
    )
    warning_threshold: Positive = Field(default=0.2, description="PSI of a warning")
    critical_threshold: Positive = Field(default=0.5, description="PSI of a critical change")


class GateSettings(BaseModel):
    """What a candidate must show before it replaces the champion."""

    model_config = CONFIG

    min_f1_improvement_pct: Real = Field(
        default=2.0, description="better F1 than the champion, in %"
    )
    max_brier_degradation: Real = Field(default=0.01, ge=0, description="worse Brier score allowed")
    min_rows: Count = Field(default=200, description="labelled rows asked for the comparison")
    min_coverage: Share = Field(default=0.3, description="of the rows, labelled")
    cooldown_days: Real = Field(default=7.0, ge=0, description="days between two promotions")
    max_segment_f1_drop_pct: Percent = Field(default=5.0, description="worse F1 in a segment, in %")
    candidate_days: Positive = Field(
        default=30.0, description="days until a candidate is discarded"
    )


class VerificationSettings(BaseModel):
    """How long a new champion is watched before it stays."""

    model_config = CONFIG

    days: Positive = Field(default=14.0, description="days that it is watched")
    min_rows: Count = Field(default=200, description="labelled rows asked to let it stay")


class Settings(BaseModel):
    """All settings of one model.  Paths are absolute once loaded."""

    model_config = CONFIG

    model: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="name of the model"
    )
    task: Task = Field(default=Task.BINARY, description="binary; nothing else is supported so far")
    target: TargetSettings
    id: str | None = Field(default=None, description="column that names a row")
    time: str | None = Field(
        default=None, description="column of the time; null: rows stand in time order"
    )
    features: dict[Text, FeatureSettings]
    segments: tuple[SegmentSettings, ...] = ()
    data: DataSettings
    store: StoreSettings = StoreSettings()
    artifacts: PathSettings = PathSettings()
    mlflow: MlflowSettings = MlflowSettings()
    reference: ReferenceSettings = ReferenceSettings()
    training: TrainingSettings = TrainingSettings()
    serving: ServingSettings = ServingSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    drift: DriftSettings = DriftSettings()
    quality: QualitySettings = QualitySettings()
    gates: GateSettings = GateSettings()
    verification: VerificationSettings = VerificationSettings()
    reports: ReportSettings = ReportSettings()
    retention: RetentionSettings = RetentionSettings()
    watch: WatchSettings = WatchSettings()
    alerts: AlertSettings = AlertSettings()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        default="INFO", description="least severe line that is logged"
    )

    @model_validator(mode="before")
    @classmethod
    def _named_after_the_model(cls, given: Any) -> Any:
        # The experiment is called after the model, and a section without a line is empty.
        if not isinstance(given, dict):
            return given
        sections = {name for name, field in cls.model_fields.items() if _is_section(field)}
        full = {k: {} if v is None and k in sections else v for k, v in given.items()}
        mlflow = full.get("mlflow", {})
        if isinstance(full.get("model"), str) and isinstance(mlflow, dict):
            full["mlflow"] = {"experiment": full["model"], **mlflow}
        return full

    def schema(self) -> Schema:  # type: ignore[override]  # pydantic's own is deprecated
        """What a row of the model is.

        Raises
        ------
        UserError
            When features and target contradict each other; `load_settings` asks beforehand.
        """
        return Schema(
            task=self.task,
            target=Target(**self.target.model_dump()),
            features=tuple(
                Feature(name=name, **one.model_dump()) for name, one in self.features.items()
            ),
        )

    def divisions(self) -> tuple[Segment, ...]:
        """The segments in whose parts quality is asked."""
        return tuple(Segment(column=one.column, edges=one.edges) for one in self.segments)


def _is_section(field: Any) -> bool:
    kind = field.annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """The settings in `path`, overridden by `environ`, relative paths taken from its folder.

    Raises
    ------
    NotFound
        When there is no such file.
    UserError
        When it is no YAML, or with all that is wrong in it and in `environ`.
    """
    plain, problems, sources = overridden(read_yaml(path), environ, Settings)
    try:
        settings = Settings.model_validate(plain)
    except ValidationError as error:
        problems += problems_of(error, Settings, sources)
    else:
        problems += _contradictions(settings)
        if not problems:
            return _rooted(settings, path.parent.absolute())
    raise UserError(f"the settings in {path} cannot be used", problems)


def _rooted(settings: Settings, folder: Path) -> Settings:
    update: dict[str, BaseModel] = {}
    for section in ("data", "artifacts", "reference", "monitoring", "reports", "retention"):
        part = getattr(settings, section)
        update[section] = part.model_copy(
            update={"path": Path(os.path.normpath(folder / part.path))}
        )
    store, mlflow, serving = settings.store, settings.mlflow, settings.serving
    update["store"] = store.model_copy(update={"url": sqlite_within(folder, store.url)})
    uri = sqlite_within(folder, mlflow.tracking_uri)
    update["mlflow"] = mlflow.model_copy(update={"tracking_uri": uri})
    files = {"tls_certificate": serving.tls_certificate, "tls_key": serving.tls_key}
    given = {name: Path(os.path.normpath(folder / one)) for name, one in files.items() if one}
    update["serving"] = serving.model_copy(update=given)
    place, _, function = (settings.quality.business_metric or "").rpartition(":")
    if place.endswith(".py"):
        own = f"{os.path.normpath(folder / place)}:{function}"
        update["quality"] = settings.quality.model_copy(update={"business_metric": own})
    return settings.model_copy(update=update)


def _contradictions(settings: Settings) -> list[str]:
    """What is wrong between settings that are right one by one."""
    try:
        settings.schema()
        problems = []
    except UserError as error:
        problems = [f"features: {one}" for one in error.problems]
    target = settings.target
    if target.positive not in target.classes:
        known = ", ".join(target.classes)
        problems.append(f"target.positive: {target.positive!r} is not among the classes {known}")
    if len(set(target.classes)) < len(target.classes):
        problems.append(f"target.classes: {target.classes[0]!r} comes twice")
    if settings.task.value != "binary":
        problems.append(f"task: {settings.task.value}: only binary is supported so far")
    serving = settings.serving
    if (serving.tls_certificate is None) != (serving.tls_key is None):
        problems.append("serving: tls_certificate and tls_key go together; give both or none")
    problems += quality_contradictions(settings.quality)
    problems += in_alerts(settings.alerts)
    problems += _in_reports(settings)
    return [*problems, *_in_features(settings), *_in_segments(settings)]


def _in_reports(settings: Settings) -> Iterator[str]:
    known = list(settings.alerts.channels)
    for name in settings.reports.send_to:
        if name not in known:
            near = did_you_mean(name, known) if known else "there is none"
            yield f"reports.send_to: no channel {name!r} in alerts.channels; {near}"


def _in_features(settings: Settings) -> Iterator[str]:
    for name, one in settings.features.items():
        ranged = one.minimum is not None or one.maximum is not None
        if one.kind.value == "category" and not one.categories:
            yield f"features.{name}.categories: missing; name those that are known"
        if one.kind.value != "category" and one.categories:
            yield f"features.{name}.categories: only for kind category, not {one.kind.value}"
        if not one.kind.is_numeric and ranged:
            yield f"features.{name}: a range is only for numbers, not for {one.kind.value}"
        if len(set(one.categories)) < len(one.categories):
            yield f"features.{name}.categories: one comes twice"
    for role in ("id", "time"):
        column = getattr(settings, role)
        if column in {*settings.features, settings.target.column}:
            yield f"{role}: {column!r} is a feature or the target already"


def _in_segments(settings: Settings) -> Iterator[str]:
    for i, one in enumerate(settings.segments):
        feature = settings.features.get(one.column)
        if feature is None:
            near = did_you_mean(one.column, list(settings.features))
            yield f"segments.{i}.column: no feature {one.column!r}; {near}"
        elif feature.kind.is_numeric != bool(one.edges):
            which = "needs edges" if feature.kind.is_numeric else "takes no edges"
            yield f"segments.{i}.edges: {one.column!r} is {feature.kind.value}, which {which}"
        if list(one.edges) != sorted(set(one.edges)):
            yield f"segments.{i}.edges: must rise: {', '.join(f'{e:g}' for e in one.edges)}"
