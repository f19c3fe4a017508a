# ruff: noqa: S101 (a check asserts)
"""What every store must do with labels."""

from collections.abc import Callable, Iterator

from homeostat.errors import UserError
from homeostat.store import LabelReceipt, Store
from homeostat.testing.store_samples import (
    DAY,
    MINUTE,
    START,
    refuses,
    sample_label,
    sample_prediction,
)

__all__ = ["label_checks"]


def label_checks() -> Iterator[Callable[[Store], None]]:
    """The checks, each named after what must hold."""
    yield check_unknown_labels_are_all_named_and_none_is_stored
    yield check_parked_labels_join_and_count_once
    yield check_a_repeated_label_has_no_effect
    yield check_a_label_that_was_received_last_has_the_last_word
    yield check_a_correction_keeps_what_stood_before
    yield check_coverage_counts_the_labelled_and_all


def check_unknown_labels_are_all_named_and_none_is_stored(store: Store) -> None:
    store.add_predictions([sample_prediction("a")])
    labels = [sample_label("a"), sample_label("x"), sample_label("y")]
    said = refuses(UserError, lambda: store.add_labels(labels))

    assert "'x'" in said
    assert "'y'" in said
    assert store.label_coverage("m", since=START, until=START + DAY) == (0, 1)


def check_parked_labels_join_and_count_once(store: Store) -> None:
    label = sample_label("a")

    assert store.add_labels([label], park=True) == LabelReceipt(parked=1)
    assert store.add_labels([label], park=True) == LabelReceipt(unchanged=1)
    assert store.labelled("m", since=START, until=START + DAY) == []
    store.add_predictions([sample_prediction("a")])
    (found,) = store.labelled("m", since=START, until=START + DAY)
    assert found.label == label
    assert store.add_labels([label]) == LabelReceipt(unchanged=1)


def check_a_repeated_label_has_no_effect(store: Store) -> None:
    store.add_predictions([sample_prediction("a")])
    store.add_labels([sample_label("a", minutes=10)])

    assert store.add_labels([sample_label("a", minutes=20)]) == LabelReceipt(unchanged=1)
    (found,) = store.labelled("m", since=START, until=START + DAY)
    assert found.label == sample_label("a", minutes=10)


def check_a_label_that_was_received_last_has_the_last_word(store: Store) -> None:
    """Also one that said what stood, when another of before it comes later."""
    store.add_predictions([sample_prediction("a")])
    store.add_labels([sample_label("a", 1, minutes=10)])
    for minutes in (50, 40, 30):
        again = store.add_labels([sample_label("a", 1, minutes=minutes)])
        assert again == LabelReceipt(unchanged=1)
    late = store.add_labels([sample_label("a", 0, minutes=20)])
    assert late == LabelReceipt(corrected=1)
    [one] = store.labelled("m", since=START, until=START + DAY)
    assert (one.label.value, one.label.received_at) == (1, START + 50 * MINUTE)
    [one] = store.labelled("m", since=START, until=START + DAY, as_of=START + 25 * MINUTE)
    assert one.label.value == 0


def check_a_correction_keeps_what_stood_before(store: Store) -> None:
    store.add_predictions([sample_prediction("a")])
    history = [sample_label("a", value, minutes=10 * (1 + i)) for i, value in enumerate((0, 1, 0))]

    assert store.add_labels(history) == LabelReceipt(stored=1, corrected=2)
    for label in history:
        (found,) = store.labelled(
            "m", since=START, until=START + DAY, as_of=label.received_at + MINUTE
        )
        assert found.label == label
    early = START + 9 * MINUTE
    assert store.labelled("m", since=START, until=START + DAY, as_of=early) == []


def check_coverage_counts_the_labelled_and_all(store: Store) -> None:
    store.add_predictions([sample_prediction(key, minutes=i) for i, key in enumerate("abcd")])
    store.add_labels([sample_label("a", minutes=5), sample_label("c", minutes=6)])
    store.add_labels([sample_label("c", 0, minutes=7)])
    until = START + 3 * MINUTE

    assert store.label_coverage("m", since=START, until=until) == (2, 3)
    as_of = START + 5 * MINUTE
    assert store.label_coverage("m", since=START, until=until, as_of=as_of) == (1, 3)
    assert store.label_coverage("n", since=START, until=until) == (0, 0)
