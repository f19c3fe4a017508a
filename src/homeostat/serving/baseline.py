"""What is expected of a model's answers, as it comes over the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from homeostat.serving.bulk import refuse_too_many
from homeostat.serving.request import CONFIG, load

__all__ = ["Baseline", "read_baseline"]

Positive = Annotated[float, Field(gt=0, le=1e9)]


class Baseline(BaseModel):
    """Means and standard deviations, as plain numbers."""

    model_config = {**CONFIG, "title": "BaselineRequest"}

    model_name: str
    mean_prediction: Annotated[float, Field(ge=0, le=1)]
    std_prediction: Annotated[float, Field(gt=0, le=1)]
    mean_latency_ms: Positive | None = None
    std_latency_ms: Positive | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Baseline":
        if (self.mean_latency_ms is None) != (self.std_latency_ms is None):
            raise ValueError("mean_latency_ms and std_latency_ms go together")
        return self


def read_baseline(body: bytes, *, now: datetime) -> Baseline:
    """The baseline in `body`.

    Raises
    ------
    UserError
        With everything that is wrong with it.
    """
    refuse_too_many(body, "the baseline", rows=1, keys=len(Baseline.model_fields))
    return load(Baseline, body, "the baseline", known=tuple(Baseline.model_fields), now=now)
