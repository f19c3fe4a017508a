"""Archive: days of the log as Parquet files, each row with its labels beside it.

A partition lies at ``predictions/model=<name>/day=<day>/<first of its sha256>.parquet``, which
polars, DuckDB and Spark read as one table with the columns ``model`` and ``day``.  It counts
when the store says that its rows were removed; a file that the store does not name is what is
left of a run that was ended in between, and the next one takes it away.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from homeostat.errors import StateError, Unavailable
from homeostat.prediction import Label, Prediction
from homeostat.schema import Kind, Schema
from homeostat.store import Logged

__all__ = ["Filed", "archive_schema", "clean", "read_day", "write_day"]

UNFINISHED = ".writing-"
_TIME = pa.timestamp("us", tz="UTC")
_KINDS = {
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.CATEGORY: pa.string(),
}
_LABEL = pa.struct(
    [
        ("value", pa.int32()),
        ("received_at", _TIME),
        ("labelled_at", _TIME),
        ("source", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Filed:
    """A partition that was written, read back, and synced."""

    place: str  #: file, relative to the folder of the archive
    sha256: str  #: of the file, in hex
    rows: int
    labels: int


def archive_schema(schema: Schema) -> pa.Schema:
    """The columns of a partition.

    ``features`` has a field for each feature that the settings name, for questions;
    ``features_json`` is the row as it was received, to the last digit.  ``label`` is the
    newest one, ``labels`` are all of them, oldest first.
    """
    return pa.schema(
        [
            ("id", pa.string()),
            ("version", pa.int32()),
            ("received_at", _TIME),
            ("event_time", _TIME),
            ("prediction", pa.int32()),
            ("probability", pa.float64()),
            ("label", pa.int32()),
            ("label_received_at", _TIME),
            ("labels", pa.list_(_LABEL)),
            ("features", pa.struct([(one.name, _KINDS[one.kind]) for one in schema.features])),
            ("features_json", pa.string()),
            ("body_digest", pa.string()),
        ]
    )


def write_day(
    folder: Path, name: tuple[str, date], batches: Iterable[Sequence[Logged]], schema: Schema
) -> Filed:
    """The file of a day, whole and on the disk when this returns.

    It is read back and counted before it gets its name, and the name is synced too.

    Parameters
    ----------
    name
        The model and the day, UTC.

    Raises
    ------
    Unavailable
        When it cannot be written.
    StateError
        When what was read back is not what was written.
    """
    model, day = name
    place = Path("predictions") / f"model={model}" / f"day={day.isoformat()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=UNFINISHED) as unfinished:
            draft = Path(unfinished) / "part.parquet"
            rows, labels = _write(draft, batches, schema)
            found = _counted(draft)
            if found != (rows, labels):
                message = f"{day}: {(rows, labels)} rows and labels written, {found} read back"
                raise StateError(message)
            digest = _sha256(draft)
            target = folder / place / f"{digest[:16]}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
        for one in (target.parent, *target.parent.parents):
            _sync(one)
            if one == folder:
                break
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise Unavailable(
            f"the rows of {day} could not be filed under {folder}: {cause}"
        ) from error
    return Filed(target.relative_to(folder).as_posix(), digest, rows, labels)


def read_day(folder: Path, place: str, sha256: str, model: str) -> Iterator[Logged]:
    """What a partition holds, exactly as it was in the store.

    Raises
    ------
    StateError
        When the file is missing or is not the one that was written.
    """
    path = folder / place
    if not path.is_file() or _sha256(path) != sha256:
        message = f"the partition {path} is missing or was changed; restore it from a backup"
        raise StateError(message)
    for batch in pq.ParquetFile(path).iter_batches():
        for row in batch.to_pylist():
            yield _logged(row, model)


def clean(folder: Path, model: str, known: set[str]) -> list[Path]:
    """The files of the model that were not named by the store, and are gone now."""
    for leftover in folder.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    held = (folder / "predictions" / f"model={model}").glob("day=*/*.parquet")
    unknown = [one for one in sorted(held) if one.relative_to(folder).as_posix() not in known]
    for one in unknown:
        one.unlink()
    return unknown


def _write(path: Path, batches: Iterable[Sequence[Logged]], schema: Schema) -> tuple[int, int]:
    columns, rows, labels = archive_schema(schema), 0, 0
    with path.open("wb") as file:
        with pq.ParquetWriter(file, columns, compression="zstd") as writer:
            for batch in batches:
                plain = [_row(one, schema) for one in batch]
                writer.write_table(pa.Table.from_pylist(plain, schema=columns))
                rows += len(batch)
                labels += sum(len(one.labels) for one in batch)
        file.flush()
        os.fsync(file.fileno())
    return rows, labels


def _counted(path: Path) -> tuple[int, int]:
    rows = labels = 0
    for batch in pq.ParquetFile(path).iter_batches(columns=["labels"]):
        rows += batch.num_rows
        labels += len(batch.column(0).flatten())
    return rows, labels


def _row(one: Logged, schema: Schema) -> dict[str, Any]:
    held = one.prediction
    newest = max(
        enumerate(one.labels), key=lambda pair: (pair[1].received_at, pair[0]), default=None
    )
    return {
        "id": held.id,
        "version": held.version,
        "received_at": held.received_at,
        "event_time": held.event_time,
        "prediction": held.prediction,
        "probability": held.probability,
        "label": newest[1].value if newest else None,
        "label_received_at": newest[1].received_at if newest else None,
        "labels": [_label(label) for label in one.labels],
        "features": {
            feature.name: _typed(held.features.get(feature.name), feature.kind)
            for feature in schema.features
        },
        "features_json": json.dumps(held.features, separators=(",", ":")),
        "body_digest": held.body_digest,
    }


def _label(one: Label) -> dict[str, Any]:
    return {
        "value": one.value,
        "received_at": one.received_at,
        "labelled_at": one.labelled_at,
        "source": one.source,
    }


def _typed(value: Any, kind: Kind) -> Any:
    """The value in its column; None where an older version took another kind of it."""
    if kind.is_numeric:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number else None
    wanted = bool if kind is Kind.BOOLEAN else str
    return value if isinstance(value, wanted) else None


def _logged(row: dict[str, Any], model: str) -> Logged:
    key = row["id"]
    prediction = Prediction(
        id=key,
        model=model,
        version=row["version"],
        received_at=row["received_at"],
        event_time=row["event_time"],
        features=json.loads(row["features_json"]),
        prediction=row["prediction"],
        probability=row["probability"],
        body_digest=row["body_digest"],
    )
    labels = tuple(Label(prediction_id=key, **one) for one in row["labels"])
    return Logged(prediction, labels)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
