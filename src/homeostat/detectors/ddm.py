"""Drift detection method: the error rate against its lowest so far."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

from homeostat.detectors import DETECTORS, number, plain, require, restored
from homeostat.errors import UserError

__all__ = ["Ddm", "DdmState"]


@dataclass(frozen=True, slots=True)
class DdmState:
    """The errors since the last restart, and the lowest rate with its standard error."""

    n: int
    alarmed_at: int | None
    since: int  #: values since the last restart
    errors: int  #: of these
    lowest: float
    spread: float  #: standard error of the lowest
    statistic: float  #: by how many of these standard errors the rate lies above the lowest
    threshold: float

    @property
    def alarm(self) -> bool:
        """Whether the last value set off an alarm."""
        return self.alarmed_at == self.n

    def to_dict(self) -> dict[str, Any]:
        """The state as plain data."""
        return plain(self)


@DETECTORS.register("ddm")
@dataclass(frozen=True, slots=True, kw_only=True)
class Ddm:
    r"""Signals that a model makes more errors than it did at its best.

    Takes 1 for an error and 0 for none.  With the error rate p and its standard error s, and
    both where their sum was lowest,

    .. math:: p + s \ge p_{\min} + 3 s_{\min}, \quad s = \sqrt{p (1 - p) / n}

    is an alarm, and all starts anew.  One error and one success are counted beforehand, so
    that a series without errors is no certainty and its first error no alarm.  The threshold
    of 3 is a rule of thumb: the lowest is chosen among all n, so no run length is promised.
    It sees no fall, and the longer the series, the slower it sees a rise.

    References
    ----------
    Gama, Medas, Castillo and Rodrigues (2004), SBIA, LNCS 3171; the rate: Laplace's rule of
    succession.

    Examples
    --------
    >>> detector = Ddm(grace=3)
    >>> state = detector.start()
    >>> for error in (0, 0, 0, 0, 1, 1, 1, 1):
    ...     state = detector.update(state, error)
    >>> state.errors, round(state.lowest, 3), round(state.statistic, 2), state.alarm
    (4, 0.167, 3.23, True)
    """

    threshold: float = 3.0  #: standard errors that are an alarm
    warning: float = 2.0  #: standard errors that are a warning, see `warns`
    grace: int = 30  #: values before the first alarm is possible

    def __post_init__(self) -> None:
        require(
            "ddm",
            {
                f"threshold must be over warning, not {self.threshold:g}": (
                    self.warning < self.threshold < float("inf")
                ),
                f"warning must be over 1, not {self.warning:g}": self.warning > 1,
                f"grace must be at least 1, not {self.grace}": self.grace >= 1,
            },
        )

    @property
    def run_length(self) -> None:
        """None: three standard errors above the luckiest moment promise nothing."""
        return

    def start(self) -> DdmState:
        """No value."""
        return DdmState(0, None, 0, 0, 1.0, 0.0, 0.0, self.threshold)

    def update(self, state: DdmState, value: float) -> DdmState:
        """The rate after one more value, afresh after an alarm."""
        n = state.n + 1
        error = _error(value, n)
        if state.alarmed_at == state.n:
            since, errors, lowest, least = 1, error, 1.0, 0.0
        else:
            since, errors = state.since + 1, state.errors + error
            lowest, least = state.lowest, state.spread
        rate = (errors + 1) / (since + 2)
        spread = sqrt(rate * (1 - rate) / (since + 2))
        if since >= self.grace and (least == 0 or rate + spread <= lowest + least):
            lowest, least = rate, spread
        above = (rate + spread - lowest) / least if least else 0.0
        alarmed_at = n if above >= self.threshold else state.alarmed_at
        return DdmState(n, alarmed_at, since, errors, lowest, least, above, self.threshold)

    def warns(self, state: DdmState) -> bool:
        """Whether the rate lies in the zone of warning, or beyond."""
        return state.statistic >= self.warning

    def from_dict(self, plain: dict[str, Any]) -> DdmState:
        """The state that `DdmState.to_dict` wrote."""
        return restored(DdmState, plain)


def _error(value: float, n: int) -> int:
    error = number(value, n)
    if error not in {0.0, 1.0}:
        message = f"value {n} of the series is {value!r}; ddm takes 1 for an error and 0 for none"
        raise UserError(message)
    return int(error)
