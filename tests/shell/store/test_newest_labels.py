"""The newest labels are found by time, in batches, and from a moment on."""

from homeostat.prediction import LabelledPrediction
from homeostat.store import KnownLabels, ScoredLabels, Store
from homeostat.testing.store_samples import DAY, MINUTE, START, sample_label, sample_prediction


def fill(store: Store) -> list[LabelledPrediction]:
    """Three predictions; one has a label, one a corrected label, one has none."""
    rows = [sample_prediction(key, minutes=i) for i, key in enumerate("abc")]
    store.add_predictions(rows)
    store.add_labels([sample_label("a", minutes=10), sample_label("b", minutes=11)])
    store.add_labels([sample_label("b", 0, minutes=20)])
    return [
        LabelledPrediction(rows[0], sample_label("a", minutes=10)),
        LabelledPrediction(rows[1], sample_label("b", 0, minutes=20)),
    ]


def test_only_labels_from_a_moment_on_are_joined(store: Store) -> None:
    _, corrected = fill(store)
    since, window = START + 12 * MINUTE, (START, START + DAY)
    late, early = KnownLabels(since=since), KnownLabels(since=since, as_of=START + 19 * MINUTE)
    found = store.scored_labels("m", since=window[0], until=window[1], known=late)
    before = store.scored_labels("m", since=window[0], until=window[1], known=early)

    assert found == ScoredLabels(
        values=(0,),
        predictions=(corrected.prediction.prediction,),
        probabilities=(corrected.prediction.probability,),
        span=(corrected.prediction.received_at,) * 2,
    )
    assert before == ScoredLabels()


def test_scored_labels_are_those_of_the_rows(store: Store) -> None:
    labelled = fill(store)
    found = store.scored_labels("m", since=START, until=START + DAY, known=KnownLabels())

    assert found.values == tuple(one.label.value for one in labelled)
    assert found.probabilities == tuple(one.prediction.probability for one in labelled)


def test_the_newest_label_is_dated_up_to_a_moment(store: Store) -> None:
    assert store.newest_label_at() is None

    fill(store)
    assert store.newest_label_at() == START + 20 * MINUTE
    assert store.newest_label_at(as_of=START + 19 * MINUTE) == START + 11 * MINUTE


def test_a_walk_gives_what_a_window_gives(store: Store) -> None:
    labelled = fill(store)

    assert [one for batch in store.iterate_labelled("m") for one in batch] == labelled
    assert store.labelled("m", since=START, until=START + DAY) == labelled
