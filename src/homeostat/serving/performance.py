"""How good the answers were, as the last look at the labels saw it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.verdict import Verdict

__all__ = ["FigureAnswer", "PerformanceAnswer", "VerdictAnswer", "known_performance"]

QUESTIONS = ("thresholds", "degradation", "segments")
TICK = timedelta(microseconds=1)


class FigureAnswer(BaseModel):
    """One figure with its interval."""

    value: float
    lower: float | None = Field(description="null when unbounded")
    upper: float | None = Field(description="null when unbounded")
    n: int = Field(description="rows that it rests on")
    method: str = Field(description="of the interval")


class VerdictAnswer(BaseModel):
    """What was answered to one question about the figures."""

    outcome: str = Field(description="PASS, FAIL, INCONCLUSIVE or ERROR")
    reason: str = Field(description="with the number seen and the number asked")
    at: datetime = Field(description="UTC, of the look")


class PerformanceAnswer(BaseModel):
    """How good the answers of one version were."""

    model_name: str
    model_version: str
    known_at: datetime | None = Field(description="UTC, of the look; null before the first")
    since: datetime | None = Field(description="UTC, of the first labelled prediction")
    until: datetime | None = Field(description="UTC, of the last labelled prediction")
    metrics: Mapping[str, FigureAnswer] = Field(description="of all labelled rows")
    segments: Mapping[str, Mapping[str, FigureAnswer]] = Field(description="of declared parts")
    verdicts: Mapping[str, VerdictAnswer] = Field(description="by question")


def known_performance(
    store: Store, model: str, version: int | None, as_of: datetime | None
) -> PerformanceAnswer:
    """What was measured last of a version, up to and including `as_of`.

    Raises
    ------
    NotFound
        When the version is not registered, or none is in service.
    """
    if version is None:
        raise NotFound(f"no version of {model!r} is in service; name one with ?version=")
    store.version(model, version)
    at = as_of.replace(tzinfo=UTC) if as_of is not None and as_of.tzinfo is None else as_of
    figures = store.performance.newest(model, version, as_of=at)
    parts: dict[str, dict[str, FigureAnswer]] = {}
    for one in figures:
        answer = FigureAnswer(
            value=one.value, lower=one.lower, upper=one.upper, n=one.n, method=one.method
        )
        parts.setdefault(one.segment, {})[one.metric] = answer
    newest = figures[0] if figures else None
    return PerformanceAnswer(
        model_name=model,
        model_version=str(version),
        known_at=newest.known_at if newest else None,
        since=newest.since if newest else None,
        until=newest.until if newest else None,
        metrics=parts.pop("", {}),
        segments=parts,
        verdicts=_verdicts(store, model, version, at),
    )


def _verdicts(
    store: Store, model: str, version: int, at: datetime | None
) -> dict[str, VerdictAnswer]:
    found: dict[str, VerdictAnswer] = {}
    for question in QUESTIONS:
        until = None if at is None else at + TICK
        for when, verdict in store.verdicts(model, question, limit=20, until=until):
            if _of(verdict, version):
                found[question] = VerdictAnswer(
                    outcome=verdict.outcome.value, reason=verdict.reason, at=when
                )
                break
    return found


def _of(verdict: Verdict, version: int) -> bool:
    return bool(verdict.details.get("version") == version)
