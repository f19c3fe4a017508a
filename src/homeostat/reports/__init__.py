"""Reports: what a run of the monitoring leaves for people and other programs.

Each report stands alone.  Here is what they share: how a drift verdict reads feature by
feature, plain data that strict JSON can hold, and how a file is replaced.
"""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from homeostat.bins import PREDICTION, PROBABILITY, Bins
from homeostat.errors import Unavailable, UserError
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = [
    "DETECTED",
    "Finding",
    "Findings",
    "State",
    "excess",
    "findings",
    "replacing",
    "strict",
    "utc",
]

#: What a drift verdict says in one word; None when it cannot be told.
DETECTED: Mapping[Outcome, bool | None] = {
    Outcome.FAIL: True,
    Outcome.PASS: False,
    Outcome.INCONCLUSIVE: None,
    Outcome.ERROR: None,
}


class State(StrEnum):
    """What is known of one feature.  Only UNCHANGED is good news."""

    CHANGED = "changed"
    NOT_COMPUTED = "could not be computed"
    UNDECIDED = "too few rows to tell"
    UNTOLD = "cannot be told"
    EXCLUDED = "left out"
    REPORTED = "reported only"
    UNCHANGED = "no change seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a drift verdict says of one feature."""

    subject: str
    state: State
    reason: str  #: with the number seen and the number asked
    main: Measurement | None = None  #: the test that decided
    tests: tuple[Measurement, ...] = ()

    @property
    def drifted(self) -> bool | None:
        """None when it cannot be told."""
        return {State.CHANGED: True, State.UNCHANGED: False}.get(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A drift verdict, feature by feature.

    Every feature is either evaluated or excluded, so the two numbers add up to all.
    """

    features: tuple[Finding, ...]  #: in the order of the bins
    others: tuple[Finding, ...]  #: the model's answers, and whatever else was measured

    @property
    def drifted(self) -> int:
        """How many features changed."""
        return sum(one.drifted is True for one in self.features)

    @property
    def evaluated(self) -> int:
        """How many features have an answer."""
        return sum(one.drifted is not None for one in self.features)

    @property
    def excluded(self) -> dict[str, str]:
        """The features without an answer, and why."""
        return {one.subject: one.reason for one in self.features if one.drifted is None}

    @property
    def share(self) -> float | None:
        """Drifted features as a share of those evaluated; None when there are none."""
        return self.drifted / self.evaluated if self.evaluated else None


def findings(verdict: Verdict, bins: Bins) -> Findings:
    """What `verdict` says of each feature of the reference's `bins`.

    A feature that the verdict does not mention was not looked at, which is not "unchanged".
    """
    answers = (PROBABILITY, PREDICTION)
    names = [one.name for one in bins.features if one.name not in answers]
    rest = [name for name in answers if name in bins.index]
    rest += [one.subject for one in verdict.measurements if one.subject not in bins.index]
    return Findings(
        features=tuple(_finding(name, verdict) for name in names),
        others=tuple(_finding(name, verdict) for name in dict.fromkeys(rest)),
    )


def excess(one: Measurement) -> float:
    """How many times the effect that matters was seen; 0 when none was asked for or seen."""
    if one.asked is None or not math.isfinite(one.effect) or one.effect <= 0:
        return 0.0
    return one.effect / one.asked if one.asked > 0 else math.inf


def strict(value: Any) -> Any:
    """`value` as strict JSON can hold it: NaN and infinities become None, times ISO in UTC."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return utc(value).isoformat()
    if isinstance(value, Mapping):
        return {str(key): strict(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [strict(one) for one in value]
    return value


def utc(at: datetime) -> datetime:
    """The same instant in UTC; a time without a zone is refused."""
    if at.tzinfo is None:
        raise UserError(f"{at.isoformat()} has no time zone; give the time in UTC")
    return at.astimezone(UTC)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `path` once it is whole, and not before.

    On any failure `path` stays as it was.  The folder is made if need be.  Text that is not
    valid Unicode is written with backslashes.

    Raises
    ------
    Unavailable
        When the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".writing-") as folder:
            whole = Path(folder) / path.name
            with whole.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            whole.replace(path)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise Unavailable(f"{path} could not be written: {cause}; it is as it was") from error


def _finding(name: str, verdict: Verdict) -> Finding:
    tests = tuple(one for one in verdict.measurements if one.subject == name)
    questions = [one for one in tests if one.asked is not None]
    left_out = dict(verdict.details.get("excluded") or {}).get(name)
    drifted = [one for one in questions if one.drifted]
    broken = [one for one in questions if not _computed(one)]
    main = max(drifted or broken or questions or tests, key=excess, default=None)
    state = _state(main, verdict, left_out=left_out is not None)
    reason = _reason(state, main, verdict) if state is not State.EXCLUDED else str(left_out)
    if state is State.CHANGED and left_out is not None:
        reason = f"{reason}; not compared otherwise: {left_out}"
    return Finding(subject=name, state=state, reason=reason, main=main, tests=tests)


def _state(main: Measurement | None, verdict: Verdict, *, left_out: bool) -> State:
    if main is not None and main.asked is not None and main.drifted:
        return State.CHANGED
    if main is not None and main.asked is not None and not _computed(main):
        return State.NOT_COMPUTED
    if left_out:
        return State.EXCLUDED
    if main is None:
        few = verdict.outcome is Outcome.INCONCLUSIVE
        return State.UNDECIDED if few else State.NOT_COMPUTED
    if main.asked is None:
        return State.REPORTED
    told = verdict.outcome in {Outcome.PASS, Outcome.FAIL} or main.minimum_detectable_effect
    return State.UNCHANGED if told else State.UNDECIDED


def _computed(one: Measurement) -> bool:
    numbers = (one.value, one.effect, one.p_value)
    return all(number is not None and math.isfinite(number) for number in numbers)


def _reason(state: State, main: Measurement | None, verdict: Verdict) -> str:
    if main is None:
        looked = verdict.outcome in {Outcome.PASS, Outcome.FAIL}
        return "it was not measured" if looked else verdict.reason
    if state is State.NOT_COMPUTED:
        lacking = "p-value" if math.isfinite(main.value + main.effect) else "number"
        return f"{main.statistic} gave no {lacking}"
    if main.asked is None:
        return f"{main.statistic} {main.value:.3g} seen; no size asked"
    seen = f"{main.statistic} {main.effect:.3g} seen, {main.asked:.3g} asked"
    smallest = main.minimum_detectable_effect
    if state is State.UNCHANGED and smallest is not None and smallest > main.asked:
        return f"{seen}; a change under {smallest:.3g} may be missed"
    return seen
