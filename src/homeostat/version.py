"""Version: one trained model, and what it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from homeostat.schema import Schema

__all__ = ["Version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One trained model.  Never changed once registered."""

    model: str
    number: int  #: 1, 2, 3 ... within the model
    created_at: datetime  #: UTC
    algorithm: str  #: name of the trainer
    schema: Schema
    threshold: float  #: probability from which on the prediction is the positive class
    metrics: Mapping[str, float] = field(default_factory=dict)  #: on its validation rows
    manifest: Mapping[str, str]  #: file of the artefact to its sha256, in hex
    digest: str  #: sha256 of the canonical manifest, in hex
    location: str  #: folder of the artefact, relative to the artefact root
    reference_digest: str  #: of the reference with this version's scores
    data_fingerprint: str  #: sha256 of the training rows, in hex
    trained_until: datetime | None = None  #: UTC, newest logged row it learnt from, if any
    origin: str = "manual"  #: "manual", or "loop"
