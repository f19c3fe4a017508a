"""Labels: append-only revisions, joined to their predictions when they are read."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, and_, exists, func, insert, literal, select, tuple_

from homeostat.errors import UserError
from homeostat.prediction import Label, LabelledPrediction, Prediction
from homeostat.store import tables
from homeostat.store.predictions import prediction_from, present, within
from homeostat.store.statements import chunks, lock_writers, upsert

__all__ = [
    "KnownLabels",
    "LabelReceipt",
    "ScoredLabels",
    "add_labels",
    "label_coverage",
    "labelled",
    "newest_label_at",
    "newest_labels",
    "scored_labels",
]

_TABLE, _REPEATS = tables.labels, tables.label_repeats
_PREDICTIONS = tables.predictions
_FIELDS = tuple(column.name for column in _TABLE.columns if column.name != "revision")

#: The labels of one prediction: (received, revision, value).
_History: TypeAlias = list[tuple[datetime, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReceipt:
    """What became of the labels of one call; each is counted once."""

    stored: int = 0  #: first labels of stored predictions
    unchanged: int = 0  #: said what was already known
    corrected: int = 0  #: gave a stored prediction another value than before
    parked: int = 0  #: wait for their prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredLabels:
    """Labels beside the answers they belong to, without the rows; all of one length."""

    values: tuple[int, ...] = ()
    predictions: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    span: tuple[datetime, datetime] | None = None  #: first and last prediction; None without


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLabels:
    """Which labels count: those received in [since, as_of]; None is open."""

    since: datetime | None = None
    as_of: datetime | None = None


def newest_label_at(connection: Connection, as_of: datetime | None) -> datetime | None:
    """When the last label was received, of whatever model; None when there is none."""
    query = select(func.max(_TABLE.c.received_at))
    if as_of is not None:
        query = query.where(_TABLE.c.received_at <= as_of)
    newest: datetime | None = connection.scalar(query)
    return newest


def newest_labels(connection: Connection, held: Sequence[Prediction]) -> list[LabelledPrediction]:
    """Those of the predictions that have a label, with the newest one."""
    keys = [one.id for one in held]
    newest: dict[str, Label] = {}
    for some in chunks(keys):
        query = (
            select(*(_TABLE.c[name] for name in _FIELDS))
            .where(_TABLE.c.prediction_id.in_(some))
            .order_by(_TABLE.c.received_at, _TABLE.c.revision)
        )
        for row in connection.execute(query):
            newest[row.prediction_id] = Label(**dict(zip(_FIELDS, row, strict=True)))
    return [LabelledPrediction(one, newest[one.id]) for one in held if one.id in newest]


def add_labels(
    connection: Connection, labels: Sequence[Label], *, park: bool, model: str | None = None
) -> LabelReceipt:
    """What became of the labels; all are stored or none."""
    lock_writers(connection, _TABLE)
    keys = list(dict.fromkeys(label.prediction_id for label in labels))
    if model is not None:
        _refuse_foreign(connection, keys, model)
    known = present(connection, keys)
    if len(known) < len(keys) and not park:
        raise _unknown([key for key in keys if key not in known], len(keys))
    held = _Held(_histories(connection, keys), _repeats(connection, keys))
    tally = Counter(held.take(label, known) for label in labels)
    if held.rows:
        connection.execute(insert(_TABLE), held.rows)
    upsert(connection, _REPEATS, *(asdict(held.repeats[key]) for key in held.repeated))
    return LabelReceipt(**tally)


def labelled(
    connection: Connection,
    model: str,
    window: tuple[datetime, datetime],
    as_of: datetime | None,
    version: int | None,
) -> list[LabelledPrediction]:
    """Predictions received in the window with the newest label known at `as_of`, if any."""
    label = [_TABLE.c[name] for name in _FIELDS]
    joined = select(_PREDICTIONS, *label).join(_TABLE, _TABLE.c.prediction_id == _PREDICTIONS.c.id)
    query = _newest(within(joined, model, *window, version), as_of)
    cut = len(_PREDICTIONS.columns)
    return [
        LabelledPrediction(
            prediction_from(row[:cut]), Label(**dict(zip(_FIELDS, row[cut:], strict=True)))
        )
        for row in connection.execute(query)
    ]


def scored_labels(
    connection: Connection,
    model: str,
    window: tuple[datetime, datetime],
    known: KnownLabels,
    version: int | None,
) -> ScoredLabels:
    """The newest labels known of the predictions received in the window."""
    columns = (
        _TABLE.c.value,
        _PREDICTIONS.c.prediction,
        _PREDICTIONS.c.probability,
        _PREDICTIONS.c.received_at,
    )
    joined = select(*columns).join(_TABLE, _TABLE.c.prediction_id == _PREDICTIONS.c.id)
    query = _newest(within(joined, model, *window, version), known.as_of)
    if known.since is not None:
        query = query.where(_TABLE.c.received_at >= known.since)
    rows = connection.execute(query).all()
    if not rows:
        return ScoredLabels()
    values, predictions, probabilities, times = zip(*rows, strict=True)
    return ScoredLabels(
        values=values,
        predictions=predictions,
        probabilities=probabilities,
        span=(times[0], times[-1]),
    )


def label_coverage(
    connection: Connection, model: str, window: tuple[datetime, datetime], as_of: datetime | None
) -> tuple[int, int]:
    """How many predictions received in the window had a label at `as_of`, and how many are."""
    everyone = within(select(_PREDICTIONS.c.id), model, *window, None).order_by(None)
    known = _TABLE.c.prediction_id == _PREDICTIONS.c.id
    if as_of is not None:
        known = and_(known, _TABLE.c.received_at <= as_of)
    with_label = everyone.where(exists().where(known))
    return _size(connection, with_label), _size(connection, everyone)


def _size(connection: Connection, query: Select[Any]) -> int:
    return connection.scalar(select(func.count()).select_from(query.subquery())) or 0


def _newest(query: Select[Any], as_of: datetime | None) -> Select[Any]:
    """The query, restricted to the label that no other one known at `as_of` follows."""
    later = _TABLE.alias("later")
    follows = and_(
        later.c.prediction_id == _TABLE.c.prediction_id,
        tuple_(later.c.received_at, later.c.revision)
        > tuple_(_TABLE.c.received_at, _TABLE.c.revision),
    )
    if as_of is not None:
        query = query.where(_TABLE.c.received_at <= as_of)
        follows = and_(follows, later.c.received_at <= as_of)
    return query.where(~exists(select(literal(1)).select_from(later).where(follows)))


def _unknown(keys: list[str], asked: int) -> UserError:
    return UserError(
        f"no label was stored, because {len(keys)} of {asked} prediction ids are unknown; check "
        "the ids, or send with park=true to keep labels until the prediction arrives",
        [f"no prediction {key!r}" for key in keys],
    )


def _refuse_foreign(connection: Connection, keys: Sequence[str], model: str) -> None:
    """Refuse labels of other models' predictions, whose classes mean something else."""
    columns = (_PREDICTIONS.c.id, _PREDICTIONS.c.model)
    problems = [
        f"prediction {key!r} is of the model {other!r}"
        for some in chunks(keys)
        for key, other in connection.execute(
            select(*columns).where(_PREDICTIONS.c.id.in_(some), _PREDICTIONS.c.model != model)
        )
    ]
    if problems:
        message = f"no label was stored; these are not of {model!r}: send them to their own model"
        raise UserError(message, sorted(problems))


def _histories(connection: Connection, keys: Sequence[str]) -> dict[str, _History]:
    found: dict[str, _History] = defaultdict(list)
    columns = (_TABLE.c.prediction_id, _TABLE.c.received_at, _TABLE.c.revision, _TABLE.c.value)
    for some in chunks(keys):
        query = select(*columns).where(_TABLE.c.prediction_id.in_(some))
        for key, received_at, revision, value in connection.execute(query):
            found[key].append((received_at, revision, value))
    return found


def _repeats(connection: Connection, keys: Sequence[str]) -> dict[str, Label]:
    columns = [_REPEATS.c[name] for name in _FIELDS]
    return {
        row.prediction_id: Label(**row._asdict())
        for some in chunks(keys)
        for row in connection.execute(select(*columns).where(_REPEATS.c.prediction_id.in_(some)))
    }


@dataclass(slots=True)
class _Held:
    """What is known of some predictions, and what is to be written."""

    histories: dict[str, _History]
    repeats: dict[str, Label]  #: the newest of each that only said what stood
    repeated: set[str] = field(default_factory=set)  #: of which that is new
    rows: list[dict[str, Any]] = field(default_factory=list)  #: new revisions

    def take(self, label: Label, known: set[str]) -> str:
        """One of the fields of the receipt, by what stood when the label was received."""
        key = label.prediction_id
        history, repeat = self.histories[key], self.repeats.get(key)
        if _stood(history, label.received_at) == label.value:
            last = max(history)[0] if repeat is None else max(max(history)[0], repeat.received_at)
            if label.received_at > last:
                self.repeats[key] = label
                self.repeated.add(key)
            return "unchanged"
        outcome = ("corrected" if history else "stored") if key in known else "parked"
        self._revise(label, history)
        # What came sooner and was received later said otherwise, and has the last word.
        if repeat is not None and _stood(history, repeat.received_at) != repeat.value:
            self._revise(repeat, history)
        return outcome

    def _revise(self, label: Label, history: _History) -> None:
        revision = len(history) + 1
        history.append((label.received_at, revision, label.value))
        self.rows.append({**asdict(label), "revision": revision})


def _stood(history: _History, at: datetime) -> int | None:
    """The value that is known of a time, or the first there is; None without any."""
    earlier = [one for one in history if one[0] <= at]
    known = max(earlier) if earlier else min(history, default=None)
    return None if known is None else known[2]
