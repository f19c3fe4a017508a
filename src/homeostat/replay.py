"""Two versions scored on the same labelled rows: the evidence for the gates."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homeostat.answers import Labelled
from homeostat.baseline import Baseline
from homeostat.gates import Evidence
from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.confusion import Confusion, PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.monitor import clean_windows
from homeostat.prediction import LabelledPrediction
from homeostat.registry import Scorer, load_scorer
from homeostat.schema import Row, Segment
from homeostat.store import Store
from homeostat.version import Version

__all__ = ["Bench"]


TICK = timedelta(microseconds=1)  #: between two times that the store tells apart

#: Labelled rows of the log, the newest, that stand for the reference of a retrained version.
REFERENCE_ROWS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Puts two versions of one model side by side."""

    store: Store
    model: str
    artifacts: Path
    segments: tuple[Segment, ...] = ()
    baseline: Baseline
    _scorers: dict[str, Scorer] = field(default_factory=dict, repr=False)
    _golden: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def evidence(
        self, champion: int, candidate: int, *, last_promoted_at: datetime | None, now: datetime
    ) -> Evidence:
        """What is known of the candidate on labelled rows newer than what both learnt from.

        Rows of a broken feed are left out.
        """
        old, new = (self.scorer(number) for number in (champion, candidate))
        since = _untouched_since([old.version, new.version], now)
        held, due = self._labelled(since, now)
        trained_on = self._trained_on(old.version) | self._trained_on(new.version)
        labels = _labels(held)
        rows = [one.prediction.features for one in held]
        p, q = (scorer.probabilities(rows) for scorer in (old, new))
        answers = [
            (scores >= scorer.version.threshold).astype(np.int64)
            for scores, scorer in ((p, old), (q, new))
        ]
        golden_rows = self.baseline.golden
        golden = [self._on_golden(s) for s in (old, new)]
        return Evidence(
            now=now,
            last_promoted_at=last_promoted_at,
            due=due,
            shared_rows=sum(one.prediction.id in trained_on for one in held),
            paired=PairedConfusion.of(labels, *answers),
            brier=PairedLoss.brier(labels, p, q),
            segments=self._segments(rows, labels, answers),
            safest=_safest(labels, q),
            safest_golden=_safest(golden_rows.labels, golden[0]),
            golden_champion=RankingQuality.of(golden_rows.labels, golden[0]),
            golden_candidate=RankingQuality.of(golden_rows.labels, golden[1]),
        )

    def _labelled(self, since: datetime, now: datetime) -> tuple[list[LabelledPrediction], int]:
        """The labelled rows, and how many rows there are up to the newest of them."""
        store, model = self.store, self.model
        held = [
            one
            for begin, end in clean_windows(store, model, since=since, until=now)
            for one in store.labelled(model, since=begin, until=end, as_of=now)
        ]
        newest = held[-1].prediction.received_at + TICK if held else since
        windows = clean_windows(store, model, since=since, until=newest)
        due = [store.label_coverage(model, since=a, until=b, as_of=now)[1] for a, b in windows]
        return held, sum(due)

    def reference(self, version: Version, now: datetime) -> Labelled:
        """Rows that a version did not learn from, as it scores them, with their labels.

        Those of the frozen reference, or of the log for a version that learnt from the log.

        Raises
        ------
        UserError
            When no reference is frozen.
        """
        scorer = self.scorer(version.number)
        if version.trained_until is None:
            golden = self.baseline.golden
            return Labelled.of(golden.labels, self._on_golden(scorer), version.threshold)
        held = self._labelled(version.trained_until + TICK, now)[0][-REFERENCE_ROWS:]
        rows = [one.prediction.features for one in held]
        scores = scorer.probabilities(rows) if rows else np.empty(0)
        return Labelled.of(_labels(held), scores, version.threshold)

    def scorer(self, number: int) -> Scorer:
        """The scorer of a version, verified when it is first asked for."""
        version = self.store.version(self.model, number)
        if version.digest not in self._scorers:
            self._scorers[version.digest] = load_scorer(self.artifacts, version)
        return self._scorers[version.digest]

    def _on_golden(self, scorer: Scorer) -> NDArray[np.float64]:
        """What a version says of the golden rows; neither of them ever changes."""
        digest = scorer.version.digest
        if digest not in self._golden:
            self._golden[digest] = scorer.probabilities(self.baseline.golden.rows)
        return self._golden[digest]

    def _trained_on(self, version: Version) -> set[str]:
        path = self.artifacts / version.location / "version.json"
        return set(json.loads(path.read_text())["trained_on"])

    def _segments(
        self, rows: Sequence[Row], labels: NDArray[np.int64], answers: list[NDArray[np.int64]]
    ) -> dict[str, PairedConfusion]:
        parts: dict[str, PairedConfusion] = {}
        for segment in self.segments:
            names = np.array([segment.part(row) for row in rows], dtype=object)
            for name in sorted(set(names.tolist())):
                at = names == name
                parts[name] = PairedConfusion.of(labels[at], *(one[at] for one in answers))
        return parts


def _labels(held: Sequence[LabelledPrediction]) -> NDArray[np.int64]:
    return np.array([one.label.value for one in held], dtype=np.int64)


def _untouched_since(versions: Sequence[Version], now: datetime) -> datetime:
    """The earliest time that is later than every logged row the versions learnt from."""
    learnt = [one.trained_until for one in versions if one.trained_until is not None]
    return max(learnt) + TICK if learnt else now - timedelta(days=365)


def _safest(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> Confusion | None:
    """Labels of the fifth of the rows with the lowest probabilities."""
    if not len(labels):
        return None
    lowest = np.argsort(probabilities, kind="stable")[: max(1, len(labels) // 5)]
    return Confusion.of(labels[lowest], np.zeros(len(lowest), dtype=np.int64))
