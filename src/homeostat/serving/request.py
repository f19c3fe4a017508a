"""How a row must look on the wire, from the schema of the version that answers."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
)
from pydantic_core import to_json

from homeostat.errors import UserError
from homeostat.registry.scorer import LARGEST
from homeostat.schema import RESERVED, Feature, Kind, Row, Schema
from homeostat.serving.bulk import refuse_too_many
from homeostat.serving.problems import Sent, refused, refused_rows

__all__ = ["AHEAD", "BEHIND", "PredictionId", "Requests", "RowRequest", "load", "no_later"]

AHEAD = timedelta(minutes=5)  #: how far a clock of the caller may be ahead of ours
BEHIND = timedelta(days=30)  #: how old an event may be

#: Whole numbers beyond are not all told apart by a double, which is what a model computes in.
EXACT = 2**53

LONGEST_TEXT = 4096  #: characters of a category

CONFIG = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


def no_later(value: datetime, info: ValidationInfo) -> datetime:
    """The time in UTC, when it is at most `AHEAD` of the clock in the context."""
    now = _now(info)
    if value > now + AHEAD:
        raise ValueError(f"more than 5 minutes ahead of the server's clock, {now.isoformat()}")
    return value.astimezone(UTC)


def _now(info: ValidationInfo) -> datetime:
    context: dict[str, datetime] = info.context or {}
    return context["now"]


def _recent(value: datetime, info: ValidationInfo) -> datetime:
    now = _now(info)
    if value < now - BEHIND:
        raise ValueError(f"more than 30 days behind the server's clock, {now.isoformat()}")
    return value


PredictionId = Annotated[str, Field(pattern=r"^[\x20-\x7e]{1,128}$")]
EventTime = Annotated[AwareDatetime, AfterValidator(_recent), AfterValidator(no_later)]


@dataclass(frozen=True, slots=True)
class RowRequest:
    """One row that was asked about."""

    features: Row
    prediction_id: str | None = None
    event_time: datetime | None = None  #: UTC
    split_key: str | None = None  #: rows of one key are answered by one version

    def encoded(self) -> bytes:
        """The features as JSON, in the order of their names: equal for equal features."""
        return to_json(dict(sorted(self.features.items())))

    def digest(self, pinned: int | None, encoded: bytes | None = None) -> str:
        """sha256 of what was asked, in hex: equal for two bodies that ask the same.

        Parameters
        ----------
        pinned
            The version that was asked for by number, if any.
        encoded
            What `encoded` gave, where it is at hand.

        Examples
        --------
        >>> a, b = RowRequest({"x": 1.0, "y": 2.0}), RowRequest({"y": 2.0, "x": 1.0})
        >>> a.digest(None) == b.digest(None), a.digest(None) == a.digest(3)
        (True, False)
        """
        happened = self.event_time and self.event_time.isoformat()
        asked = to_json({"event_time": happened, "model_version": pinned})
        return hashlib.sha256(asked + (encoded or self.encoded())).hexdigest()


class Requests:
    """Reads the rows that a version with this schema can answer.

    Every feature is asked for under its name, or under that name with each character that
    is no letter, digit or underscore replaced by an underscore, where no other feature
    could be meant.

    Parameters
    ----------
    schema
        Of the version.

    Examples
    --------
    >>> from homeostat.schema import Target, Task
    >>> feature = Feature(name="debt-ratio", kind=Kind.NUMBER, minimum=0)
    >>> schema = Schema(task=Task.BINARY, target=Target(column="y"), features=(feature,))
    >>> Requests(schema).one(b'{"debt_ratio": 1}', now=datetime.now(UTC)).features
    {'debt-ratio': 1.0}
    """

    def __init__(self, schema: Schema) -> None:
        other = _other_names(schema)
        self._known = (*schema.names, "prediction_id", "event_time", "split_key")
        self._fields = [
            (f"f{i}", feature.name, feature.kind is Kind.NUMBER)
            for i, feature in enumerate(schema.features)
        ]
        fields: dict[str, Any] = {
            f"f{i}": (_kind(one), Field(validation_alias=AliasChoices(*other[one.name])))
            for i, one in enumerate(schema.features)
        }
        self.row: type[BaseModel] = create_model(
            "Row",
            __config__=CONFIG,
            **fields,
            prediction_id=(PredictionId | None, None),
            event_time=(EventTime | None, None),
            split_key=(PredictionId | None, None),
        )
        rows: Any = Annotated[list[self.row], Field(min_length=1), FailFast()]  # type: ignore[name-defined]
        self.rows: type[BaseModel] = create_model("Rows", __config__=CONFIG, rows=(rows, ...))

    def one(self, body: bytes, *, now: datetime) -> RowRequest:
        """The row in `body`.

        Raises
        ------
        UserError
            With everything that is wrong with it.
        """
        refuse_too_many(body, "the row", rows=1, keys=len(self._known))
        row = _validated(self.row, body, "the row", known=self._known, now=now)
        if body.count(b'"') != _quotes(row):
            _refuse_repeated(body, "the row")
        return self.plain(row)

    def many(self, body: bytes, *, now: datetime, most: int = 1000) -> list[RowRequest]:
        """The rows in `body`, `{"rows": [...]}`; places of errors are counted from 0.

        Parameters
        ----------
        most
            Rows that are taken; a body with many more is not read at all.

        Raises
        ------
        UserError
            With everything that is wrong with any of them.
        """
        refuse_too_many(body, "the batch", rows=most, keys=len(self._known))
        try:
            batch = self.rows.model_validate_json(body, context={"now": now})
        except ValidationError as error:
            sent = Sent(body, now)
            raise refused_rows(
                "the batch", error, self.row, sent, (*self._known, "rows")
            ) from error
        rows: list[BaseModel] = batch.__dict__["rows"]
        if body.count(b'"') != 2 + sum(map(_quotes, rows)):
            _refuse_repeated(body, "the batch")
        return [self.plain(row) for row in rows]

    def plain(self, row: BaseModel) -> RowRequest:
        """The row that a model of ours read, under the names of the schema."""
        held = row.__dict__
        features = {
            # -0.0 is 0.0: one value, one digest
            name: 0.0 if number and held[field] == 0 else held[field]
            for field, name, number in self._fields
        }
        return RowRequest(features, held["prediction_id"], held["event_time"], held["split_key"])


Model = TypeVar("Model", bound=BaseModel)


def load(
    model: type[Model], body: bytes, what: str, *, known: tuple[str, ...], now: datetime
) -> Model:
    """What `model` makes of the raw bytes of a JSON body.

    Raises
    ------
    UserError
        With everything that is wrong, keys that are given twice included.
    """
    read = _validated(model, body, what, known=known, now=now)
    _refuse_repeated(body, what)
    return read


def _validated(
    model: type[Model], body: bytes, what: str, *, known: tuple[str, ...], now: datetime
) -> Model:
    """What `load` gives, but of a key that is given twice the last value counts."""
    try:
        return model.model_validate_json(body, context={"now": now})
    except ValidationError as error:
        raise refused(what, error, known) from error


def _refuse_repeated(body: bytes, what: str) -> None:
    twice: list[str] = []
    json.loads(body, object_pairs_hook=lambda pairs: twice.extend(_repeated(pairs)))
    if twice:
        problems = [f"{key}: given twice" for key in twice]
        raise UserError(f"{what} was refused; nothing of it was stored", problems)


def _quotes(row: BaseModel) -> int:
    """The quotation marks that a row has at least: one that is given more twice has more.

    Two for each key, and two for each text.  A row with just as many has no key twice, for
    each repetition would bring two of its own; one with more may only have some in its texts.
    """
    held = row.__dict__
    texts = list(map(type, held.values())).count(str) + (held["event_time"] is not None)
    return 2 * (len(row.__pydantic_fields_set__) + texts)


def _repeated(pairs: list[tuple[str, Any]]) -> Iterable[str]:
    if len(dict(pairs)) == len(pairs):
        return ()
    return [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]


def _kind(feature: Feature) -> Any:
    """The type of a feature, as pydantic reads it."""
    kind: Any
    match feature.kind:
        case Kind.NUMBER:
            least, most = _within(feature, LARGEST)
            kind = Annotated[float, Field(ge=least, le=most)]
        case Kind.INTEGER:
            least, most = _within(feature, EXACT)
            kind = Annotated[int, Field(ge=least, le=most), BeforeValidator(_integral)]
        case Kind.BOOLEAN:
            kind = bool
        case Kind.CATEGORY:
            kind = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")]
    return kind | None if feature.nullable else kind


def _within(feature: Feature, largest: float) -> tuple[float, float]:
    low, high = feature.minimum, feature.maximum
    least = -largest if low is None else max(low, -largest)
    return least, largest if high is None else min(high, largest)


def _integral(value: Any) -> Any:
    """3 for 3.0; anything else as it is, for the strict type to judge."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _other_names(schema: Schema) -> dict[str, list[str]]:
    """For each feature the keys it may be given under, its own name first."""
    plain = {name: re.sub(r"\W", "_", name) for name in schema.names}
    uses = Counter(plain.values())
    taken = {*schema.names, *RESERVED}
    return {
        name: [name, *([other] if uses[other] == 1 and other not in taken else [])]
        for name, other in plain.items()
    }
