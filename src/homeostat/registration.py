"""From a model made elsewhere to a registered version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
import structlog
from numpy.typing import NDArray

from homeostat.baseline import Baseline
from homeostat.bins import PROBABILITY
from homeostat.dataset import describe, fingerprint, frame_rows, targets, validate_frame
from homeostat.engines.frames import fit_frame_bins
from homeostat.errors import StateError, UserError
from homeostat.extension import did_you_mean
from homeostat.registry import GoldenRows, Parity, Trial, encode_frame, load_scorer, save_artifact
from homeostat.registry.brought import Brought, as_estimator
from homeostat.registry.brought.converted import Converted, convert_pickle
from homeostat.registry.brought.estimators import TRUST, column_names
from homeostat.registry.brought.model import Format
from homeostat.registry.parity import ROWS
from homeostat.registry.scorer import positive_probabilities
from homeostat.schema import Feature, Kind, Row, Schema
from homeostat.trainers.train import GOLDEN_ROWS, quality_of, spread
from homeostat.training import Workshop, row_frame, scored_reference
from homeostat.version import Version

__all__ = ["Known", "Registered", "Registrar"]

log = structlog.get_logger()

#: What a probability in a sample file may be off by: they are written with few digits, and
#: some libraries compute in 32 bits.
AGREES = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a brought model besides its bytes."""

    schema: Schema | None = None  #: from a file; None: made of what else is known
    sample: pl.DataFrame | None = None  #: rows to prove it on; None: the frozen reference
    threshold: float = 0.5
    trust_pickle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version that was made elsewhere, with what was found."""

    version: Version
    parity: Parity
    rows: int  #: that it was proved on
    notes: tuple[str, ...]  #: what people should know


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Sample:
    """The rows that a model is proved on."""

    frame: pl.DataFrame  #: validated, with no other columns than the features
    x: NDArray[np.float64]
    labels: NDArray[np.int64] | None
    expected: NDArray[np.float64] | None  #: probabilities that the model is to give
    source: str

    def rows(self, schema: Schema) -> list[Row]:
        return frame_rows(self.frame, schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Registers versions of one model that were made elsewhere."""

    workshop: Workshop
    baseline: Baseline

    def register(self, brought: Brought, known: Known, *, now: datetime) -> Registered:
        """A saved, proved and registered version.  It is not in service yet.

        Raises
        ------
        UserError
            When it cannot be read, reads other columns, or does not answer the sample rows
            with probabilities, or with those that the sample names.
        """
        if brought.format is Format.PICKLE:
            brought, schema, sample, converted = self._unpickled(brought, known)
        else:
            schema = self._schema(known, brought.signature, column_names(brought))
            sample, converted = self._sample(known, schema), None
        estimator = as_estimator(brought, schema)
        scores = _answers(estimator, sample, brought)
        notes = (*_agreement(scores, sample, converted), *_doubts(scores))
        version, parity = self._saved(brought, estimator, (schema, sample, known, notes), now)
        self.workshop.track(version, {"source": brought.source, "origin": version.origin})
        log.info("model registered", model=version.model, version=version.number)
        return Registered(version=version, parity=parity, rows=len(sample.x), notes=notes)

    def _unpickled(
        self, brought: Brought, known: Known
    ) -> tuple[Brought, Schema, _Sample, Converted]:
        if not known.trust_pickle:
            raise UserError(f"{brought.source} is a pickle, that is a program; {TRUST}")
        names = tuple(one.name for one in brought.signature)
        schema = self._schema(known, brought.signature, names)
        converted = convert_pickle(brought, self._sample(known, schema).x, schema.names)
        schema = replace(schema, features=_ordered(schema.features, converted.names))
        return converted.brought, schema, self._sample(known, schema), converted

    def _schema(self, known: Known, signature: Sequence[Feature], names: Sequence[str]) -> Schema:
        """The features that the model reads, in its order.

        A file's schema goes first, then the settings; what these do not name is described
        from the sample, or taken from the model's own signature if it is no category.
        """
        settings = known.schema or self.baseline.schema
        features = {one.name: one for one in signature if one.kind is not Kind.CATEGORY}
        if known.sample is not None and known.schema is None:
            features |= _described(known.sample, settings)
        features |= {one.name: one for one in settings.features}
        lost = [name for name in names if name not in features]
        if lost:
            problems = [f"{one!r}: {did_you_mean(one, list(features))}" for one in lost]
            message = "the model reads columns of which nothing is known; give --schema or --sample"
            raise UserError(message, problems)
        wanted = names or settings.names
        return replace(settings, features=tuple(features[name] for name in wanted))

    def _sample(self, known: Known, schema: Schema) -> _Sample:
        frame = known.sample
        if frame is None:
            golden = self.baseline.golden
            rows = row_frame(golden.rows, self.baseline.schema)
            lost = [name for name in schema.names if name not in rows.columns]
            if lost:
                named = ", ".join(map(repr, lost))
                raise UserError(f"the frozen reference has no {named}; give rows with --sample")
            frame = rows.select(schema.names)
            return _Sample(
                frame=frame,
                x=encode_frame(schema, frame),
                labels=golden.labels,
                expected=None,
                source="the frozen reference",
            )
        valid = validate_frame(frame, schema, with_target=False)
        labelled = schema.target.column in frame.columns
        return _Sample(
            frame=valid,
            x=encode_frame(schema, valid),
            labels=targets(frame, schema) if labelled else None,
            expected=_expected(frame),
            source="the sample",
        )

    def _saved(
        self,
        brought: Brought,
        estimator: object,
        on: tuple[Schema, _Sample, Known, tuple[str, ...]],
        now: datetime,
    ) -> tuple[Version, Parity]:
        schema, sample, known, notes = on
        shop, number = self.workshop, self.workshop.store.next_version_number(self.workshop.model)
        artifact = save_artifact(
            shop.artifacts,
            model=shop.model,
            number=number,
            estimator=estimator,
            golden=GoldenRows.of(estimator, spread(sample.x, GOLDEN_ROWS)),
            describe={
                "model": shop.model,
                "number": number,
                "algorithm": brought.format.value,
                "threshold": known.threshold,
                "schema": schema.to_dict(),
                "source": brought.source,
                "notes": list(notes),
                "trained_on": [],
            },
            trial=_trial(schema, sample, known),
        )
        draft = Version(
            model=shop.model,
            number=number,
            created_at=now,
            algorithm=brought.format.value,
            schema=schema,
            threshold=known.threshold,
            manifest=artifact.manifest,
            digest=artifact.digest,
            location=artifact.location,
            reference_digest="",
            data_fingerprint=fingerprint(sample.frame),
            origin="registered",
        )
        return self._registered(draft, sample, known), artifact.parity

    def _registered(self, draft: Version, sample: _Sample, known: Known) -> Version:
        """The version with the reference of the sample, and what it says of the sample."""
        shop, schema = self.workshop, draft.schema
        scorer = load_scorer(shop.artifacts, draft)
        rows = sample.rows(schema)
        reference = scored_reference(
            scorer,
            fit_frame_bins(sample.frame, schema),
            rows,
            (sample.source, draft.data_fingerprint),
            now=draft.created_at,
        )
        scores = scorer.probabilities(rows)
        version = replace(
            draft,
            reference_digest=reference.digest,
            metrics=_metrics(sample.labels, scores, known.threshold),
        )
        shop.store.add_reference(reference)
        shop.store.add_version(version)
        return version


def _trial(schema: Schema, sample: _Sample, known: Known) -> Trial:
    return Trial(
        x=spread(sample.x, ROWS),
        threshold=known.threshold,
        nullable=tuple(one.nullable for one in schema.features),
    )


def _described(sample: pl.DataFrame, schema: Schema) -> dict[str, Feature]:
    """What the sample says of its columns, where it has the target to tell them from."""
    if schema.target.column not in sample.columns:
        return {}
    rest = sample.drop(PROBABILITY, strict=False)
    found = describe(rest, target=schema.target.column, task=schema.task)
    return {one.name: one for one in found.schema.features}


def _ordered(features: Sequence[Feature], names: Sequence[str]) -> tuple[Feature, ...]:
    by_name = {one.name: one for one in features}
    return tuple(by_name[name] for name in names)


def _expected(frame: pl.DataFrame) -> NDArray[np.float64] | None:
    if PROBABILITY not in frame.columns:
        return None
    column = frame[PROBABILITY]
    if not column.dtype.is_numeric() or column.null_count():
        raise UserError(f"the sample's column {PROBABILITY!r} is not a number in every row")
    numbers: NDArray[np.float64] = column.cast(pl.Float64).to_numpy()
    return numbers


def _answers(estimator: object, sample: _Sample, brought: Brought) -> NDArray[np.float64]:
    """What the model says of the sample rows; probabilities, or it is refused."""
    try:
        return positive_probabilities(estimator, sample.x)
    except (StateError, ValueError) as error:
        message = f"{brought.source} does not answer {sample.source} with probabilities: {error}"
        raise UserError(message) from error


def _agreement(
    scores: NDArray[np.float64], sample: _Sample, converted: Converted | None
) -> list[str]:
    """What was compared with; refused where it says something else."""
    said = {
        f"the column {PROBABILITY!r} of the sample": sample.expected,
        "the pickle itself": converted.probabilities if converted else None,
    }
    notes = []
    for whose, expected in said.items():
        if expected is None:
            continue
        off = np.abs(scores - expected)
        wrong = np.flatnonzero(~(off <= AGREES))
        if len(wrong):
            i = int(wrong[0])
            message = (
                f"the model does not answer like {whose}: {len(wrong)} of {len(scores)} rows are "
                f"off by more than {AGREES:g}; row {i + 1} is {scores[i]:.6g}, "
                f"{expected[i]:.6g} is expected"
            )
            raise UserError(message)
        notes.append(f"answers like {whose}, to {off.max(initial=0.0):.1g}")
    return notes


def _doubts(scores: NDArray[np.float64]) -> list[str]:
    if len(scores) > 1 and np.ptp(scores) == 0:
        return [f"all {len(scores):,} rows get the same probability, {scores[0]:.4g}"]
    return []


def _metrics(
    labels: NDArray[np.int64] | None, scores: NDArray[np.float64], threshold: float
) -> Mapping[str, float]:
    if labels is None or len(np.unique(labels)) < 2:
        return {}
    return quality_of(labels, scores, threshold)
