"""The two records of the log: Prediction and Label."""

from dataclasses import dataclass, field
from datetime import datetime

from homeostat.schema import Row

__all__ = ["Label", "LabelledPrediction", "Prediction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One row with its answer, as it stands in the log.  Never changed once written."""

    id: str  #: given by the caller, or a UUIDv7
    model: str
    version: int
    received_at: datetime  #: UTC, by the server's clock; windows go by it
    event_time: datetime | None = None  #: UTC, when it happened, if the caller knows
    features: Row
    prediction: int  #: 1 is the positive class
    probability: float  #: of the positive class, in [0, 1]
    body_digest: str  #: sha256 of the canonical request, to tell a repeat from a clash
    encoded: bytes | None = field(default=None, repr=False, compare=False)  #: features as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What turned out to be true for one prediction.  A correction is a further record."""

    prediction_id: str
    value: int  #: 1 is the positive class
    received_at: datetime  #: UTC, by the server's clock
    labelled_at: datetime | None = None  #: UTC, when the truth was known, if the caller says
    source: str = "manual"


@dataclass(frozen=True, slots=True)
class LabelledPrediction:
    """A prediction with its newest label."""

    prediction: Prediction
    label: Label
