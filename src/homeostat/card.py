"""Reading what a model card says from the store and the verified files of the version."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from homeostat.account.card import Card, Gate, Step
from homeostat.account.gather import performance_report, walk
from homeostat.account.performance import PerformanceRow
from homeostat.past import champion_at
from homeostat.policy import DriftPolicy, judge_drift
from homeostat.reference import Reference
from homeostat.registry import read_description, read_parity
from homeostat.store import Entry, Kind, Span, Store
from homeostat.verdict import Measurement, Verdict
from homeostat.version import Version

__all__ = ["CardMaker"]

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMaker:
    """Reads the evidence on the versions of one model."""

    store: Store
    model: str
    artifacts: Path
    policy: DriftPolicy

    def card(self, number: int, *, as_of: datetime) -> Card:
        """What is known of a version at a time.

        Raises
        ------
        NotFound
            When there is no such version.
        StateError
            When its files are not those that were registered.
        """
        version = self.store.version(self.model, number)
        described = read_description(self.artifacts, version)
        reference = self.store.reference(self.model, version.reference_digest)
        decisions = self._decisions(number, as_of)
        blind, rows = self._blind(version, reference, as_of)
        looks = self._looks(version, as_of)
        performance = self._performance(version, as_of)
        return Card(
            version=version,
            as_of=as_of,
            in_service=champion_at(self.store, self.model, as_of) == number,
            source=str(described.get("source", "not recorded")),
            seed=described.get("seed"),
            logged_rows=len(described.get("trained_on", ())),
            reference=reference,
            parity=read_parity(self.artifacts, version),
            gates=_gates(decisions, number),
            steps=tuple(_step(one) for one in decisions),
            looks=looks,
            performance=performance,
            blind=blind,
            window_rows=rows,
            limits=tuple(_limits(version, described, looks, performance)),
        )

    def _decisions(self, number: int, as_of: datetime) -> list[Entry]:
        """Those that name the version, oldest first."""
        span = Span(until=as_of + TICK, as_of=as_of)
        found = [
            one
            for one in walk(self.store, Kind.DECISIONS, self.model, span)
            if number in {one.body[k] for k in ("version_before", "version_after", "candidate")}
        ]
        return found[::-1]

    def _looks(self, version: Version, as_of: datetime) -> dict[str, int]:
        """Verdicts on drift while it was in service, by outcome."""
        counted: Counter[str] = Counter()
        for since, until in self._served(version.number, as_of):
            span = Span(since=since, until=until, as_of=as_of)
            found = walk(self.store, Kind.DRIFT, self.model, span)
            counted.update(str(one.body["outcome"]) for one in found)
        return dict(sorted(counted.items()))

    def _served(self, number: int, as_of: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When the version was in service, by the decisions."""
        span = Span(until=as_of + TICK, as_of=as_of)
        since: datetime | None = None
        for one in reversed(list(walk(self.store, Kind.DECISIONS, self.model, span))):
            serves = one.body["version_after"] == number
            if serves and since is None:
                since = one.at
            elif not serves and since is not None:
                yield since, one.at
                since = None
        if since is not None:
            yield since, as_of + TICK

    def _performance(self, version: Version, as_of: datetime) -> tuple[PerformanceRow, ...]:
        report = performance_report(
            self.store, self.model, since=version.created_at, as_of=max(as_of, version.created_at)
        )
        return tuple(one for one in report.versions if one.version == version.number)

    def _blind(
        self, version: Version, reference: Reference, as_of: datetime
    ) -> tuple[tuple[Measurement, ...], int]:
        """What the newest look at the version could have missed, and the rows of its window."""
        for since, until in self._served(version.number, as_of):
            span = Span(since=since, until=until, as_of=as_of, limit=1)
            for one in self.store.history.entries(Kind.DRIFT, self.model, span).entries:
                verdict = Verdict.from_dict(dict(one.body))
                if verdict.window is None:
                    continue
                window = self.store.window_profile(
                    self.model, version.number, reference.bins, *verdict.window
                )
                if not window.n:
                    continue
                judged = judge_drift(reference.profile, window, self.policy)
                return _missed(judged), window.n
        return (), 0


def _gates(decisions: Sequence[Entry], number: int) -> tuple[Gate, ...]:
    """What was asked when it was last put into service."""
    promoted = [
        one
        for one in decisions
        if (one.body["action"], one.body["version_after"]) == ("PROMOTE", number)
    ]
    if not promoted:
        return ()
    asked = {"drift", "quality", "gates"}
    return tuple(
        Gate(question=one["question"], outcome=one["outcome"], reason=one["reason"])
        for one in promoted[-1].body["verdicts"]
        if one["question"] not in asked
    )


def _step(one: Entry) -> Step:
    reasons = one.body["reasons"]
    return Step(
        at=one.at,
        action=one.body["action"],
        by=one.body["decided_by"],
        reason=reasons[0] if reasons else "no reason",
        id=one.body["id"],
    )


def _missed(verdict: Verdict) -> tuple[Measurement, ...]:
    """The question of each feature that could miss more than the effect that matters."""
    largest: dict[str, Measurement] = {}
    for one in verdict.measurements:
        least = one.minimum_detectable_effect
        if one.asked is None or least is None or least <= one.asked:
            continue
        held = largest.get(one.subject)
        if held is None or _blindness(one) > _blindness(held):
            largest[one.subject] = one
    return tuple(sorted(largest.values(), key=lambda one: (-_blindness(one), one.subject)))


def _blindness(one: Measurement) -> float:
    """How many times the effect that matters could be missed."""
    return (one.minimum_detectable_effect or 0.0) / one.asked if one.asked else 0.0


def _limits(
    version: Version,
    described: dict[str, Any],
    looks: dict[str, int],
    performance: Sequence[PerformanceRow],
) -> Iterator[str]:
    yield from map(str, described.get("notes", ()))
    if version.metrics:
        yield (
            "The figures measured when it was made are of rows that chose its threshold too; "
            "they have no interval."
        )
    else:
        yield "No figures were measured when it was made."
    if not performance:
        yield "No label has told yet how good its answers are."
    if not looks:
        yield "Nothing was looked at while it was in service."
    ranged = [one for one in version.schema.features if one.kind.is_numeric]
    free = [one.name for one in ranged if one.minimum is None and one.maximum is None]
    if free:
        yield f"Any number is taken for {', '.join(free)}: the settings give no range."
