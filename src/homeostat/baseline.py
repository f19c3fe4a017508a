"""The file that a model began with: its frozen reference, and the rows before it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.dataset import (
    fingerprint,
    frame_rows,
    in_time_order,
    read_frame,
    targets,
    validate_frame,
)
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.errors import Conflict, NotFound, StateError
from homeostat.reference import Reference
from homeostat.schema import Row, Schema
from homeostat.store import Store

__all__ = ["METADATA", "Baseline", "GoldenRows"]

METADATA = "reference_metadata.json"  #: what `freeze` wrote of the reference
DATA = "reference_data.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRows:
    """The frozen reference rows with their labels, which no version was trained on."""

    rows: tuple[Row, ...] = ()
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Reads the file of a model and keeps its frozen reference.

    Every reading of the reference compares the file with its hash, and the hash with the
    one in the store.
    """

    store: Store
    model: str
    schema: Schema
    data: Path  #: the file, CSV or Parquet
    folder: Path  #: where the reference lies
    time_column: str | None = None  #: rows are in the order of the file when None

    def freeze(self, *, share: float, now: datetime, force: bool = False) -> Reference:
        """Freeze the last `share` of the rows in time order.

        Raises
        ------
        Conflict
            When a reference is frozen already, unless `force`.
        UserError
            When the file cannot be used; all that is wrong is named.
        """
        if (self.folder / METADATA).exists() and not force:
            message = (
                f"the reference of {self.model!r} is frozen in {self.folder}; versions are "
                "judged against it.  Freeze again with --force, then train again"
            )
            raise Conflict(message)
        frame = self.rows(self.data)
        start = len(frame) - max(1, round(share * len(frame)))
        part = frame[start:]
        bins = fit_frame_bins(part, self.schema)
        text = part.write_csv().encode()
        reference = Reference(
            model=self.model,
            created_at=now,
            source=self.data.name,
            data_fingerprint=hashlib.sha256(text).hexdigest(),
            profile=count_frame(part, bins),
        )
        self.store.add_reference(reference)
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / DATA, text)
        metadata = self._metadata(reference, frame, start, share)
        _replace(self.folder / METADATA, json.dumps(metadata, indent=2).encode())
        return reference

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """What `freeze` wrote of the reference.

        Raises
        ------
        NotFound
            When no reference is frozen.
        """
        path = self.folder / METADATA
        try:
            plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            message = f"no reference in {self.folder}; run `homeostat reference freeze` first"
            raise NotFound(message) from None
        except ValueError as error:
            raise StateError(f"{path} is damaged ({error}); restore it from a backup") from error
        return plain

    def reference(self) -> Reference:
        """The frozen reference, verified.

        Raises
        ------
        StateError
            When the file, its metadata and the store do not agree.
        """
        self._text()
        return self.store.reference(self.model, self.metadata["profile_digest"])

    @cached_property
    def golden(self) -> GoldenRows:
        """The rows of the reference with their labels, verified."""
        frame = self._frozen_frame()
        rows = tuple(frame_rows(frame, self.schema))
        return GoldenRows(rows=rows, labels=targets(frame, self.schema))

    def training_frame(self, data: Path | None = None) -> pl.DataFrame:
        """The rows to learn from: of the baseline file only those before the reference.

        Of any other file, such as one that grew, those that are not in the reference.
        """
        path = data or self.data
        frame = self.rows(path)
        same = _sha256(path) == self.metadata["source_sha256"]  # far quicker than a fingerprint
        if same or fingerprint(frame) == self.metadata["dataset_fingerprint"]:
            return frame[: int(self.metadata["first_row"])]
        frozen = self._frozen_frame()
        return frame.join(
            frozen, on=frame.columns, how="anti", nulls_equal=True, maintain_order="left"
        )

    def rows(self, path: Path) -> pl.DataFrame:
        """A file's rows in time order, with target, validated."""
        frame = in_time_order(read_frame(path), self.time_column)
        return validate_frame(frame, self.schema, with_target=True)

    def _frozen_frame(self) -> pl.DataFrame:
        self._text()
        return validate_frame(read_frame(self.folder / DATA), self.schema, with_target=True)

    def _text(self) -> bytes:
        path = self.folder / DATA
        metadata = self.metadata
        if not path.exists():
            raise StateError(f"{path} is gone; restore it from a backup or freeze again --force")
        text = path.read_bytes()
        held = self.store.reference(self.model, metadata["profile_digest"]).data_fingerprint
        seen = hashlib.sha256(text).hexdigest()
        if not seen == metadata["reference_hash"] == held:
            message = (
                f"{path} is not what was frozen: sha256 {seen[:12]}, the metadata say "
                f"{str(metadata['reference_hash'])[:12]}, the store says {held[:12]}; restore "
                "the file, or freeze again with --force and train again"
            )
            raise StateError(message)
        return text

    def _metadata(
        self, reference: Reference, frame: pl.DataFrame, start: int, share: float
    ) -> dict[str, Any]:
        return {
            "created_at": reference.created_at.isoformat(),
            "source": self.data.name,
            "num_samples": reference.rows,
            "num_features": len(self.schema.features),
            "reference_hash": reference.data_fingerprint,
            "purpose": "drift reference and golden rows",
            "mutation_policy": "NEVER",
            "features": list(self.schema.names),
            "model": self.model,
            "share": share,
            "first_row": start,
            "dataset_fingerprint": fingerprint(frame),
            "source_sha256": _sha256(self.data),
            "profile_digest": reference.digest,
            "schema_digest": self.schema.digest,
        }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, text: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(text)
    temporary.replace(path)
