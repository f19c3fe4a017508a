"""How a row of a model served elsewhere must look on the wire."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, create_model

from homeostat.errors import UserError
from homeostat.schema import RESERVED, Row, Schema
from homeostat.serving.bulk import refuse_too_many
from homeostat.serving.request import (
    CONFIG,
    PredictionId,
    Requests,
    load,
    no_later,
)

__all__ = ["Report", "ReportRequest", "ReportRequests", "ReportsRequest"]

CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

KNOWN = ("features", "model_version", "timestamp", "prediction_id", "probability", "rows")


class ReportRequest(BaseModel):
    """One row that somebody else's model was asked about."""

    model_config = CONFIG

    features: Any = Field(description="an object with one key for each feature of the baseline")
    model_version: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,128}$")] = Field(
        description="as you call it"
    )
    timestamp: Annotated[AwareDatetime, AfterValidator(no_later)] | None = Field(
        default=None, description="when it happened; kept, while windows go by the arrival"
    )
    prediction_id: PredictionId | None = Field(
        default=None, description="makes it safe to send the row again; made if not given"
    )
    probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="what the model said; kept, and not judged"
    )


class ReportsRequest(BaseModel):
    """Rows that are stored together, or not at all."""

    model_config = CONFIG

    rows: Annotated[list[ReportRequest], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One row as it was reported."""

    features: Row
    version: str
    event_time: datetime | None
    prediction_id: str | None
    probability: float | None

    @property
    def digest(self) -> str:
        """sha256 of what was reported, in hex: equal for two bodies that say the same."""
        said = {
            "features": self.features,
            "model_version": self.version,
            "timestamp": self.event_time and self.event_time.isoformat(),
            "probability": self.probability,
        }
        return hashlib.sha256(CANONICAL.encode(said).encode()).hexdigest()


class ReportRequests:
    """Reads reported rows whose features are those of a schema.

    Parameters
    ----------
    schema
        Of the reference that they are compared with.

    Examples
    --------
    >>> from homeostat.schema import Feature, Kind, Target, Task
    >>> age = Feature(name="age", kind=Kind.INTEGER)
    >>> schema = Schema(task=Task.BINARY, target=Target(column="y"), features=(age,))
    >>> body = b'{"features": {"age": 35}, "model_version": "v1"}'
    >>> ReportRequests(schema).one(body, now=datetime(2026, 1, 1)).features
    {'age': 35}
    """

    def __init__(self, schema: Schema) -> None:
        self._requests = Requests(schema)
        self._known = (*schema.names, *KNOWN)
        features: Any = Annotated[self._requests.row, AfterValidator(_features_only)]
        self._one: type[BaseModel] = create_model(
            "Report", __base__=ReportRequest, features=(features, ...)
        )
        rows: Any = Annotated[list[self._one], Field(min_length=1)]  # type: ignore[name-defined]
        self._many: type[BaseModel] = create_model("Reports", __config__=CONFIG, rows=(rows, ...))

    def one(self, body: bytes, *, now: datetime) -> Report:
        """The row in `body`.

        Raises
        ------
        UserError
            With everything that is wrong with it.
        """
        refuse_too_many(body, "the row", rows=2, keys=len(self._known))
        return self._plain(load(self._one, body, "the row", known=self._known, now=now))

    def many(self, body: bytes, *, now: datetime, at_most: int) -> list[Report]:
        """The rows in `body`, `{"rows": [...]}`; places of errors are counted from 0.

        Raises
        ------
        UserError
            With everything that is wrong with any of them, or when there are too many.
        """
        # An object within an object for each row.
        refuse_too_many(body, "the batch", rows=2 * at_most, keys=len(self._known))
        batch = load(self._many, body, "the batch", known=self._known, now=now)
        rows: Sequence[BaseModel] = batch.__dict__["rows"]
        if len(rows) > at_most:
            message = f"{len(rows):,} rows; at most {at_most:,} are taken: send them in parts"
            raise UserError(message)
        return [self._plain(row) for row in rows]

    def _plain(self, read: BaseModel) -> Report:
        held = read.__dict__
        return Report(
            features=self._requests.plain(held["features"]).features,
            version=held["model_version"],
            event_time=held["timestamp"],
            prediction_id=held["prediction_id"],
            probability=held["probability"],
        )


def _features_only(row: BaseModel) -> BaseModel:
    """The row, when it holds nothing that belongs beside the features."""
    given = [name for name in sorted(RESERVED) if row.__dict__.get(name) is not None]
    if given:
        raise ValueError(f"{', '.join(given)} belongs beside the features, not among them")
    return row
