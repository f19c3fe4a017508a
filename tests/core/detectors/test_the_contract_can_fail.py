"""A detector with one fault each, and the check that must find it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import Any

import pytest

from homeostat.detectors import restored
from homeostat.detectors.cusum import Cusum, CusumState
from homeostat.errors import UserError
from homeostat.testing.detector import NUMBERS, detector_checks

CHECKS = {check.__name__: check for check in detector_checks()}
SOUND = Cusum()


def sound_load(plain: dict[str, Any]) -> CusumState:
    return restored(CusumState, plain)


@dataclass(frozen=True)
class Faulty:
    update: Callable[[Any, float], Any] = SOUND.update
    start: Callable[[], Any] = SOUND.start
    from_dict: Callable[[dict[str, Any]], Any] = sound_load
    run_length: float | None = SOUND.run_length


def alarms_always(state: CusumState, value: float) -> CusumState:
    return replace(SOUND.update(state, value), alarmed_at=state.n + 1, high=20.0)


def alarms_every_hundredth(state: CusumState, value: float) -> CusumState:
    following = SOUND.update(state, value)
    due = following.n % 100 == 0
    return replace(following, alarmed_at=following.n, high=20.0) if due else following


def alarms_never(state: CusumState, value: float) -> CusumState:
    return replace(SOUND.update(state, value), alarmed_at=None)


def alarms_for_the_first_change_only(state: CusumState, value: float) -> CusumState:
    return replace(SOUND.update(state, value), alarmed_at=state.alarmed_at or told(state, value))


def told(state: CusumState, value: float) -> int | None:
    return SOUND.update(state, value).alarmed_at


def goes_on_alarming(state: CusumState, value: float) -> CusumState:
    return SOUND.update(replace(state, alarmed_at=None), value)


def alarms_below_its_threshold(state: CusumState, value: float) -> CusumState:
    following = Cusum(threshold=5.0).update(state, value)
    return replace(following, threshold=14.5)


def takes_nothing_for_zero(state: CusumState, value: float) -> CusumState:
    try:
        return SOUND.update(state, value)
    except UserError:
        return SOUND.update(state, 0.0)


def names_no_value(state: CusumState, value: float) -> CusumState:
    try:
        return SOUND.update(state, value)
    except UserError as error:
        raise UserError("this will not do") from error


def begins_at_minus_infinity() -> CusumState:
    return CusumState(0, None, -inf, -inf, 14.5)


def forgets_one_side(plain: dict[str, Any]) -> CusumState:
    return sound_load({**plain, "low": 0.0})


@dataclass
class Mutable:
    n: int = 0
    alarmed_at: int | None = None
    high: float = 0.0
    threshold: float = 14.5

    @property
    def alarm(self) -> bool:
        return self.alarmed_at == self.n

    @property
    def statistic(self) -> float:
        return self.high

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def writes_into_the_state(state: Mutable, value: float) -> Mutable:
    following = SOUND.update(CusumState(state.n, state.alarmed_at, state.high, 0, 14.5), value)
    state.n, state.alarmed_at, state.high = following.n, following.alarmed_at, following.high
    return state


@dataclass
class RemembersInItself:
    held: list[CusumState] = field(default_factory=lambda: [SOUND.start()])
    run_length: float | None = None

    def start(self) -> CusumState:
        self.held[0] = SOUND.start()
        return self.held[0]

    def update(self, state: CusumState, value: float) -> CusumState:
        self.held[0] = replace(SOUND.update(self.held[0], value), n=state.n + 1)
        return self.held[0]

    def from_dict(self, plain: dict[str, Any]) -> CusumState:
        return restored(CusumState, plain)


@dataclass(frozen=True)
class Hoard:
    now: CusumState
    values: tuple[float, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)

    def to_dict(self) -> dict[str, Any]:
        return {"now": self.now.to_dict(), "values": self.values}


def keeps_every_tenth(state: Hoard, value: float) -> Hoard:
    kept = (*state.values, value) if state.now.n % 10 == 0 else state.values
    return Hoard(SOUND.update(state.now, value), kept)


def keeps_every_hundredth(state: Hoard, value: float) -> Hoard:
    kept = (*state.values, value) if state.now.n % 100 == 0 else state.values
    return Hoard(SOUND.update(state.now, value), kept)


def begins_a_hoard() -> Hoard:
    return Hoard(SOUND.start())


FAULTS = [
    (Faulty(alarms_always), "check_a_still_stream_never_alarms"),
    (Faulty(alarms_always), "check_false_alarms_are_as_promised"),
    (Faulty(alarms_always, run_length=None), "check_false_alarms_are_as_promised"),
    (Faulty(alarms_always), "check_an_alarm_is_told_once_and_can_come_again"),
    (Faulty(alarms_every_hundredth, run_length=None), "check_false_alarms_are_as_promised"),
    (Faulty(alarms_every_hundredth), "check_a_still_stream_never_alarms"),
    (Faulty(alarms_never), "check_a_large_change_is_seen"),
    (Faulty(alarms_never), "check_an_alarm_is_told_once_and_can_come_again"),
    (
        Faulty(alarms_for_the_first_change_only),
        "check_an_alarm_is_told_once_and_can_come_again",
    ),
    (Faulty(goes_on_alarming), "check_an_alarm_is_told_once_and_can_come_again"),
    (Faulty(alarms_below_its_threshold), "check_the_state_is_plain_and_comes_back"),
    (Faulty(run_length=1e6), "check_false_alarms_are_as_promised"),
    (Faulty(run_length=0.0), "check_false_alarms_are_as_promised"),
    (Faulty(takes_nothing_for_zero), "check_what_is_no_value_is_refused"),
    (Faulty(names_no_value), "check_what_is_no_value_is_refused"),
    (Faulty(start=begins_at_minus_infinity), "check_nothing_given_is_changed"),
    (Faulty(from_dict=forgets_one_side), "check_the_state_is_plain_and_comes_back"),
    (Faulty(from_dict=forgets_one_side), "check_a_replay_gives_the_same_state"),
    (
        Faulty(writes_into_the_state, Mutable, lambda plain: Mutable(**plain)),
        "check_nothing_given_is_changed",
    ),
    (RemembersInItself(), "check_nothing_given_is_changed"),
    (RemembersInItself(), "check_a_replay_gives_the_same_state"),
    (Faulty(keeps_every_tenth, begins_a_hoard), "check_the_state_stays_small"),
    (Faulty(keeps_every_hundredth, begins_a_hoard), "check_the_state_stays_small"),
]


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        pytest.param(fault, check, id=f"{i}-{check.removeprefix('check_')}")
        for i, (fault, check) in enumerate(FAULTS)
    ],
)
def test_a_fault_is_found(fault: Any, check: str) -> None:
    with pytest.raises(AssertionError):
        CHECKS[check](fault, NUMBERS)


def test_every_check_finds_a_fault() -> None:
    assert {check for _, check in FAULTS} == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_without_a_fault_the_wrapping_passes(check: str) -> None:
    CHECKS[check](Faulty(), NUMBERS)
