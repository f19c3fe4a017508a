# ruff: noqa: S101 (a check asserts)
"""What every store must do.

Run each check on an empty store; it raises AssertionError where the store fails:

```
@pytest.mark.parametrize("check", list(store_checks()), ids=lambda c: c.__name__)
def test_store(check, empty_store):
    check(empty_store)
```
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from homeostat.engines.rows import RowCounter
from homeostat.errors import Conflict, NotFound, UserError
from homeostat.plan import Deployment, Phase
from homeostat.prediction import Prediction
from homeostat.reference import Reference
from homeostat.store import MinuteProfile, Store
from homeostat.testing.store_labels import label_checks
from homeostat.testing.store_samples import (
    BINS,
    DAY,
    MINUTE,
    START,
    count_minutes,
    refuses,
    sample_alert,
    sample_decision,
    sample_prediction,
    sample_version,
)
from homeostat.verdict import Outcome, Verdict

__all__ = ["store_checks"]

Check = Callable[[Store], None]


def store_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_a_prediction_is_read_as_it_was_written
    yield check_the_same_body_gets_the_stored_answer
    yield check_another_body_is_a_conflict_and_others_are_stored
    yield check_repeats_within_a_batch_are_settled
    yield check_of_a_large_batch_just_the_new_are_stored_and_counted
    yield check_one_id_from_many_threads_is_one_row
    yield check_windows_are_half_open_and_ordered
    yield check_pages_hold_everything_once
    yield check_only_new_predictions_are_counted
    yield check_what_cannot_be_counted_is_not_stored
    yield check_compaction_changes_no_window
    yield check_late_parts_join_a_closed_hour
    yield from label_checks()
    yield check_references_are_read_as_they_were_written
    yield check_version_numbers_are_taken_once
    yield check_of_two_actors_one_wins_and_the_other_writes_nothing
    yield check_a_chain_of_promotions_has_no_gap
    yield check_decisions_are_read_as_they_were_written
    yield check_verdicts_come_newest_first
    yield check_one_alert_is_open_for_a_key
    yield check_a_lease_has_one_holder_and_its_token_rises
    yield check_flags_are_set_and_taken_away


def check_a_prediction_is_read_as_it_was_written(store: Store) -> None:
    event = START - timedelta(microseconds=1)
    written = replace(sample_prediction("a"), probability=0.1 + 0.2, event_time=event)

    assert store.add_predictions([written]) == [written]
    assert store.prediction("a") == written
    assert store.prediction("b") is None
    read = store.recent_predictions("m", 1)[0].features
    assert [type(value) for value in read.values()] == [float, int, bool, str, type(None)]


def check_the_same_body_gets_the_stored_answer(store: Store) -> None:
    first = sample_prediction("a")
    again = replace(first, version=2, probability=0.1, received_at=START + MINUTE)
    store.add_predictions([first])

    assert store.add_predictions([again]) == [first]
    assert store.count_predictions("m") == 1


def check_another_body_is_a_conflict_and_others_are_stored(store: Store) -> None:
    first, new = sample_prediction("a"), sample_prediction("b")
    store.add_predictions([first])
    clash, stored = store.add_predictions([replace(first, body_digest="other"), new])

    assert isinstance(clash, Conflict)
    assert stored == new == store.prediction("b")
    assert store.prediction("a") == first
    assert isinstance(store.add_predictions([replace(first, model="other")])[0], Conflict)


def check_repeats_within_a_batch_are_settled(store: Store) -> None:
    first = sample_prediction("a")
    clash = replace(first, body_digest="other")
    answers = store.add_predictions([first, replace(first, probability=0.5), clash])

    assert answers[:2] == [first, first]
    assert isinstance(answers[2], Conflict)
    assert store.count_predictions("m") == 1


def check_of_a_large_batch_just_the_new_are_stored_and_counted(store: Store) -> None:
    rows = [sample_prediction(f"{i:03}") for i in range(300)]
    store.add_predictions(rows[100:150], count_minutes)
    clash = replace(rows[120], body_digest="other")
    answers = store.add_predictions([*rows[:120], clash, *rows[121:]], count_minutes)

    assert isinstance(answers.pop(120), Conflict)
    assert answers == rows[:120] + rows[121:]
    assert store.count_predictions("m") == 300
    assert store.window_profile("m", 1, BINS, START, START + DAY).n == 300


def check_one_id_from_many_threads_is_one_row(store: Store) -> None:
    asked = [replace(sample_prediction("a"), version=i) for i in range(1, 9)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda one: store.add_predictions([one], count_minutes), asked))

    assert answers == [[store.prediction("a")]] * 8
    assert store.count_predictions("m") == 1
    counted = [store.window_profile("m", i, BINS, START, START + DAY).n for i in range(1, 9)]
    assert sum(counted) == 1


def check_windows_are_half_open_and_ordered(store: Store) -> None:
    rows = [
        sample_prediction(key, minutes=at) for key, at in zip("dbca", (0, 1, 1, 2), strict=True)
    ]
    store.add_predictions([*rows[::-1], sample_prediction("other", model="n")])
    until = START + 2 * MINUTE

    assert [one.id for one in store.predictions("m", since=START, until=until)] == ["d", "b", "c"]
    assert store.predictions("m", since=START, until=until, version=2) == []
    assert [one.id for one in store.recent_predictions("m", 2)] == ["a", "c"]
    assert store.count_predictions("m") == 4


def check_pages_hold_everything_once(store: Store) -> None:
    rows = [sample_prediction(f"{i:02}", minutes=i // 4) for i in range(10)]
    store.add_predictions(rows[::-1])
    pages = list(store.iterate_predictions("m", batch=3))

    assert [len(page) for page in pages] == [3, 3, 3, 1]
    assert [one for page in pages for one in page] == rows


def check_only_new_predictions_are_counted(store: Store) -> None:
    rows = [sample_prediction("a"), sample_prediction("b")]
    store.add_predictions(rows[:1], count_minutes)
    store.add_predictions([*rows, rows[1], replace(rows[0], body_digest="other")], count_minutes)

    assert store.window_profile("m", 1, BINS, START, START + DAY).n == 2


def check_what_cannot_be_counted_is_not_stored(store: Store) -> None:
    def fails(predictions: Sequence[Prediction]) -> list[MinuteProfile]:
        raise UserError(f"{len(predictions)} rows cannot be counted")

    refuses(UserError, lambda: store.add_predictions([sample_prediction("a")], fails))

    assert store.prediction("a") is None


def check_compaction_changes_no_window(store: Store) -> None:
    rows = [sample_prediction(f"{i:03}", minutes=i * 0.7) for i in range(300)]
    for i in range(0, len(rows), 10):
        store.add_predictions(rows[i : i + 10], count_minutes)
    windows = [(a, b) for a in (0, 17, 60, 119) for b in (59, 60, 121, 180, 400)]
    before = [_rows_between(store, a, b) for a, b in windows]

    assert store.compact_profiles("m", START + 90.5 * MINUTE) > 0
    assert [_rows_between(store, a, b) for a, b in windows] == before
    assert store.compact_profiles("m", START + DAY) > 0
    assert [_rows_between(store, a, b) for a, b in windows] == before
    assert store.compact_profiles("m", START + DAY) == 0


def check_late_parts_join_a_closed_hour(store: Store) -> None:
    for key, at in (("a", 5), ("b", 70)):
        store.add_predictions([sample_prediction(key, minutes=at)], count_minutes)
    store.compact_profiles("m", START + DAY)
    store.add_predictions([sample_prediction("late", minutes=6)], count_minutes)

    assert _rows_between(store, 0, 120) == 3
    assert store.compact_profiles("m", START + DAY) == 1
    assert _rows_between(store, 0, 120) == 3
    assert _rows_between(store, 0, 6) == 1


def check_references_are_read_as_they_were_written(store: Store) -> None:
    counter = RowCounter(BINS)
    for i in range(25):
        counter.add({"income": i / 3})
    written = Reference(
        model="m",
        created_at=START,
        source="rows.csv",
        data_fingerprint="ab" * 32,
        profile=counter.profile,
    )
    store.add_reference(written)
    store.add_reference(written)
    read = store.reference("m", written.digest)

    assert (read.digest, read.profile, read.created_at) == (written.digest, counter.profile, START)
    assert read.bins == BINS
    assert (read.profile.moments == counter.profile.moments).all()
    refuses(NotFound, lambda: store.reference("m", "no digest"))
    refuses(NotFound, lambda: store.reference("n", written.digest))


def check_version_numbers_are_taken_once(store: Store) -> None:
    assert store.next_version_number("m") == 1

    second, first = replace(sample_version(2), trained_until=START), sample_version(1)
    store.add_version(second)
    store.add_version(first)
    refuses(Conflict, lambda: store.add_version(replace(first, algorithm="other")))
    assert store.versions("m") == [first, second]
    assert store.version("m", 2) == second
    assert store.next_version_number("m") == 3
    refuses(NotFound, lambda: store.version("m", 3))


def check_of_two_actors_one_wins_and_the_other_writes_nothing(store: Store) -> None:
    first = Deployment(model="m", since=START)

    assert store.deployment("m") is None
    assert store.transition(first, None)
    assert not store.transition(replace(first, champion=9), sample_decision("late"))
    mine = replace(first, token=1, champion=1, champion_digest="ab", phase=Phase.VERIFYING)
    yours = replace(first, token=1, champion=2, previous=1, candidate=3, promoted_at=START)
    assert store.transition(mine, sample_decision("mine"))
    assert not store.transition(yours, sample_decision("yours"))
    assert not store.transition(replace(yours, token=5), sample_decision("yours"))
    assert store.deployment("m") == mine
    assert [one.id for one in store.decisions("m")] == ["mine"]
    refuses(Conflict, lambda: store.transition(replace(yours, token=2), sample_decision("mine")))
    assert store.deployment("m") == mine


def check_a_chain_of_promotions_has_no_gap(store: Store) -> None:
    length = 50
    store.transition(Deployment(model="m", champion=0, since=START), None)

    def promote(_actor: int) -> int:
        won = 0
        while (now := store.deployment("m")) is not None and now.token < length:
            token = now.token + 1
            decision = replace(
                sample_decision(f"d{token}", minutes=token),
                version_before=now.champion,
                version_after=token,
            )
            won += store.transition(replace(now, token=token, champion=token), decision)
        return won

    with ThreadPoolExecutor(4) as threads:
        wins = sum(threads.map(promote, range(4)))

    assert wins == length
    chain = store.decisions("m")[::-1]
    assert [one.version_before for one in chain] == list(range(length))
    assert [one.version_after for one in chain] == list(range(1, length + 1))


def check_decisions_are_read_as_they_were_written(store: Store) -> None:
    written = [sample_decision(key, minutes=at) for key, at in (("b", 1), ("a", 1), ("c", 0))]
    for one in written:
        store.add_decision(one)

    assert store.decision("a") == written[1]
    assert [one.id for one in store.decisions("m", limit=2)] == ["a", "b"]
    assert store.decisions("n") == []
    refuses(NotFound, lambda: store.decision("d"))
    refuses(Conflict, lambda: store.add_decision(sample_decision("a")))


def check_verdicts_come_newest_first(store: Store) -> None:
    answers = [
        Verdict(question="drift", outcome=outcome, reason=f"{i}")
        for i, outcome in enumerate(Outcome)
    ]
    for i, one in enumerate(answers):
        store.add_verdict("m", one, START + i * MINUTE)

    until = START + 2 * MINUTE
    assert store.verdicts("m", "drift", limit=1) == [(START + 3 * MINUTE, answers[3])]
    assert [one for _, one in store.verdicts("m", "drift", limit=9, until=until)] == answers[1::-1]
    assert store.verdicts("m", "quality", limit=9) == []


def check_one_alert_is_open_for_a_key(store: Store) -> None:
    first = sample_alert("a")
    second = replace(first, id="b", opened_at=START + MINUTE)
    store.save_alert(first)

    refuses(Conflict, lambda: store.save_alert(second))
    assert store.open_alert("m", "drift") == first
    resolved = replace(first, resolved_at=START + MINUTE, times_seen=3)
    store.save_alert(resolved)
    assert store.open_alert("m", "drift") is None
    store.save_alert(second)
    assert store.alerts("m", open_only=True) == [second]
    assert store.alerts("m", open_only=False) == [second, resolved]


def check_a_lease_has_one_holder_and_its_token_rises(store: Store) -> None:
    def ask(holder: str, seconds: float) -> int | None:
        return store.lease("loop", holder, now=START + timedelta(seconds=seconds), ttl_s=10)

    assert ask("a", 0) == 1
    assert ask("b", 9) is None
    assert ask("a", 9) == 1
    assert ask("b", 18) is None
    assert ask("b", 19) == 2
    assert ask("a", 20) is None
    store.release("loop", "a")
    assert ask("a", 20) is None
    store.release("loop", "b")
    assert ask("a", 20) == 3


def check_flags_are_set_and_taken_away(store: Store) -> None:
    assert store.flag("paused:m") is None

    store.set_flag("paused:m", "by hand")
    store.set_flag("paused:m", "")
    assert store.flag("paused:m") == ""
    store.set_flag("paused:m", None)
    assert store.flag("paused:m") is None


def _rows_between(store: Store, since: float, until: float) -> int:
    return store.window_profile("m", 1, BINS, START + since * MINUTE, START + until * MINUTE).n
