"""What a candidate learns from: labelled rows of the log, and some of the original file."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeostat.baseline import Baseline
from homeostat.dataset import fingerprint, frame_rows, targets
from homeostat.engines.frames import fit_frame_bins
from homeostat.errors import UserError
from homeostat.monitor import clean_windows
from homeostat.prediction import LabelledPrediction
from homeostat.registry import encode
from homeostat.schema import Schema
from homeostat.store import KnownLabels, Store
from homeostat.training import TrainingRows, row_frame
from homeostat.verdict import Outcome, Verdict

__all__ = ["Harvest", "HarvestPolicy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarvestPolicy:
    """Which rows a candidate learns from."""

    lookback: timedelta = timedelta(days=90)
    min_rows: int = 1000  #: labelled since the change
    min_positives: int = 50
    holdout: float = 0.3  #: newest share of the labelled rows, kept for the gates
    original_share: float = 0.2  #: rows of the original file, as a share of all
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """Collects the rows for a candidate.

    Rows served before the change are left out: the original file stands for the old world,
    and a share of it goes into every candidate, so that what is rare now is not forgotten.
    Rows of a broken feed are left out.
    """

    store: Store
    model: str
    baseline: Baseline
    policy: HarvestPolicy

    def ready(self, *, onset: datetime | None, now: datetime) -> Verdict:
        """Whether enough labels came in for rows served since the change."""
        values = [
            value
            for begin, end in self._clean(self._since(onset, now), now)
            for value in self.store.scored_labels(
                self.model, since=begin, until=end, known=KnownLabels(as_of=now)
            ).values
        ]
        positives, policy = sum(values), self.policy
        rarest = min(positives, len(values) - positives)
        enough = len(values) >= policy.min_rows and rarest >= policy.min_positives
        since = f"since {onset:%Y-%m-%d %H:%M} UTC" if onset else "so far"
        return Verdict(
            question="ready",
            outcome=Outcome.PASS if enough else Outcome.INCONCLUSIVE,
            reason=f"{len(values):,} labelled rows {since}, {policy.min_rows:,} asked; {rarest:,} "
            f"of the rarer class, {policy.min_positives:,} asked",
        )

    def rows(
        self, *, onset: datetime | None, now: datetime, served: Schema | None = None
    ) -> TrainingRows:
        """The rows in time order: original ones first, then those served since the change.

        The newest labelled rows are left for the gates; the frozen reference of the new
        version is everything served after the rows that it learns from.

        Parameters
        ----------
        served
            Of the version in service.  A candidate reads the same columns: who asks that
            version gives no others, and would be refused by one that needs more.

        Raises
        ------
        UserError
            When there are too few, or the original file lacks a column that is served.
        """
        held = self._labelled(onset, now)
        kept = held[: len(held) - round(self.policy.holdout * len(held))]
        if not kept:
            raise UserError("no labelled row to learn from; send labels to POST /labels")
        schema = _as_served(self.baseline.schema, served) if served else self.baseline.schema
        original = self._original(len(kept), schema)
        fresh = [one.prediction.features for one in kept]
        until = kept[-1].prediction.received_at
        recent = [
            one.features
            for window in self._clean(until, now)
            for one in self.store.predictions(self.model, since=window[0], until=window[1])
            if one.received_at > until
        ]
        frame = row_frame(recent, schema)
        return TrainingRows(
            schema=schema,
            x=np.concatenate((encode(schema, frame_rows(original, schema)), encode(schema, fresh))),
            y=np.concatenate((targets(original, schema), _labels(kept))),
            fingerprint=_fingerprint(original, kept),
            source=f"log until {until.isoformat()}, and {len(original):,} original rows"
            + self._left_out(schema),
            ids=tuple(one.prediction.id for one in kept),
            until=until,
            bins=fit_frame_bins(frame, schema),
            reference_rows=tuple(recent),
        )

    def _labelled(self, onset: datetime | None, now: datetime) -> list[LabelledPrediction]:
        return [
            one
            for begin, end in self._clean(self._since(onset, now), now)
            for one in self.store.labelled(self.model, since=begin, until=end, as_of=now)
        ]

    def _since(self, onset: datetime | None, now: datetime) -> datetime:
        oldest = now - self.policy.lookback
        return max(oldest, onset) if onset else oldest

    def _clean(self, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        return clean_windows(self.store, self.model, since=since, until=until)

    def _left_out(self, schema: Schema) -> str:
        """What is known of and not served; a version that reads it is made by hand."""
        names = [repr(one) for one in self.baseline.schema.names if one not in schema.names]
        return f"; without {', '.join(names)}, which nobody is asked for" if names else ""

    def _original(self, fresh: int, schema: Schema) -> pl.DataFrame:
        frame = self.baseline.training_frame()
        lost = [one for one in schema.names if one not in frame.columns]
        if lost:
            raise UserError(
                "no candidate can learn what the version in service reads; name these columns "
                "in homeostat.yaml, or register the next version by hand",
                [f"{one}: {self.baseline.data.name} is not known to have it" for one in lost],
            )
        share = self.policy.original_share
        n = min(len(frame), round(fresh * share / (1 - share)))
        picked = np.random.default_rng(self.policy.seed).choice(len(frame), n, replace=False)
        rows: pl.DataFrame = frame[np.sort(picked).tolist()]
        return rows


def _as_served(known: Schema, served: Schema) -> Schema:
    """The columns that are served, in their order, each as it is known now."""
    now = {one.name: one for one in known.features}
    same = [now.get(one.name, one) for one in served.features]
    kept = [
        new if new.kind is old.kind else old for new, old in zip(same, served.features, strict=True)
    ]
    return replace(known, features=tuple(kept))


def _labels(held: Sequence[LabelledPrediction]) -> NDArray[np.int64]:
    return np.array([one.label.value for one in held], dtype=np.int64)


def _fingerprint(original: pl.DataFrame, kept: Sequence[LabelledPrediction]) -> str:
    """sha256 over the original rows, and ids with labels of the logged ones."""
    served = "\n".join(f"{one.prediction.id}={one.label.value}" for one in kept)
    return hashlib.sha256(f"{fingerprint(original)}\n{served}".encode()).hexdigest()
