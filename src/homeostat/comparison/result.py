"""What a comparison says, and how it is handed on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from homeostat.policy import DriftPolicy, Severity
from homeostat.profile import Profile
from homeostat.reports import Finding, State, strict
from homeostat.schema import Kind
from homeostat.verdict import Measurement, Outcome

__all__ = ["SCHEMA_VERSION", "Comparison", "FeatureComparison"]

#: Of what `Comparison.to_dict` gives; grows when a key goes or changes its meaning.
SCHEMA_VERSION = 1

_STATES = {
    Outcome.PASS: State.UNCHANGED,
    Outcome.FAIL: State.CHANGED,
    Outcome.INCONCLUSIVE: State.UNTOLD,
    Outcome.ERROR: State.NOT_COMPUTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureComparison:
    """What was found in one column."""

    name: str
    outcome: Outcome
    reason: str  #: with the number seen and the number asked
    kind: Kind | None = None  #: None when it could not be compared
    severity: Severity = Severity.NONE
    #: The question with the largest effect beside the asked one.
    main: Measurement | None = field(default=None, repr=False)
    measurements: tuple[Measurement, ...] = field(default=(), repr=False)

    @property
    def effect(self) -> float | None:
        """Size of the difference, in the unit of ``main.statistic``; None when not measured."""
        return None if self.main is None else self.main.effect

    @property
    def minimum_detectable_effect(self) -> float | None:
        """The smallest effect that so many rows show in 80 of 100 cases; None where unknown."""
        return None if self.main is None else self.main.minimum_detectable_effect

    @property
    def finding(self) -> Finding:
        """The same as reports know it."""
        return Finding(
            subject=self.name,
            state=_STATES[self.outcome],
            reason=self.reason,
            main=self.main,
            tests=self.measurements,
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        main = self.main
        return {
            "outcome": self.outcome.value,
            "reason": self.reason,
            "severity": self.severity.value,
            "kind": None if self.kind is None else self.kind.value,
            "statistic": None if main is None else main.statistic,
            "effect": self.effect,
            "asked": None if main is None else main.asked,
            "minimum_detectable_effect": self.minimum_detectable_effect,
            "measurements": [_measurement(one) for one in self.measurements],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Whether two samples differ, column by column."""

    outcome: Outcome
    reason: str
    features: Mapping[str, FeatureComparison] = field(repr=False)  #: by column, in their order
    together: FeatureComparison | None = field(default=None, repr=False)  #: what none shows alone
    #: By column, the AUC that the classifier loses without it; only where it was asked.
    given_away_by: Mapping[str, float] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)  #: no features, and why
    policy: DriftPolicy = field(repr=False)
    rows: tuple[int, int] | None  #: of the reference and the current data; None: not counted
    reference: Profile = field(repr=False)
    current: Profile = field(repr=False)

    @property
    def severity(self) -> Severity:
        """The worst of all columns."""
        order = list(Severity)
        found = (one.severity for one in self.features.values())
        return max(found, key=order.index, default=Severity.NONE)

    @property
    def changed(self) -> list[str]:
        """The columns that changed, by how far they are beyond the effect asked."""
        failed = [one for one in self.features.values() if one.outcome is Outcome.FAIL]
        return [one.name for one in sorted(failed, key=_excess, reverse=True)]

    @property
    def untold(self) -> dict[str, str]:
        """The columns of which nothing can be told, and why."""
        unknown = {Outcome.INCONCLUSIVE, Outcome.ERROR}
        return {one.name: one.reason for one in self.features.values() if one.outcome in unknown}

    def to_dict(self) -> dict[str, Any]:
        """The report as strict JSON can hold it; docs/reference/comparison.md has its schema."""
        before, now = (None, None) if self.rows is None else self.rows
        plain: dict[str, Any] = strict(
            {
                "schema_version": SCHEMA_VERSION,
                "outcome": self.outcome.value,
                "reason": self.reason,
                "severity": self.severity.value,
                "n_reference": before,
                "n_current": now,
                "alpha": self.policy.alpha,
                "min_rows": self.policy.min_rows,
                "changed": self.changed,
                "features": {name: one.to_dict() for name, one in self.features.items()},
                "together": None if self.together is None else self.together.to_dict(),
                "given_away_by": self.given_away_by,
                "left_out": self.left_out,
            }
        )
        return plain

    def to_html(self, *, title: str = "Reference and current data") -> str:
        """The report as one HTML page that needs nothing else to be read."""
        from homeostat.reports.html.comparison import ComparisonPage, comparison_html

        page = ComparisonPage(
            title=title,
            outcome=self.outcome,
            reason=self.reason,
            features=tuple(one.finding for one in self.features.values()),
            together=None if self.together is None else self.together.finding,
            given_away_by=self.given_away_by,
            severities={one.name: one.severity.value for one in self.features.values()},
            left_out=self.left_out,
            rows=self.rows,
            alpha=self.policy.alpha,
            min_rows=self.policy.min_rows,
        )
        return comparison_html(page, self.reference, self.current)

    def to_evidently(self, *, at: datetime | None = None) -> Any:
        """An Evidently ``Run`` that holds these results, for its files and workspaces.

        Parameters
        ----------
        at
            Time of the run, which must have a zone; the present when None.

        Raises
        ------
        UserError
            When Evidently is not installed: ``pip install 'homeostat[evidently]'``.
        """
        from homeostat.reports.evidently import evidently_snapshot

        findings = [one.finding for one in self.features.values()]
        return evidently_snapshot(findings, at=at or datetime.now(UTC), alpha=self.policy.alpha)


def _measurement(one: Measurement) -> dict[str, Any]:
    plain = asdict(one)
    del plain["subject"]
    return plain


def _excess(one: FeatureComparison) -> float:
    return one.main.effect / one.main.asked if one.main and one.main.asked else 0.0
