"""How good a version's answers were: the cohort that counts, its figures, and the verdicts."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.business import Business
from homeostat.cohort import Cohort, Labelled, cohort_of
from homeostat.errors import UserError
from homeostat.metrics import Estimate
from homeostat.metrics.scores import ReliabilityBin
from homeostat.performance import Performance, Values, figures_of_metrics
from homeostat.reports import strict
from homeostat.schema import Segment
from homeostat.standards import (
    Standards,
    judge_degradation,
    judge_segments,
    judge_thresholds,
)
from homeostat.store import Figure, FigureKind, Store
from homeostat.verdict import Outcome, Verdict
from homeostat.version import Version
from homeostat.weakness import Searched, WeakSegment, group_rows, weak_segments

__all__ = [
    "Assessment",
    "AssessmentPolicy",
    "Assessor",
    "champion_at",
    "figure_dict",
    "golden_figures",
]

MARK = "performance:{model}"  #: flag in the store: what was last assessed, and when

#: So many independent looks are worth all those that are made, one with each day's labels,
#: while the cohort moves on by its length.  Counted in 24 years each of 30 and 100 labels a
#: day, cohorts of 30 and 90 days and references of 500 and 2,000 rows, in which nothing
#: changed: with 6 there are 0 to 0.010 false alarms to a length where 0.01 are allowed, with
#: 10 at most 0.003.
REPEATED = 8.0

#: Raised when a field of `Assessment.to_dict` changes its meaning or goes.
SCHEMA_VERSION = 1

Figures = Mapping[str, Estimate]
Windows = Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentPolicy:
    """Which labels count, and what is asked of them."""

    standards: Standards = field(default_factory=Standards)
    lookback: timedelta = timedelta(days=30)  #: predictions whose labels are judged
    due: timedelta = timedelta(days=30)  #: how far back it is learnt when labels come
    confidence: float = 0.95  #: of every interval
    values: Values | None = None  #: of a row, for the business value
    business: Business | None = None  #: in place of `values`
    segments: tuple[Segment, ...] = ()
    search: bool = True  #: for weak segments
    most_searched: int = 50_000  #: newest labelled rows whose features are read

    @property
    def of_a_look(self) -> Standards:
        """What is asked at one look of the many that are made of a cohort."""
        return replace(self.standards, alpha=self.standards.alpha / REPEATED)

    @property
    def digest(self) -> str:
        """Equal for policies that ask the same."""
        plain = asdict(replace(self, business=None))
        text = json.dumps([plain, self.business and self.business.name], default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """How good the answers were, by the labels that were known at a time."""

    model: str
    version: int | None  #: None for all of them
    at: datetime  #: UTC
    confidence: float
    cohort: Cohort
    figures: Figures
    parts: Mapping[str, Figures]  #: of segments
    reliability: tuple[ReliabilityBin, ...]
    weak: tuple[WeakSegment, ...]
    verdicts: tuple[Verdict, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All of it as strict JSON; the same data known at the same time give the same bytes."""
        plain: dict[str, Any] = strict(
            {
                "schema_version": SCHEMA_VERSION,
                "model": self.model,
                "model_version": self.version,
                "as_of": self.at,
                "confidence": self.confidence,
                "cohort": asdict(self.cohort),
                "metrics": {name: figure_dict(one) for name, one in self.figures.items()},
                "segments": {
                    part: {name: figure_dict(one) for name, one in figures.items()}
                    for part, figures in self.parts.items()
                },
                "reliability": [asdict(one) for one in self.reliability],
                "weak_segments": [asdict(one) for one in self.weak],
                "verdicts": [one.to_dict() for one in self.verdicts],
            }
        )
        return plain

    def records(self) -> list[Figure]:
        """The figures as they are kept; those that are not known are left out."""
        if self.version is None:
            return []
        return [
            Figure(
                model=self.model,
                version=self.version,
                segment=part,
                metric=metric,
                since=self.cohort.since,
                until=self.cohort.until,
                known_at=self.at,
                **Figure.parts(one),
            )
            for part, figures in {"": self.figures, **self.parts}.items()
            for metric, one in figures.items()
            if one.known
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessor:
    """Assesses the versions of one model."""

    store: Store
    model: str
    features: tuple[str, ...]  #: among which weak segments are looked for
    policy: AssessmentPolicy = field(default_factory=AssessmentPolicy)

    def look(self, version: Version, windows: Windows, *, at: datetime) -> tuple[Verdict, ...]:
        """The verdicts on the newest labels, written down with their figures.

        The last ones again while no label is new and nothing else is asked.

        Parameters
        ----------
        windows
            In which the predictions count, such as those without a broken feed.
        """
        basis = {
            "version": version.number,
            "gaps": len(windows) - 1,
            "policy": self.policy.digest,
        }
        newest = self.store.newest_label_at(as_of=at)
        mark = json.loads(self.store.flag(MARK.format(model=self.model)) or "{}")
        if mark.get("basis") == basis:
            when = datetime.fromisoformat(mark["at"])
            if when < at and (newest is None or newest <= when):
                held = [
                    self.store.verdicts(self.model, one, limit=1, until=at)
                    for one in mark["questions"]
                ]
                return tuple(one[0][1] for one in held if one)
        found = self.assess(version, windows, at=at)
        self.store.performance.add(found.records())
        for verdict in found.verdicts:
            self.store.add_verdict(self.model, verdict, at)
        questions = [one.question for one in found.verdicts]
        mark = {"at": at.isoformat(), "basis": basis, "questions": questions}
        self.store.set_flag(MARK.format(model=self.model), json.dumps(mark))
        return found.verdicts

    def assess(self, version: Version | None, windows: Windows, *, at: datetime) -> Assessment:
        """How good the answers of a version were, or of all without one; nothing is written."""
        labelled = self.labelled(version, windows, at=at)
        seen = labelled.performance()
        figures = seen.figures(self.policy.confidence, self.policy.values)
        broken = self._add_business(labelled, figures)
        parts, weak = self._parts(labelled)
        found = Assessment(
            model=self.model,
            version=version.number if version else None,
            at=at,
            confidence=self.policy.confidence,
            cohort=labelled.cohort,
            figures=figures,
            parts=parts,
            reliability=seen.reliability,
            weak=weak,
        )
        return replace(found, verdicts=self._verdicts(found, version, broken))

    def labelled(self, version: Version | None, windows: Windows, *, at: datetime) -> Labelled:
        """The labelled rows that count, with what each stands for."""
        since = min([at - self.policy.due, *(begin for begin, _ in windows)])
        served = self.store.performance.served(self.model, since=since, until=at, as_of=at)
        return cohort_of(served, None if version is None else version.number, windows)

    def by_part(self, labelled: Labelled, names: Sequence[str]) -> dict[str, Figures]:
        """The figures of each part; `names` says of every labelled row which it is in."""
        places = np.array(names, dtype=object)
        return {
            part: labelled.only(places == part)
            .performance()
            .figures(self.policy.confidence, self.policy.values)
            for part in sorted(set(names))
        }

    def _add_business(self, labelled: Labelled, figures: dict[str, Estimate]) -> str | None:
        """Add what the business metric says; what is wrong with it, if anything."""
        if self.policy.business is None:
            return None
        rows = (labelled.labels, labelled.answers, labelled.probabilities)
        random = np.random.default_rng(0)  # the same rows give the same interval
        try:
            figures["business_value"] = self.policy.business.figure(
                rows, labelled.weights, random, self.policy.confidence
            )
        except UserError as error:
            return str(error)
        return None

    def _parts(self, labelled: Labelled) -> tuple[dict[str, Figures], tuple[WeakSegment, ...]]:
        if not (self.policy.segments or self.policy.search) or not len(labelled):
            return {}, ()
        newest = labelled.newest(self.policy.most_searched)
        rows = self.store.performance.rows(newest.ids)
        parts: dict[str, Figures] = {}
        for one in self.policy.segments:
            parts |= self.by_part(newest, [one.part(row) for row in rows])
        if not self.policy.search:
            return parts, ()
        searched = Searched(
            labels=newest.labels,
            probabilities=newest.probabilities,
            weights=newest.weights,
            groups=group_rows(rows, self.features),
            half=np.arange(len(newest)) % 2 == 0,
        )
        standards = self.policy.of_a_look
        weak = weak_segments(searched, alpha=standards.alpha, asked=standards.weak_effect)
        return parts, weak

    def _verdicts(
        self, found: Assessment, version: Version | None, broken: str | None
    ) -> tuple[Verdict, ...]:
        standards, rows = self.policy.of_a_look, found.cohort.labelled
        verdicts = []
        if broken is not None:
            verdicts.append(Verdict(question="thresholds", outcome=Outcome.ERROR, reason=broken))
        elif standards.limits:
            verdicts.append(judge_thresholds(found.figures, standards, rows))
        reference = {} if version is None else self._reference(version, at=found.at)
        if reference:
            verdicts.append(judge_degradation(found.figures, reference, standards, rows))
        if self.policy.search or (found.parts and standards.limits):
            verdicts.append(judge_segments(found.parts, found.weak, standards, rows))
        told = {"version": found.version, "cohort": strict(asdict(found.cohort))}
        span = (found.cohort.since, found.cohort.until)
        window = (span[0], span[1]) if span[0] and span[1] else None
        return tuple(
            replace(one, details={**one.details, **told}, window=window) for one in verdicts
        )

    def _reference(self, version: Version, *, at: datetime) -> Figures:
        """The frozen figures of a version: on the golden rows, or else those of its making."""
        kept = self.store.performance.newest(
            self.model, version.number, kind=FigureKind.REFERENCE, as_of=at
        )
        if kept:
            return {one.metric: one.estimate for one in kept}
        return figures_of_metrics(version.metrics, self.policy.confidence)


def golden_figures(
    version: Version, labels: NDArray[np.int64], probabilities: NDArray[np.float64]
) -> list[Figure]:
    """The figures of a new version on rows that it was not fitted on, to be frozen with it."""
    answers = (probabilities >= version.threshold).astype(np.int64)
    seen = Performance.of(labels, answers, probabilities).figures()
    return [
        Figure(
            model=version.model,
            version=version.number,
            kind=FigureKind.REFERENCE,
            metric=metric,
            since=None,
            until=None,
            known_at=version.created_at,
            **Figure.parts(one),
        )
        for metric, one in seen.items()
        if one.known
    ]


def champion_at(store: Store, model: str, at: datetime) -> int | None:
    """The version that was in service at a time, by the decisions; None when none was."""
    for one in store.decisions(model, limit=10_000):
        if one.decided_at <= at and one.version_after is not None:
            return one.version_after
    return None


def figure_dict(one: Estimate) -> dict[str, Any]:
    """A figure as it stands in JSON."""
    names = ("value", "lower", "upper", "n", "method", *(("bias",) if one.bias else ()))
    return {name: getattr(one, name) for name in names}
