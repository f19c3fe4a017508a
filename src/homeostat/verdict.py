"""What was seen, and what it means: Measurement, Outcome, Verdict."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["Measurement", "Outcome", "Verdict", "worst"]


class Outcome(StrEnum):
    """The answer to a question.  Only PASS is good news."""

    PASS = "PASS"  # noqa: S105  # an outcome, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"  #: too little data to tell
    ERROR = "ERROR"  #: could not look


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number with everything needed to read it."""

    subject: str  #: the feature, "probability", or the name of what else was measured
    statistic: str
    value: float
    p_value: float | None = None  #: in [0, 1]; None where the statistic has none
    effect: float = 0.0  #: size of the difference, in the statistic's own unit
    asked: float | None = None  #: the effect that matters; None when only reported
    minimum_detectable_effect: float | None = None  #: seen in 80 of 100 windows of this size
    n_reference: int
    n_current: int
    drifted: bool = False
    partner: str | None = None  #: the other feature, where a pair was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to one question, with the number seen and the number asked."""

    question: str
    outcome: Outcome
    reason: str
    measurements: tuple[Measurement, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)  #: plain numbers, strings and lists
    window: tuple[datetime, datetime] | None = None  #: [since, until), UTC

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data that JSON can hold; times as ISO 8601."""
        plain = asdict(self)
        plain["outcome"] = self.outcome.value
        plain["measurements"] = [asdict(one) for one in self.measurements]
        plain["window"] = [t.isoformat() for t in self.window] if self.window else None
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Verdict":
        """The verdict that `to_dict` wrote."""
        window = plain["window"]
        return cls(
            question=plain["question"],
            outcome=Outcome(plain["outcome"]),
            reason=plain["reason"],
            measurements=tuple(Measurement(**one) for one in plain["measurements"]),
            details=plain["details"],
            window=(datetime.fromisoformat(window[0]), datetime.fromisoformat(window[1]))
            if window
            else None,
        )


_SEVERITY = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.ERROR: 2, Outcome.FAIL: 3}


def worst(outcomes: list[Outcome]) -> Outcome:
    """FAIL before ERROR before INCONCLUSIVE before PASS; INCONCLUSIVE when there are none.

    Examples
    --------
    >>> worst([Outcome.PASS, Outcome.ERROR])
    <Outcome.ERROR: 'ERROR'>
    """
    return max(outcomes, key=_SEVERITY.__getitem__, default=Outcome.INCONCLUSIVE)
