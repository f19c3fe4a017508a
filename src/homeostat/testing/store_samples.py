"""Records to store: small, whole, and equal wherever they are made; and what is refused."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from homeostat.alert import Alert, AlertSeverity, AlertType, Finding
from homeostat.bins import Bins, fit_numeric
from homeostat.decision import Action, Decision
from homeostat.engines.rows import RowCounter
from homeostat.errors import HomeostatError
from homeostat.prediction import Label, Prediction
from homeostat.schema import Feature, Kind, Schema, Target, Task
from homeostat.store import MinuteProfile
from homeostat.verdict import Measurement, Outcome, Verdict
from homeostat.version import Version

__all__ = [
    "BINS",
    "DAY",
    "MINUTE",
    "START",
    "count_minutes",
    "refuses",
    "sample_alert",
    "sample_decision",
    "sample_label",
    "sample_prediction",
    "sample_version",
]

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
BINS = Bins((fit_numeric("income", np.arange(10.0)),))  #: of the sample predictions


def sample_prediction(key: str, *, minutes: float = 0.0, model: str = "m") -> Prediction:
    """The prediction `key`, received so many minutes after START."""
    return Prediction(
        id=key,
        model=model,
        version=1,
        received_at=START + minutes * MINUTE,
        features={"income": 3.5, "children": 2, "member": True, "region": "ä", "debt": None},
        prediction=1,
        probability=0.75,
        body_digest=f"body of {key}",
    )


def sample_label(key: str, value: int = 1, *, minutes: float = 60.0) -> Label:
    """A label of the prediction `key`, received so many minutes after START."""
    return Label(prediction_id=key, value=value, received_at=START + minutes * MINUTE)


def sample_version(number: int, *, model: str = "m") -> Version:
    """A registered version without an artefact."""
    schema = Schema(
        task=Task.BINARY,
        target=Target(column="bad"),
        features=(Feature(name="income", kind=Kind.NUMBER, minimum=0, nullable=True),),
    )
    return Version(
        model=model,
        number=number,
        created_at=START,
        algorithm="logistic_regression",
        schema=schema,
        threshold=0.1 + 0.2,
        metrics={"f1": 2 / 3},
        manifest={"model.skops": "ab" * 32},
        digest="cd" * 32,
        location=f"{model}/{number}",
        reference_digest="ef" * 32,
        data_fingerprint="01" * 32,
    )


def sample_decision(key: str, *, minutes: float = 0.0, model: str = "m") -> Decision:
    """A decision with a verdict and a measurement behind it."""
    seen = Measurement(
        subject="income", statistic="psi", value=0.1, p_value=1e-9, n_reference=10, n_current=20
    )
    verdict = Verdict(
        question="drift",
        outcome=Outcome.FAIL,
        reason="0.3 seen, 0.1 asked",
        measurements=(seen,),
        details={"features": ["income"], "share": 1 / 3},
        window=(START - DAY, START),
    )
    return Decision(
        id=key,
        model=model,
        action=Action.PROMOTE,
        outcome=Outcome.PASS,
        decided_at=START + minutes * MINUTE,
        decided_by="loop",
        reasons=("better",),
        verdicts=(verdict,),
        version_before=1,
        version_after=2,
    )


def sample_alert(name: str, *, minutes: float = 0.0, key: str = "drift") -> Alert:
    """An alert that opened so many minutes after START."""
    finding = Finding(
        key=key,
        kind=AlertType.DATA_DRIFT,
        severity=AlertSeverity.HIGH,
        title="Drift in income",
        reason="0.3 seen, 0.1 asked",
        facts=("income: psi 0.3 seen, 0.1 asked over 20 rows",),
        features=("income",),
        rows=20,
        window=(START - DAY, START),
    )
    at = START + minutes * MINUTE
    return Alert(
        id=name,
        model="m",
        finding=finding,
        severity=finding.severity,
        opened_at=at,
        updated_at=at,
    )


def count_minutes(predictions: Sequence[Prediction]) -> list[MinuteProfile]:
    """The profiles of their minutes in BINS, by model and version."""
    counters: dict[tuple[str, int, datetime], RowCounter] = {}
    for one in predictions:
        minute = one.received_at.replace(second=0, microsecond=0)
        key = (one.model, one.version, minute)
        counters.setdefault(key, RowCounter(BINS)).add(one.features)
    return [MinuteProfile(*key, one.profile.sparse()) for key, one in counters.items()]


def refuses(kind: type[HomeostatError], call: Callable[[], object]) -> str:
    """What the error says that `call` ends with; it must be of this kind."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__} was raised")
