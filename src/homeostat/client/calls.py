"""Client: the service from Python."""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any, Self, TypeVar

import httpx
import uuid_utils

from homeostat.client.buffer import Buffer
from homeostat.client.records import (
    Answer,
    BatchDrift,
    Drift,
    Health,
    LabelsStored,
    read_record,
)
from homeostat.client.refusals import error_of, retry_after_s
from homeostat.client.watching import Extract, Watched
from homeostat.errors import HomeostatError, StateError, Unavailable, UserError

__all__ = ["Client"]

FIRST_WAIT_S = 0.1  #: before the second try; doubled each time
LONGEST_WAIT_S = 10.0  #: a service that asks for more is not waited for

Function = TypeVar("Function", bound=Callable[..., Any])


def _new_id() -> str:
    return str(uuid_utils.uuid7())


@dataclass
class Client:
    """Asks a service; may be used by many threads.

    What is asked again bears the same id, so that it is stored once: after an answer of 503
    with `Retry-After`, and where no answer came.  Nothing else is asked again.

    Every method raises UserError when the service refuses what was sent (NotFound, Conflict,
    `NotAllowed` and `TooLarge` are kinds of it), Unavailable when it does not answer, and
    StateError when it fails or answers something else.

    Examples
    --------
    >>> def service(request: httpx.Request) -> httpx.Response:
    ...     return httpx.Response(404, json={"error": "NotFound", "message": "no", "status": 404})
    >>> client = Client("http://127.0.0.1:8000", transport=httpx.MockTransport(service))
    >>> client.predict({"age": 35})
    Traceback (most recent call last):
    homeostat.errors.NotFound: no
    """

    url: str  #: such as http://127.0.0.1:8000
    _: KW_ONLY
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 10.0  #: of each try
    retries: int = 3
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    new_id: Callable[[], str] = field(default=_new_id, repr=False)

    def __post_init__(self) -> None:
        headers = {"X-API-Key": self.api_key} if self.api_key else {}
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={**headers, "Content-Type": "application/json"},
                timeout=self.timeout_s,
                transport=self.transport,
            )
        except httpx.InvalidURL as error:
            raise UserError(f"{self.url!r} is no URL: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Send what was logged, as `Buffer.close`, and close the connections."""
        if "buffer" in self.__dict__:
            self.buffer.close()
        self._http.close()

    def once(self) -> "Client":
        """The same with connections of its own, which asks nothing again."""
        return replace(self, retries=0)

    def predict(
        self,
        features: Mapping[str, Any],
        *,
        prediction_id: str | None = None,
        event_time: datetime | None = None,
        model_version: int | None = None,
    ) -> Answer:
        """The answer to one row, which is stored by then.

        Parameters
        ----------
        prediction_id
            Made when not given.
        model_version
            One by its number; else the one in service.
        """
        row = self._row(features, prediction_id, event_time)
        path = _versioned("/predict", model_version)
        return read_record(Answer, self._ask("POST", path, row))

    def predict_batch(
        self, rows: Sequence[Mapping[str, Any]], *, model_version: int | None = None
    ) -> list[Answer]:
        """The answers to many rows, in their order; all are stored, or none.

        A row may hold its `prediction_id` and `event_time`.
        """
        body = {"rows": [self._row(row, None, None) for row in rows]}
        told = self._ask("POST", _versioned("/predict/batch", model_version), body)
        answers = told.get("predictions") if isinstance(told, dict) else None
        if not isinstance(answers, list) or len(answers) != len(rows):
            raise StateError(f"the service did not answer {len(rows)} rows: {told!r:.200}")
        return [read_record(Answer, one) for one in answers]

    def label(
        self,
        prediction_id: str,
        label: float | str,
        *,
        source: str = "manual",
        labelled_at: datetime | None = None,
    ) -> LabelsStored:
        """Say what turned out to be true for a prediction; to say it again changes nothing."""
        body = {
            "prediction_id": prediction_id,
            "label": label,
            "label_source": source,
            "label_timestamp": labelled_at,
        }
        return read_record(LabelsStored, self._ask("POST", "/labels", body))

    def log(
        self,
        features: Mapping[str, Any],
        *,
        model_version: str,
        timestamp: datetime | None = None,
        prediction_id: str | None = None,
        probability: float | None = None,
    ) -> Drift:
        """Report one row of a model that is served elsewhere; what its rows so far look like."""
        row = {
            "features": _plain_row(features),
            "model_version": model_version,
            "timestamp": timestamp,
            "prediction_id": prediction_id or self.new_id(),
            "probability": probability,
        }
        return read_record(Drift, self._ask("POST", "/monitor/predict", row))

    def log_batch(self, rows: Sequence[Mapping[str, Any]]) -> BatchDrift:
        """Report many such rows, all or none.

        Parameters
        ----------
        rows
            Each with `features` and `model_version`, and what else `log` takes.
        """
        body = [
            {
                **row,
                "features": _plain_row(row["features"]),
                "prediction_id": row.get("prediction_id") or self.new_id(),
            }
            for row in rows
        ]
        return read_record(BatchDrift, self._ask("POST", "/monitor/batch", {"rows": body}))

    def health(self) -> Health:
        """Whether the service can answer rows; "unhealthy" is an answer, too."""
        response = self._send("GET", "/health", None)
        if response.status_code not in {200, 503}:
            raise error_of(response)
        return read_record(Health, _json(response))

    @cached_property
    def buffer(self) -> Buffer:
        """Where rows wait that are logged in the background."""
        return Buffer(self)

    def logged(
        self,
        *,
        model_version: str,
        features: Extract = lambda row, *_, **__: row,
        probability: Callable[[Any], Any] | None = None,
    ) -> Callable[[Function], Function]:
        """A decorator that logs what a function is called with, in the background.

        The function is never slowed by the network and never fails because of it: what
        cannot be sent is counted in `buffer.dropped`.  Of calls that raise nothing is logged.

        Parameters
        ----------
        features
            Makes a row, or a list of rows, of the arguments; the first argument as it is.
        probability
            Makes the probability, or a list of them, of what is returned.
        """
        watched = Watched(self.buffer, model_version, features, probability)
        return watched.around

    def _row(
        self, features: Mapping[str, Any], key: str | None, event_time: datetime | None
    ) -> dict[str, Any]:
        row = _plain_row(features)
        row["prediction_id"] = key or row.get("prediction_id") or self.new_id()
        return row if event_time is None else {**row, "event_time": event_time}

    def _ask(self, method: str, path: str, body: Any) -> Any:
        content = _encoded(body)
        for turn in count():
            problem: HomeostatError
            try:
                response = self._send(method, path, content)
            except Unavailable as error:
                problem, wait_s = error, FIRST_WAIT_S * 2**turn
            else:
                if response.is_success:
                    return _json(response)
                problem, asked_s = error_of(response), retry_after_s(response)
                if response.status_code != 503 or asked_s is None:
                    raise problem
                wait_s = asked_s
            if turn >= self.retries or wait_s > LONGEST_WAIT_S:
                raise problem
            self.sleep(wait_s)
        raise AssertionError  # count() has no end

    def _send(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        try:
            return self._http.request(method, path, content=content)
        except httpx.RequestError as error:
            message = f"{self.url} did not answer: {type(error).__name__}: {error}"
            raise Unavailable(message) from error


def _plain_row(features: Mapping[str, Any]) -> dict[str, Any]:
    """The row with the numbers of Python, and None where pandas writes NaN for a missing value.

    Examples
    --------
    >>> _plain_row({"age": 35, "income": float("nan")})
    {'age': 35, 'income': None}
    """
    return {str(name): _plain(value) for name, value in features.items()}


def _plain(value: Any) -> Any:
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _encoded(body: Any) -> bytes:
    def other(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat()
        raise TypeError(f"{value!r:.80} of type {type(value).__name__}")

    try:
        return json.dumps(body, allow_nan=False, default=other).encode()
    except (TypeError, ValueError) as error:
        raise UserError(f"JSON cannot hold what is to be sent: {error}") from error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        message = f"the service answered no JSON: {response.text:.200}"
        raise StateError(message) from error


def _versioned(path: str, model_version: int | None) -> str:
    return path if model_version is None else f"{path}?model_version={model_version}"
