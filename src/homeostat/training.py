"""From rows to a registered version: the rows of a file, or of the log with its labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import structlog
from numpy.typing import NDArray

from homeostat.assessment import golden_figures
from homeostat.baseline import Baseline
from homeostat.bins import PREDICTION, PROBABILITY, Bins
from homeostat.dataset import fingerprint, targets
from homeostat.engines.frames import count_frame
from homeostat.errors import Unavailable
from homeostat.reference import Reference
from homeostat.registry import (
    GoldenRows,
    Scorer,
    Tracker,
    Trial,
    encode_frame,
    load_scorer,
    save_artifact,
)
from homeostat.schema import Kind, Row, Schema
from homeostat.store import Store
from homeostat.trainers.train import Trained, TrainingData, train
from homeostat.version import Version

__all__ = ["Recipe", "TrainingRows", "Workshop", "file_rows", "row_frame", "scored_reference"]

log = structlog.get_logger()

_TYPES = {
    Kind.NUMBER: pl.Float64,
    Kind.INTEGER: pl.Float64,
    Kind.BOOLEAN: pl.Boolean,
    Kind.CATEGORY: pl.String,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a version is made from rows."""

    algorithm: str = "hist_gradient_boosting"
    seed: int = 0
    origin: str = "manual"  #: "manual", or "loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRows:
    """What a version is made from, in time order."""

    schema: Schema  #: what the version is to read
    x: NDArray[np.float64]  #: encoded, shape (n, features)
    y: NDArray[np.int64]  #: 1 is the positive class, shape (n,)
    fingerprint: str  #: sha256 of the rows, in hex
    source: str  #: the file, or the window of the log
    ids: tuple[str, ...] = ()  #: of the logged predictions among them
    until: datetime | None = None  #: UTC, newest logged row among them
    bins: Bins  #: frozen bins of the features
    reference_rows: tuple[Row, ...]  #: rows of the reference, to be scored
    reference_labels: NDArray[np.int64] | None = None  #: theirs, where they are known


def file_rows(baseline: Baseline, frame: pl.DataFrame, source: str) -> TrainingRows:
    """What a version is made from when it is made from rows of a file.

    Its reference is the frozen one, which is verified.
    """
    return TrainingRows(
        schema=baseline.schema,
        x=encode_frame(baseline.schema, frame),
        y=targets(frame, baseline.schema),
        fingerprint=fingerprint(frame),
        source=source,
        bins=baseline.reference().bins,
        reference_rows=baseline.golden.rows,
        reference_labels=baseline.golden.labels,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Makes and registers the versions of one model."""

    store: Store
    model: str
    artifacts: Path
    tracker: Tracker

    def make(self, rows: TrainingRows, recipe: Recipe, *, now: datetime) -> Version:
        """A trained, saved, verified and registered version.  It is not in service yet.

        Raises
        ------
        UserError
            When the rows cannot be learnt from: one class, too few, not a number.
        """
        data = TrainingData(schema=rows.schema, x=rows.x, y=rows.y, weights=None)
        trained = train(data, algorithm=recipe.algorithm, seed=recipe.seed)
        number = self.store.next_version_number(self.model)
        artifact = save_artifact(
            self.artifacts,
            model=self.model,
            number=number,
            estimator=trained.estimator,
            golden=GoldenRows.of(trained.estimator, trained.golden_x),
            describe=self._description(number, rows, recipe, trained),
            trial=Trial(
                x=trained.trial_x,
                threshold=trained.threshold,
                nullable=tuple(one.nullable for one in rows.schema.features),
            ),
        )
        log.info("model saved", model=self.model, version=number, compiled=str(artifact.parity))
        draft = Version(
            model=self.model,
            number=number,
            created_at=now,
            algorithm=recipe.algorithm,
            schema=rows.schema,
            threshold=trained.threshold,
            metrics=trained.metrics,
            manifest=artifact.manifest,
            digest=artifact.digest,
            location=artifact.location,
            reference_digest="",
            data_fingerprint=rows.fingerprint,
            trained_until=rows.until,
            origin=recipe.origin,
        )
        scorer = load_scorer(self.artifacts, draft)
        reference = scored_reference(
            scorer, rows.bins, rows.reference_rows, (rows.source, rows.fingerprint), now=now
        )
        version = replace(draft, reference_digest=reference.digest)
        self.store.add_reference(reference)
        self.store.add_version(version)
        if rows.reference_labels is not None:
            scores = scorer.probabilities(rows.reference_rows)
            self.store.performance.add(golden_figures(version, rows.reference_labels, scores))
        params = {"algorithm": recipe.algorithm, "seed": recipe.seed, "origin": recipe.origin}
        self.track(version, params)
        return version

    def _description(
        self, number: int, rows: TrainingRows, recipe: Recipe, trained: Trained
    ) -> dict[str, object]:
        return {
            "model": self.model,
            "number": number,
            "algorithm": recipe.algorithm,
            "seed": recipe.seed,
            "threshold": trained.threshold,
            "metrics": dict(trained.metrics),
            "schema": rows.schema.to_dict(),
            "source": rows.source,
            "data_fingerprint": rows.fingerprint,
            "trained_on": list(rows.ids),
        }

    def track(self, version: Version, params: Mapping[str, object]) -> None:
        """Record a version in the mirror, which may do without it."""
        try:
            self.tracker.log_training(version, params, dict(version.metrics))
        except Unavailable as error:
            log.warning("training not logged to mlflow", version=version.number, error=str(error))


def scored_reference(
    scorer: Scorer, bins: Bins, rows: Sequence[Row], source: tuple[str, str], *, now: datetime
) -> Reference:
    """The reference of a version: rows counted together with what it says of them.

    Parameters
    ----------
    source
        What the rows were taken from, and the sha256 of the data in hex.
    """
    version = scorer.version
    probabilities = scorer.probabilities(rows)
    answers = (probabilities >= version.threshold).astype(int).astype(str)
    frame = row_frame(rows, version.schema).with_columns(
        pl.Series(PROBABILITY, probabilities), pl.Series(PREDICTION, answers)
    )
    return Reference(
        model=version.model,
        created_at=now,
        source=source[0],
        data_fingerprint=source[1],
        profile=count_frame(frame, bins.with_scores(probabilities)),
    )


def row_frame(rows: Sequence[Row], schema: Schema) -> pl.DataFrame:
    """Rows as a polars frame with a column of the right type for each feature."""
    columns = {
        one.name: pl.Series(
            one.name, [row.get(one.name) for row in rows], dtype=_TYPES[one.kind], strict=False
        )
        for one in schema.features
    }
    return pl.DataFrame(columns)
