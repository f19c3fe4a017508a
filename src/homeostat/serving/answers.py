"""What the service says, field by field."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import fmean, pstdev

from pydantic import BaseModel, Field
from pydantic_core import to_json

from homeostat.prediction import Prediction
from homeostat.schema import Feature
from homeostat.traffic import Traffic

__all__ = [
    "Answer",
    "Answers",
    "Coverage",
    "Failure",
    "FeatureInfo",
    "Health",
    "LabelsStored",
    "ModelInfo",
    "ModelTraffic",
    "Recent",
    "Root",
    "Served",
    "ServedModel",
    "Stats",
]


class Failure(BaseModel):
    """Any error: the same three keys on every route."""

    error: str = Field(description="name of the class of errors")
    message: str = Field(description="everything that is wrong, and what to do")
    status: int = Field(description="the HTTP status again")


class Answer(BaseModel):
    """One prediction, as it stands in the store."""

    prediction: int = Field(description="1 is the positive class")
    probability: float = Field(description="of the positive class")
    model_version: str
    prediction_id: str
    durable: bool = Field(description="false when a loss of power may take the answer back")
    timestamp: datetime = Field(description="UTC, when the row was received")

    @classmethod
    def of(cls, one: Prediction, *, durable: bool = True) -> "Answer":
        """How a prediction is told to the caller; unchecked, for it is ours."""
        return cls.model_construct(
            prediction=one.prediction,
            probability=one.probability,
            model_version=str(one.version),
            prediction_id=one.id,
            durable=durable,
            timestamp=one.received_at,
        )

    @staticmethod
    def encoded(one: Prediction, *, durable: bool = True) -> bytes:
        """What `of` gives as JSON, for a tenth of the time."""
        return to_json(
            {
                "prediction": one.prediction,
                "probability": one.probability,
                "model_version": str(one.version),
                "prediction_id": one.id,
                "durable": durable,
                "timestamp": one.received_at,
            }
        )


class Answers(BaseModel):
    """One prediction for each row, in the order of the rows."""

    predictions: list[Answer]


class LabelsStored(BaseModel):
    """What became of the labels."""

    stored: int = Field(description="first labels of their predictions")
    unchanged: int = Field(description="said what was stored already")
    corrected: int = Field(description="differ from what was stored, which is kept as history")
    parked: int = Field(description="kept until their predictions arrive")


class Root(BaseModel):
    """Who answers here."""

    service: str
    version: str = Field(description="of homeostat")
    model: str
    status: str
    model_version: str | None


class Health(BaseModel):
    """Whether rows can be answered."""

    status: str = Field(description="healthy, degraded or unhealthy")
    model_loaded: bool
    model_version: str | None
    model_stage: str
    predictions_logged: int | None = Field(description="null when the store does not answer")
    message: str


class FeatureInfo(BaseModel):
    """What is asked for under one name."""

    name: str
    kind: str
    minimum: float | None
    maximum: float | None
    categories: list[str] = Field(description="known; another one is scored as unknown")
    nullable: bool

    @classmethod
    def of(cls, feature: Feature) -> "FeatureInfo":
        """How a feature is told to the caller."""
        return cls(
            name=feature.name,
            kind=feature.kind.value,
            minimum=feature.minimum,
            maximum=feature.maximum,
            categories=list(feature.categories),
            nullable=feature.nullable,
        )


class ServedModel(BaseModel):
    """One model that answers here."""

    name: str
    model_version: str | None = Field(description="in service; null when none is")
    message: str = Field(description="ready, or what stands in the way")
    default: bool = Field(description="whether the short paths mean it")


class Served(BaseModel):
    """The models that answer here."""

    models: list[ServedModel]


class ModelInfo(BaseModel):
    """The version in service."""

    model_name: str
    model_version: str
    model_stage: str
    model_uri: str
    run_id: str | None
    creation_timestamp: datetime
    last_updated_timestamp: datetime = Field(description="when it was put into service")
    algorithm: str
    threshold: float
    digest: str = Field(description="sha256 of the manifest of its files")
    reference_digest: str
    metrics: Mapping[str, float | None]
    features: list[FeatureInfo]


class Coverage(BaseModel):
    """How many predictions have a label."""

    total_predictions: int
    labeled_predictions: int
    coverage_rate: float = Field(description="from 0 to 1")
    unlabeled_predictions: int


class Recent(BaseModel):
    """How the newest predictions look; null where there is none."""

    count: int
    positive_rate: float | None
    probability_mean: float | None
    probability_std: float | None

    @classmethod
    def of(cls, predictions: Sequence[Prediction]) -> "Recent":
        """The statistics of these predictions."""
        scores = [one.probability for one in predictions]
        return cls(
            count=len(scores),
            positive_rate=fmean(one.prediction for one in predictions) if scores else None,
            probability_mean=fmean(scores) if scores else None,
            probability_std=pstdev(scores) if scores else None,
        )


class ModelTraffic(BaseModel):
    """What became of requests; latencies are of the answered ones, null where there is none."""

    total_requests: int
    successful_requests: int
    error_count: int = Field(description="got no answer, for a reason that is not their own")
    refused_requests: int = Field(description="were wrong themselves: 4xx")
    rows: int = Field(description="of the successful requests")
    error_rate: float | None = Field(description="from 0 to 1, of those that were not refused")
    avg_latency_ms: float | None
    p50_latency_ms: float | None = Field(description="quantiles are right to 2.2 %")
    p95_latency_ms: float | None
    p99_latency_ms: float | None
    min_latency_ms: float | None
    max_latency_ms: float | None

    @classmethod
    def of(cls, one: Traffic) -> "ModelTraffic":
        """How sums are told."""
        return cls.model_validate(one.summary())


class Stats(BaseModel):
    """How much was answered, and what."""

    total_predictions: int
    recent_100: Recent
    note: str
    model_name: str
    last_updated: datetime | None = Field(description="UTC, when the newest row was received")
    requests_per_minute: float = Field(description="over the last five minutes")
    requests: ModelTraffic = Field(description="of all workers, since the store was made")
    by_version: Mapping[str, ModelTraffic] = Field(
        description="0 stands for requests that no version was found for"
    )
