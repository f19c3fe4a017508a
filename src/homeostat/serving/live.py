"""How the service and its model do right now: health, live drift, and what is expected of both."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, Field
from scipy.special import bdtrc

from homeostat.bins import PROBABILITY
from homeostat.expected import Expected, ExpectedPolicy, Moments, judge_expected
from homeostat.liveness import LIVENESS, LivenessPolicy, State
from homeostat.serving.baseline import Baseline
from homeostat.serving.champion import Champions
from homeostat.store import Store
from homeostat.traffic import Traffic, total_traffic
from homeostat.verdict import Outcome, Verdict
from homeostat.vigil import SERVICE, Vigil

__all__ = ["Issue", "Live", "LiveCheck", "LiveDrift", "LiveHealth", "LoopHealth"]

MINUTE = timedelta(minutes=1)

#: Error rate from which on a service is degraded, and mean latency that is worth a warning:
#: those of the monitoring that the routes are compatible with.
MOST_ERRORS, SLOWEST_MS = 0.05, 1_000.0

#: Requests under which neither is judged, and the chance that errors at just `MOST_ERRORS`
#: are called more.
LEAST_REQUESTS, ALPHA = 20, 0.01

#: Effect from which on a change counts as high.
HIGH = {"mean_shift": 0.5, "variance_change": 0.35, "latency_anomaly": 1.0}


class Issue(BaseModel):
    """Something that is wrong."""

    kind: str = Field(description="error_rate, latency, drift, model or liveness")
    severity: str = Field(description="medium or high")
    message: str


class LoopHealth(BaseModel):
    """One loop of the model."""

    loop: str
    state: str = Field(description="alive, dead, stalled, erring or free: nothing was promised")
    last_success_at: datetime | None
    problem: str = Field(description="what the last failure said")


class LiveHealth(BaseModel):
    """How the service does: degraded with an issue of high severity, else warning with any."""

    status: str = Field(description="healthy, warning or degraded")
    model_name: str
    model_version: str | None
    requests: int = Field(description="of the last hour")
    error_rate: float | None
    avg_latency_ms: float | None
    issues: list[Issue]
    loops: list[LoopHealth] = Field(description="when each last did its work")
    timestamp: datetime


class LiveCheck(BaseModel):
    """One comparison of what is seen with what is expected."""

    type: str = Field(description="mean_shift, variance_change or latency_anomaly")
    z_score: float | None = Field(description="null where all scores are equal")
    p_value: float | None = Field(description="after correction for all that was asked")
    effect: float | None
    effect_asked: float
    drift_detected: bool
    severity: str = Field(description="none, medium or high")
    n: int


class LiveDrift(BaseModel):
    """What the last hours look like beside what is expected, and beside the reference."""

    model_name: str
    model_version: str
    outcome: str = Field(description="PASS, FAIL or INCONCLUSIVE")
    drift_detected: bool | None = Field(description="null when it cannot be told")
    reason: str
    checks: list[LiveCheck]
    baseline: str = Field(description="given, or that of the version's reference")
    hours: float
    data_drift: dict[str, Any] | None = Field(
        description="the newest verdict of the monitor on all features, if there is one"
    )
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class Live:
    """Looks at the newest rows and requests; writes nothing but the baseline."""

    store: Store
    champions: Champions
    clock: Callable[[], datetime]
    policy: ExpectedPolicy = field(default_factory=ExpectedPolicy)
    liveness: LivenessPolicy = field(default_factory=LivenessPolicy)

    async def health(self) -> LiveHealth:
        """Whether anything of the last hour is wrong."""
        return await asyncio.to_thread(self._health)

    async def drift(self, *, hours: float) -> LiveDrift:
        """The last hours beside what is expected.

        Raises
        ------
        Unavailable
            When no version is in service.
        """
        champion = await self.champions.get()
        return await asyncio.to_thread(self._drift, champion.version.number, hours)

    async def expect(self, baseline: Baseline) -> Baseline:
        """Keep what is expected; what was kept before is replaced."""
        text = baseline.model_dump_json()
        await asyncio.to_thread(self.store.set_flag, self._flag, text)
        return baseline

    @property
    def _flag(self) -> str:
        return f"baseline:{self.champions.model}"

    def _traffic(self, length: timedelta) -> Traffic:
        now = self.clock()
        seen = self.store.traffic(self.champions.model, since=now - length, until=now + MINUTE)
        return total_traffic(seen.values())

    def _health(self) -> LiveHealth:
        traffic = self._traffic(timedelta(hours=1))
        vigil = Vigil(store=self.store, model=self.champions.model, policy=self.liveness)
        alive = vigil.judge(now=self.clock(), without={SERVICE})  # it answers
        issues = [*_traffic_issues(traffic), *self._model_issues(), *_liveness_issues(alive)]
        severities = {one.severity for one in issues}
        current = self.champions.current
        worst = "degraded" if "high" in severities else "warning"
        return LiveHealth(
            status=worst if issues else "healthy",
            model_name=self.champions.model,
            model_version=str(current.version.number) if current else None,
            requests=traffic.requests,
            error_rate=traffic.error_rate,
            avg_latency_ms=None if traffic.mean_s is None else 1_000 * traffic.mean_s,
            issues=issues,
            loops=self._loops(alive.details["states"]),
            timestamp=self.clock(),
        )

    def _model_issues(self) -> list[Issue]:
        found = []
        if self.champions.current is None:
            message = self.champions.problem or "no model is loaded yet"
            found.append(Issue(kind="model", severity="high", message=message))
        elif self.champions.problem:
            found.append(Issue(kind="model", severity="medium", message=self.champions.problem))
        verdict = self._newest_verdict()
        if verdict is not None and verdict[1].outcome is Outcome.FAIL:
            found.append(Issue(kind="drift", severity="medium", message=verdict[1].reason))
        return found

    def _loops(self, states: Mapping[str, str]) -> list[LoopHealth]:
        return [
            LoopHealth(
                loop=one.loop,
                state=states.get(one.loop, State.ALIVE.value),
                last_success_at=one.succeeded_at,
                problem=one.problem,
            )
            for one in self.store.heart.beats(self.champions.model)
        ]

    def _newest_verdict(self) -> tuple[datetime, Verdict] | None:
        held = self.store.verdicts(self.champions.model, "drift", limit=1)
        return held[0] if held else None

    def _drift(self, number: int, hours: float) -> LiveDrift:
        given = self.store.flag(self._flag)
        baseline = Baseline.model_validate_json(given) if given else None
        scores, latency = self._seen(number, timedelta(hours=hours), baseline)
        verdict = judge_expected(scores, latency, self.policy)
        newest = self._newest_verdict()
        told = verdict.outcome is not Outcome.INCONCLUSIVE
        return LiveDrift(
            model_name=self.champions.model,
            model_version=str(number),
            outcome=verdict.outcome.value,
            drift_detected=verdict.outcome is Outcome.FAIL if told else None,
            reason=verdict.reason,
            checks=_checks(verdict),
            baseline="given" if baseline else "reference",
            hours=hours,
            data_drift=None if newest is None else _told(*newest),
            timestamp=self.clock(),
        )

    def _seen(
        self, number: int, length: timedelta, baseline: Baseline | None
    ) -> tuple[tuple[Moments, Expected] | None, tuple[Moments, Expected] | None]:
        """Scores and latencies beside what is expected of them."""
        now, model = self.clock(), self.champions.model
        version = self.store.version(model, number)
        reference = self.store.reference(model, version.reference_digest)
        window = self.store.window_profile(
            model, number, reference.bins, now - length, now + MINUTE
        )
        seen = Moments.of(window.feature(PROBABILITY))
        usual = Moments.of(reference.profile.feature(PROBABILITY))
        if baseline is not None:
            expected = Expected(mean=baseline.mean_prediction, deviation=baseline.std_prediction)
        elif usual is not None and usual.deviation > 0:
            expected = Expected(mean=usual.mean, deviation=usual.deviation)
        else:
            return None, None
        scores = None if seen is None else (seen, expected)
        return scores, _latency(self._traffic(length), baseline)


def _latency(traffic: Traffic, baseline: Baseline | None) -> tuple[Moments, Expected] | None:
    mean_s, deviation_s = traffic.mean_s, traffic.deviation_s
    if baseline is None or baseline.mean_latency_ms is None or baseline.std_latency_ms is None:
        return None
    if mean_s is None or deviation_s is None:
        return None
    seen = Moments(n=traffic.answered, mean=1_000 * mean_s, deviation=1_000 * deviation_s)
    return seen, Expected(mean=baseline.mean_latency_ms, deviation=baseline.std_latency_ms)


def _traffic_issues(traffic: Traffic) -> list[Issue]:
    found = []
    asked = traffic.answered + traffic.failed
    if asked >= LEAST_REQUESTS and bdtrc(traffic.failed - 1, asked, MOST_ERRORS) < ALPHA:
        message = (
            f"{traffic.failed:,} of {asked:,} requests failed in the last hour, "
            f"{traffic.failed / asked:.1%}; {MOST_ERRORS:.0%} are allowed"
        )
        found.append(Issue(kind="error_rate", severity="high", message=message))
    if traffic.answered >= LEAST_REQUESTS and 1_000 * (traffic.mean_s or 0.0) > SLOWEST_MS:
        message = (
            f"{traffic.answered:,} answers took {1_000 * (traffic.mean_s or 0.0):,.0f} ms on "
            f"average in the last hour; {SLOWEST_MS:,.0f} ms are allowed"
        )
        found.append(Issue(kind="latency", severity="medium", message=message))
    return found


def _liveness_issues(verdict: Verdict) -> list[Issue]:
    if not verdict.details["troubled"]:
        return []
    severity = "high" if verdict.outcome is Outcome.FAIL else "medium"
    return [Issue(kind=LIVENESS, severity=severity, message=verdict.reason)]


def _checks(verdict: Verdict) -> list[LiveCheck]:
    return [
        LiveCheck(
            type=one.statistic,
            z_score=_finite(one.value),
            p_value=one.p_value,
            effect=_finite(one.effect),
            effect_asked=one.asked or 0.0,
            drift_detected=one.drifted,
            severity="none"
            if not one.drifted
            else ("high" if one.effect >= HIGH[one.statistic] else "medium"),
            n=one.n_current,
        )
        for one in verdict.measurements
    ]


def _told(at: datetime, verdict: Verdict) -> dict[str, Any]:
    return {
        "at": at.isoformat(),
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "drifted": list(verdict.details.get("drifted", [])),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
