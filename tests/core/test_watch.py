"""Windows of many lengths, and what noise is usual."""

import json
from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from homeostat.bins import fit_bins
from homeostat.policy import DriftPolicy
from homeostat.profile import Profile
from homeostat.schema import Feature, Kind, Schema, Target, Task
from homeostat.usual import learnt
from homeostat.verdict import Outcome, Verdict
from homeostat.watch import (
    ASKED_PER_LENGTH,
    CREEP_SHARE,
    LENGTHS,
    OVERLAP,
    SETTLED_AFTER,
    Compared,
    WatchState,
    due,
    judge_windows,
    lengths,
)
from tests.core.made import counted

POLICY = DriftPolicy()
NAMES = ("income", "age", "debt", "tenure")
SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=tuple(Feature(name=name, kind=Kind.NUMBER) for name in NAMES),
)


def columns(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    """Four features, of which the first two go together; `shift` moves the first."""
    values = np.random.default_rng([seed, n]).standard_normal((n, 4))
    values[:, 1] = 0.6 * values[:, 0] + 0.8 * values[:, 1]
    values[:, 0] += shift
    return {name: values[:, i] for i, name in enumerate(NAMES)}


BINS = fit_bins(SCHEMA, columns(20_000, 0))
REFERENCE = counted(BINS, columns(20_000, 0))


def window(seed: int, shift: float = 0.0, n: int = 200) -> Profile:
    return counted(BINS, columns(n, seed, shift))


ALONE = Compared(lambda _: REFERENCE, lambda *_: None, REFERENCE)  #: with nothing to learn from


class Stream:
    """Looks at windows of 200 rows, one after the other, up to a length of 12."""

    def __init__(self, policy: DriftPolicy = POLICY, *, settled: bool = True) -> None:
        self.policy = policy
        self.state = WatchState(settled=settled)
        self.parts: list[Profile] = []

    def look(self, part: Profile) -> Verdict:
        self.parts.append(part)
        number = len(self.parts)
        windows = {length: self.window(length) for length in due(number, 12, self.state.failing)}
        verdict, self.state = judge_windows(
            Compared(lambda _: REFERENCE, self.window, REFERENCE),
            windows,
            self.policy,
            self.state,
            look=number,
        )
        return verdict

    def window(self, length: int, ago: int = 0) -> Profile:
        until = len(self.parts) - ago
        return sum(self.parts[max(0, until - length) : max(0, until)], Profile.empty(BINS))

    def looks(self, parts: Iterator[Profile]) -> list[Verdict]:
        return [self.look(part) for part in parts]

    def factor(self, subject: str) -> float:
        """How much noisier than independent rows the location of a feature seems to be."""
        noise = learnt(self.state.usual, [1])[1].get((subject, "location"))
        return noise.factor if noise else 1.0


def test_every_length_comes_up_as_often_as_its_window_moves_on() -> None:
    asked = [due(look, 288) for look in range(288 * 2)]

    assert all(asked)
    assert all(288 in one for one in asked)
    for length in LENGTHS[:-1]:
        times = sum(length in one for one in asked)
        assert times == 288 * 2 // max(1, length // ASKED_PER_LENGTH)


@given(longest=st.integers(1, 5_000), look=st.integers(0, 10**9))
def test_the_longest_is_among_the_lengths_and_what_failed_is_asked_again(
    longest: int, look: int
) -> None:
    assert lengths(longest)[-1] == longest
    assert list(lengths(longest)) == sorted(set(lengths(longest)))
    assert due(look, longest, failing=lengths(longest)) == lengths(longest)


def test_a_state_from_before_anything_was_added_up_is_read() -> None:
    written = WatchState(settled=True, failing=(3,)).to_dict()
    old = {key: one for key, one in written.items() if key not in {"creeping", "crept_at"}}

    assert WatchState.from_dict(old) == WatchState(settled=True, failing=(3,))


def test_a_large_shift_is_seen_in_its_first_window() -> None:
    stream = Stream()
    before = stream.looks(window(seed) for seed in range(1, 30))
    after = stream.look(window(30, shift=0.6))

    assert {one.outcome for one in before} == {Outcome.PASS}
    assert after.outcome is Outcome.FAIL
    assert after.details["drifted"][0] == "income"
    assert after.details["window_looks"] == 1
    assert after.details["windows"]["1"] == "FAIL"
    assert after.details["budget"] == {
        "false_alarms_per_week": 1.0,
        "alpha": POLICY.alpha * (1 - CREEP_SHARE) / OVERLAP,
    }


def test_a_small_shift_is_seen_in_a_longer_window() -> None:
    stream = Stream()
    stream.looks(window(seed) for seed in range(1, 60))
    after = stream.looks(window(seed, shift=0.14) for seed in range(60, 84))
    first = next(one for one in after if one.outcome is Outcome.FAIL)

    assert first.details["window_looks"] > 1
    assert stream.state.failing


def test_without_a_change_there_is_no_alarm_and_nothing_is_learnt_that_is_not_so() -> None:
    stream = Stream()
    verdicts = stream.looks(window(seed) for seed in range(1, 200))

    assert {one.outcome for one in verdicts} == {Outcome.PASS}
    assert stream.factor("income") == 1.0
    assert stream.state.usual[1]["income", "location"].windows == 199 - 24
    assert stream.state.usual[12]["income", "location"].windows == (199 - 24) // 12


def test_noise_of_dependent_rows_is_learnt() -> None:
    """The middle moves from window to window by 0.3 deviations and comes back: no drift."""
    random = np.random.default_rng(3)
    shifts = np.zeros(400)
    for i in range(1, 400):
        shifts[i] = 0.8 * shifts[i - 1] + 0.6 * 0.2 * random.standard_normal()
    stream = Stream(settled=False)
    verdicts = stream.looks(window(i, shift) for i, shift in enumerate(shifts.tolist()))
    naive = [
        judge_windows(ALONE, {1: part}, POLICY, WatchState(settled=True), look=1)[0].outcome
        for part in stream.parts[100:]
    ]
    alarms = [one.outcome for one in verdicts[100:]].count(Outcome.FAIL)

    assert naive.count(Outcome.FAIL) > 20
    assert alarms == 0
    assert stream.factor("income") > 3
    assert stream.factor("debt") < 2


def test_a_change_is_not_learnt_as_noise() -> None:
    """Two windows of the new world are as near to each other as two of the old one."""
    stream = Stream()
    stream.looks(window(seed) for seed in range(1, 100))
    verdicts = stream.looks(window(seed, shift=1.0) for seed in range(100, 200))

    assert {one.outcome for one in verdicts} == {Outcome.FAIL}
    assert stream.factor("income") < 1.5


def test_of_an_unknown_stream_only_changes_that_no_mix_of_users_makes_count() -> None:
    moderate, gross = Stream(settled=False), Stream(settled=False)
    first = moderate.look(window(1, shift=0.6))
    again = Stream().look(window(1, shift=0.6))
    large = gross.look(window(1, shift=2.0))
    blind, known = (
        next(one.minimum_detectable_effect or 0.0 for one in verdict.measurements)
        for verdict in (first, again)
    )

    assert (first.outcome, first.details["settled"]) == (Outcome.PASS, False)
    assert "too young" in first.reason
    assert "too young" not in large.reason
    assert (again.outcome, again.details["settled"]) == (Outcome.FAIL, True)
    assert large.outcome is Outcome.FAIL
    assert blind > known > 0


def test_a_stream_is_known_once_there_were_enough_rows_so_long_ago() -> None:
    stream = Stream(settled=False)
    stream.looks(window(seed) for seed in range(1, SETTLED_AFTER + 1))
    assert not stream.state.settled

    stream.look(window(500))
    assert stream.state.settled


def test_the_state_survives_json_and_goes_on_the_same() -> None:
    one, other = Stream(), Stream()
    for seed in range(1, 25):
        first, second = one.look(window(seed)), other.look(window(seed))
        other.state = WatchState.from_dict(json.loads(json.dumps(other.state.to_dict())))

        assert first.outcome is second.outcome
    assert other.state.failing == one.state.failing
    assert other.state.usual.keys() == one.state.usual.keys()


def test_too_few_rows_in_a_short_window_leave_the_long_one_to_speak() -> None:
    few, many = window(1, n=50), window(2, n=500)
    verdict, _ = judge_windows(ALONE, {1: few, 12: many}, POLICY, WatchState(), look=12)

    assert verdict.outcome is Outcome.PASS
    assert verdict.details["windows"] == {"1": "INCONCLUSIVE", "12": "PASS"}
    assert verdict.details["window_looks"] == 12


def test_too_few_rows_in_every_window_are_no_good_news() -> None:
    verdict, state = judge_windows(ALONE, {1: window(1, n=50)}, POLICY, WatchState(), look=1)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert state == WatchState()


def test_a_question_without_a_p_value_is_not_learnt_and_cannot_be_told() -> None:
    stream = Stream(DriftPolicy(effects={"location": 0.05, "wasserstein": 0.1}))
    verdicts = stream.looks(window(seed) for seed in range(1, 30))

    assert {one.outcome for one in verdicts} == {Outcome.ERROR}
    assert {statistic for _, statistic in stream.state.usual[1]} == {"location"}
