"""Model card: what a version is, what it was proved by, and what is not known of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from homeostat.account.performance import PerformanceRow, interval, title_of
from homeostat.reference import Reference
from homeostat.registry import Parity
from homeostat.reports import strict
from homeostat.verdict import Measurement
from homeostat.version import Version

__all__ = ["Card", "Gate", "Step", "card_json", "card_lines"]

SHOWN = 10  #: blind spots that are named, the largest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A question that was asked before the version went into service."""

    question: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A decision about the version."""

    at: datetime
    action: str
    by: str
    reason: str
    id: str  #: of the decision, with `homeostat decision show`


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What is known of a version at a time, from the evidence alone."""

    version: Version
    as_of: datetime
    in_service: bool
    source: str  #: of the rows that it learnt from
    seed: int | None
    logged_rows: int  #: of the log among them
    reference: Reference
    parity: Parity
    gates: tuple[Gate, ...]
    steps: tuple[Step, ...]  #: oldest first
    looks: dict[str, int]  #: at drift while it was in service, by outcome
    performance: tuple[PerformanceRow, ...]  #: the newest figures with labels
    blind: tuple[Measurement, ...]  #: what could be missed, the largest first
    window_rows: int  #: of the window that this holds for
    limits: tuple[str, ...]  #: in words


def card_json(card: Card) -> dict[str, Any]:
    """The card as strict JSON; times as ISO 8601 in UTC."""
    version = card.version
    plain: dict[str, Any] = strict(
        {
            "schema_version": 1,
            "model": version.model,
            "version": version.number,
            "as_of": card.as_of,
            "in_service": card.in_service,
            "created_at": version.created_at,
            "algorithm": version.algorithm,
            "threshold": version.threshold,
            "origin": version.origin,
            "schema": version.schema.to_dict(),
            **_made_from(card),
            "gates": [asdict(one) for one in card.gates],
            "decisions": [asdict(one) for one in card.steps],
            "looks": card.looks,
            "performance": [asdict(one) for one in card.performance],
            "blind_spots": {
                "window_rows": card.window_rows,
                "features": [asdict(one) for one in card.blind],
            },
            "limits": list(card.limits),
        }
    )
    return plain


def _made_from(card: Card) -> dict[str, Any]:
    """What a version was made from and of, each named by its digest."""
    version, reference = card.version, card.reference
    return {
        "training": {
            "source": card.source,
            "data_fingerprint": version.data_fingerprint,
            "trained_until": version.trained_until,
            "logged_rows": card.logged_rows,
            "seed": card.seed,
            "metrics": dict(version.metrics),
        },
        "reference": {
            "digest": reference.digest,
            "source": reference.source,
            "rows": reference.rows,
            "created_at": reference.created_at,
            "data_fingerprint": reference.data_fingerprint,
        },
        "artefact": {
            "digest": version.digest,
            "files": dict(version.manifest),
            "compiled": card.parity.to_dict(),
        },
    }


def card_lines(card: Card) -> Iterator[str]:
    """The card for a terminal."""
    version, reference = card.version, card.reference
    state = "in service" if card.in_service else "not in service"
    yield f"{version.model} version {version.number}, {state}"
    yield f"  algorithm   {version.algorithm}, threshold {version.threshold:.4g}"
    yield f"  made        {version.created_at:%Y-%m-%d %H:%M} UTC ({version.origin})"
    yield f"  learnt from {card.source}, sha256 {version.data_fingerprint[:12]}…"
    yield f"  reference   {reference.rows:,} rows of {reference.source}, {reference.digest[:12]}…"
    yield f"  serves      {card.parity}"
    yield "Measured when it was made"
    yield from (f"  {title_of(name):<24} {value:.4g}" for name, value in version.metrics.items())
    yield "Measured since, with labels"
    for one in card.performance:
        yield f"  {title_of(one.metric):<24} {interval(one)} on {one.n:,} rows"
    if not card.performance:
        yield "  nothing so far"
    yield "Gates"
    yield from (f"  {one.question:<16} {one.outcome}  {one.reason}" for one in card.gates)
    if not card.gates:
        yield "  none were asked: it was put into service by hand, or is not in service"
    yield "Decisions"
    yield from (
        f"  {one.at:%Y-%m-%d %H:%M} {one.action} by {one.by}: {one.reason}" for one in card.steps
    )
    yield "Known limits"
    yield from (f"  {one}" for one in card.limits)
    for missed in card.blind[:SHOWN]:
        least = missed.minimum_detectable_effect or 0.0
        yield f"  {missed.subject}: a change of {missed.statistic} under {least:.3g} may be missed"
