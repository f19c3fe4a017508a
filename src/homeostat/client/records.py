"""What the service answers, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from homeostat.errors import StateError

__all__ = ["Answer", "BatchDrift", "Drift", "Health", "LabelsStored", "read_record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One prediction, as it stands in the store of the service."""

    prediction: int  #: 1 is the positive class
    probability: float  #: of the positive class
    model_version: str
    prediction_id: str
    timestamp: datetime  #: UTC, when the row was received


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What the rows of one version so far look like beside the baseline."""

    drift_detected: bool | None  #: None when it cannot be told (yet), which is not False
    drift_score: float | None  #: the largest PSI of a feature
    severity: str  #: none, warning or critical
    feature_scores: Mapping[str, float | None]  #: PSI
    timestamp: datetime  #: UTC, when the rows were looked at
    outcome: str  #: PASS, FAIL, INCONCLUSIVE or ERROR
    reason: str
    n: int | None  #: rows looked at
    model_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDrift:
    """What became of rows that were logged together."""

    stored: int
    unchanged: int  #: were there already, under the same ids
    versions: Mapping[str, Drift]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsStored:
    """What became of a label."""

    stored: int
    unchanged: int
    corrected: int
    parked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the service can answer."""

    status: str  #: healthy, degraded or unhealthy
    message: str
    model_loaded: bool
    model_version: str | None


Record = TypeVar("Record", Answer, BatchDrift, Drift, Health, LabelsStored)


def read_record(kind: type[Record], plain: Any) -> Record:
    """What the service said, without keys that are not known here.

    Raises
    ------
    StateError
        When it is something else.

    Examples
    --------
    >>> read_record(LabelsStored, {"stored": 1, "unchanged": 0, "corrected": 0, "parked": 0})
    LabelsStored(stored=1, unchanged=0, corrected=0, parked=0)
    """
    names = [one.name for one in fields(kind)]
    if not isinstance(plain, dict) or not set(names) <= set(plain):
        message = f"the service answered something else than a {kind.__name__}: {plain!r:.200}"
        raise StateError(f"{message}; is it a homeostat, and as new as this client?")
    held = {name: plain[name] for name in names}
    if "timestamp" in held:
        held["timestamp"] = datetime.fromisoformat(held["timestamp"])
    if "versions" in held:
        told = held["versions"]
        held["versions"] = {name: read_record(Drift, one) for name, one in told.items()}
    return kind(**held)
