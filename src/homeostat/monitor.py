"""One look at a model: window, drift, quality, diagnosis.  Written down, not acted upon."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from homeostat.assessment import Assessor
from homeostat.bins import Bins
from homeostat.diagnosis import Cause, Diagnosis, Scene, diagnose
from homeostat.errors import Unavailable
from homeostat.estimation import Estimation
from homeostat.metrics.calibration import Calibration
from homeostat.policy import DriftPolicy, persistent
from homeostat.profile import Profile
from homeostat.quality import QualityPolicy, judge_quality
from homeostat.reference import Reference
from homeostat.registry import Tracker
from homeostat.reports.drift import drift_summary
from homeostat.reports.files import report_paths, write_reports
from homeostat.reports.html import ReportContext, drift_report_html
from homeostat.reports.monitoring import Monitored, monitoring_result
from homeostat.store import KnownLabels, ScoredLabels, Store
from homeostat.traffic import Traffic, total_traffic
from homeostat.verdict import Outcome, Verdict
from homeostat.version import Version
from homeostat.windows import Stream, judge_stream

__all__ = ["Monitor", "Observation", "WatchPolicy", "clean_windows"]

log = structlog.get_logger()

HOURS = (1, 6, 24)  #: windows of the proxy metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPolicy:
    """What is looked at, and when it counts."""

    drift: DriftPolicy = field(default_factory=DriftPolicy)
    quality: QualityPolicy = field(default_factory=QualityPolicy)
    patience: int = 3  #: failed windows in a row before a finding is confirmed
    lookback: timedelta = timedelta(hours=24)  #: length of the window
    label_days: float = 7.0  #: labels that arrived within so many days are judged
    due_days: float = 90.0  #: a label may come so long after its prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one look saw."""

    at: datetime  #: UTC
    version: int | None  #: champion; None when nothing is in service
    drift: Verdict  #: of this window alone
    quality: Verdict  #: of the newest labels
    confirmed_drift: Verdict  #: after `patience` windows
    diagnosis: Diagnosis
    performance: tuple[Verdict, ...] = ()  #: of the labels that are due: limits, reference, parts
    estimate: Verdict | None = None  #: of the quality before labels come; None: not asked
    reports: tuple[Path, ...] = ()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them, that on drift first."""
        estimate = () if self.estimate is None else (self.estimate,)
        return (self.drift, self.quality, *self.performance, *estimate)

    @property
    def health(self) -> Outcome:
        """FAIL when a drift is confirmed or quality failed; PASS when drift alone passes."""
        both = {self.confirmed_drift.outcome, self.quality.outcome}
        return Outcome.FAIL if Outcome.FAIL in both else self.confirmed_drift.outcome


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """Looks at one model."""

    store: Store
    model: str
    tracker: Tracker
    policy: WatchPolicy = field(default_factory=WatchPolicy)
    folder: Path | None = None  #: where reports go; None for none
    assessor: Assessor | None = None  #: tells how good the answers were; None: nobody asks
    estimation: Estimation | None = None  #: of quality before labels come; None: not asked
    shown: Path | None = None  #: a second folder where the drift reports are found
    _references: dict[str, Reference] = field(default_factory=dict, repr=False)

    def observe(self, *, at: datetime) -> Observation:
        """Look at the window that ends at `at`, and write down the verdicts and the reports."""
        deployment = self.store.deployment(self.model)
        if deployment is None or deployment.champion is None:
            return _nothing_in_service(self.model, at)
        version = self.store.version(self.model, deployment.champion)
        self.store.compact_profiles(self.model, until=at)
        reference = self._reference(version)
        window = self._window(version, reference, self.policy.lookback, at=at)
        stream = Stream(
            store=self.store, model=self.model, version=version.number, reference=reference
        )
        drift, judged = judge_stream(
            stream, window, self.policy.drift, lookback=self.policy.lookback, at=at
        )
        earlier = self._earlier(at)
        known = earlier[0].details if earlier else {}
        quality = self._quality(version, known, at=at)
        faults = _within(known.get("faults", {}), since=at - self.policy.lookback)
        diagnosis = diagnose(drift, quality, self._scene(stream, window, frozenset(faults), at=at))
        found = {
            "faults": _faults_after(faults, diagnosis, at),
            "broken": self._broken(known, diagnosis, at),
        }
        self.store.add_verdict(self.model, _kept(drift, found), at)
        observation = Observation(
            at=at,
            version=version.number,
            drift=drift,
            quality=quality,
            confirmed_drift=persistent([drift, *earlier], self.policy.patience),
            diagnosis=diagnosis,
            performance=self._performance(version, known, at=at),
            estimate=self._estimate(version, window, at=at),
        )
        paths = self._write(observation, version, reference, (window, judged))
        return replace(observation, reports=paths)

    def _estimate(self, version: Version, window: Profile, *, at: datetime) -> Verdict | None:
        if self.estimation is None:
            return None
        return self.estimation.look(version, window, lookback=self.policy.lookback, at=at)

    def _scene(
        self, stream: Stream, window: Profile, faults: frozenset[str], *, at: datetime
    ) -> Scene:
        """What the diagnosis looks at."""
        step = timedelta(seconds=self.policy.drift.interval_s)
        return Scene(
            reference=stream.reference.profile,
            current=window,
            newest=stream.newest(step=step, longest=self.policy.lookback, until=at),
            known_faults=faults,
        )

    def _earlier(self, at: datetime) -> list[Verdict]:
        """The verdicts on drift before this one, newest first, as many as patience asks for."""
        held = self.store.verdicts(self.model, "drift", limit=self.policy.patience, until=at)
        return [verdict for _, verdict in held]

    def _broken(self, known: dict[str, Any], seen: Diagnosis, at: datetime) -> list[list[str]]:
        """The spans of time, oldest first, whose rows came from a feed that was found broken.

        A fault is seen some time after it began and is over some time before a look no longer
        sees it, so a span begins with the window that showed it and ends with that look.
        Spans whose labels are no longer due are forgotten.
        """
        oldest = at - timedelta(days=self.policy.due_days)
        spans = [one for one in known.get("broken", []) if datetime.fromisoformat(one[1]) > oldest]
        if not _broken_now(seen):
            still_open = any(one["open"] for one in known.get("faults", {}).values())
            return [*spans[:-1], [spans[-1][0], at.isoformat()]] if spans and still_open else spans
        since = at - self.policy.lookback
        if spans and datetime.fromisoformat(spans[-1][1]) >= since:
            since = min(since, datetime.fromisoformat(spans.pop()[0]))
        return [*spans, [since.isoformat(), at.isoformat()]]

    def _reference(self, version: Version) -> Reference:
        digest = version.reference_digest
        if digest not in self._references:
            self._references[digest] = self.store.reference(self.model, digest)
        return self._references[digest]

    def _window(
        self, version: Version, reference: Reference, length: timedelta, *, at: datetime
    ) -> Profile:
        return self.store.window_profile(
            self.model, version.number, reference.bins, at - length, at
        )

    def _quality(self, version: Version, known: dict[str, Any], *, at: datetime) -> Verdict:
        """The verdict on the newest labels; the last one again when nothing is new.

        Rows of a broken feed are left out: their labels say nothing against the model.
        """
        windows = _without(known.get("broken", []), at - timedelta(days=self.policy.due_days), at)
        basis = {"version": version.number, "gaps": len(windows) - 1}
        newest = self.store.newest_label_at(as_of=at)
        held = self.store.verdicts(self.model, "quality", limit=1, until=at)
        if held:
            when, last = held[0]
            if (newest is None or newest <= when) and last.details == basis:
                return last
        known_labels = KnownLabels(since=at - timedelta(days=self.policy.label_days), as_of=at)
        parts = [
            self.store.scored_labels(
                self.model,
                since=since,
                until=until,
                known=known_labels,
                version=version.number,
            )
            for since, until in windows
        ]
        seen = sum((_calibration(part) for part in parts), Calibration())
        spans = [part.span for part in parts if part.span is not None]
        verdict = replace(
            judge_quality(seen, self.policy.quality),
            details=basis,
            window=(spans[0][0], spans[-1][1]) if spans else None,
        )
        self.store.add_verdict(self.model, verdict, at)
        return verdict

    def _performance(
        self, version: Version, known: dict[str, Any], *, at: datetime
    ) -> tuple[Verdict, ...]:
        """The verdicts on how good the answers were, but for rows of a broken feed."""
        if self.assessor is None:
            return ()
        since = at - self.assessor.policy.lookback
        return self.assessor.look(version, _without(known.get("broken", []), since, at), at=at)

    def _write(
        self,
        seen: Observation,
        version: Version,
        reference: Reference,
        windows: tuple[Profile, Profile],
    ) -> tuple[Path, ...]:
        if self.folder is None:
            return ()
        window, judged = windows
        paths = report_paths(self.folder, seen.at)
        run = Monitored(
            model=self.model,
            version=version.number,
            at=seen.at,
            since=seen.at - self.policy.lookback,
            until=seen.at,
            window=window,
            recent=self._recent(version, reference, at=seen.at),
            min_rows=self.policy.drift.min_rows,
            drift=seen.drift,
            traffic=self._traffic(at=seen.at),
            verdicts=seen.verdicts[1:],
            diagnosis=seen.diagnosis.to_dict(),
            drift_summary=paths.summary_reference,
        )
        result = monitoring_result(run)
        context = ReportContext(
            model=self.model,
            version=version.number,
            at=seen.at,
            next_step=_next_step(seen.diagnosis),
        )
        report = drift_report_html(seen.drift, reference.profile, judged, context=context)
        self._track(result, at=seen.at)
        summary = drift_summary(seen.drift, reference, at=seen.at)
        written = write_reports(
            paths, result=result, summary=summary, report=report, also=self.shown
        )
        return tuple(written)

    def _recent(
        self, version: Version, reference: Reference, *, at: datetime
    ) -> dict[int, Profile]:
        """The windows of the proxy metrics, by their hours."""
        return {
            hours: self._window(version, reference, timedelta(hours=hours), at=at)
            for hours in HOURS
        }

    def _traffic(self, *, at: datetime) -> Traffic:
        """What became of all requests of the window."""
        since = at - self.policy.lookback
        return total_traffic(self.store.traffic(self.model, since=since, until=at).values())

    def _track(self, result: dict[str, object], *, at: datetime) -> None:
        try:
            self.tracker.log_monitoring(_numbers(result), at=at)
        except Unavailable as error:
            log.warning("monitoring not logged to mlflow", model=self.model, error=str(error))


def clean_windows(
    store: Store, model: str, *, since: datetime, until: datetime, as_of: datetime | None = None
) -> list[tuple[datetime, datetime]]:
    """The parts of [since, until), oldest first, in which no feed was found broken.

    By what is known today, or was before `as_of`: a fault that is seen late takes its rows
    out all the same.
    """
    held = store.verdicts(model, "drift", limit=1, until=as_of)
    return _without(held[0][1].details.get("broken", []) if held else [], since, until)


def _without(
    spans: list[list[str]], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    windows = []
    for begin, end in ((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in spans):
        if since < min(begin, until):
            windows.append((since, min(begin, until)))
        since = max(since, end)
    return [*windows, (since, until)] if since < until else windows


def _next_step(found: Diagnosis) -> str:
    """The cause and the advice, in one sentence each."""
    if found.cause is Cause.NONE:
        return found.advice
    return f"{found.cause.value.capitalize()}: {found.reason}. {found.advice}"


def _calibration(labelled: ScoredLabels) -> Calibration:
    return Calibration.of(
        np.array(labelled.values, dtype=np.int64), np.array(labelled.probabilities, dtype=float)
    )


def _broken_now(seen: Diagnosis) -> set[str]:
    """The features whose feed is broken in the newest rows, by this look."""
    if seen.cause is not Cause.DATA_FAULT:
        return set()
    return set(seen.features) - set(seen.past)


def _within(faults: dict[str, Any], *, since: datetime) -> dict[str, Any]:
    """The faults of which rows may have been received after `since`."""
    return {k: v for k, v in faults.items() if datetime.fromisoformat(v["until"]) > since}


def _faults_after(known: dict[str, Any], seen: Diagnosis, at: datetime) -> dict[str, Any]:
    """The known faults after this look: until when their rows may have come at the latest.

    The first look that no longer sees a fault is the last at which it may have been there.
    """
    now = {name: {"until": at.isoformat(), "open": True} for name in _broken_now(seen)}
    over = {
        name: {"until": at.isoformat() if one["open"] else one["until"], "open": False}
        for name, one in known.items()
    }
    return {**over, **now}


def _kept(verdict: Verdict, found: dict[str, Any]) -> Verdict:
    """The verdict as it is written down.

    Without the measurements of a quiet window, whose reason says what it could have seen;
    with the features whose feed was found broken and when last, and the spans of all faults.
    """
    kept = verdict if verdict.outcome is Outcome.FAIL else replace(verdict, measurements=())
    return replace(kept, details={**verdict.details, **found})


def _numbers(result: dict[str, object]) -> dict[str, float]:
    """The numbers of a result that are worth a curve in MLflow, by dotted name."""
    found: dict[str, float] = {}
    for part in ("proxy_metrics", "traffic", "drift_detection", "analysis_window"):
        _collect(part, result.get(part), found)
    return found


def _collect(name: str, value: object, found: dict[str, float]) -> None:
    if isinstance(value, dict):
        for key, one in value.items():
            _collect(f"{name}.{key}", one, found)
    elif isinstance(value, bool | int | float):
        found[name] = float(value)


def _nothing_in_service(model: str, at: datetime) -> Observation:
    reason = f"no version of {model!r} is in service; promote one with `homeostat model promote`"
    verdict = Verdict(question="drift", outcome=Outcome.INCONCLUSIVE, reason=reason)
    quality = Verdict(question="quality", outcome=Outcome.INCONCLUSIVE, reason=reason)
    empty = Profile.empty(Bins(()))
    return Observation(
        at=at,
        version=None,
        drift=verdict,
        quality=quality,
        confirmed_drift=verdict,
        diagnosis=diagnose(verdict, quality, Scene(reference=empty, current=empty, newest=empty)),
    )
