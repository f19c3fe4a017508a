"""Trials and what versions in the shadow said, on every database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.challenger import Challenger, Mode
from homeostat.errors import Conflict, NotFound
from homeostat.prediction import Label
from homeostat.store import Said, Shadow, Store
from homeostat.testing.store_samples import MINUTE, START, sample_prediction

DAY = timedelta(days=1)


def trial(version: int, mode: Mode = Mode.SPLIT, share: float = 0.2) -> Challenger:
    return Challenger(
        id=f"t{version}",
        model="m",
        version=version,
        mode=mode,
        share=share if mode is Mode.SPLIT else 0.0,
        started_at=START + version * MINUTE,
        started_by="ann",
        reason="to see",
    )


def test_a_trial_is_read_as_it_began_until_it_ends(store: Store) -> None:
    two, three = store.trials.start(trial(2)), store.trials.start(trial(3, Mode.SHADOW))

    assert store.trials.running("m") == [two, three]
    assert store.trials.running("another") == []
    ended = store.trials.end("m", 2, START + DAY)
    assert ended.ended_at == START + DAY
    assert store.trials.running("m") == [three]
    assert store.trials.all("m") == [ended, three]
    again = store.trials.start(replace(trial(2), id="again"))
    assert (again.lower, again.salt) == (0.0, "again")


def test_what_runs_already_and_what_does_not_run_is_refused(store: Store) -> None:
    store.trials.start(trial(2, share=0.6))

    with pytest.raises(Conflict, match="version 2 is tried already, as split"):
        store.trials.start(trial(2, Mode.SHADOW))
    with pytest.raises(Conflict, match="no room for 50"):
        store.trials.start(trial(3, share=0.5))
    with pytest.raises(NotFound, match="version 3 of 'm' is not tried; those that are: 2"):
        store.trials.end("m", 3, START)


def test_rows_are_shadowed_once_and_stand_beside_the_answers_with_the_newest_label(
    store: Store,
) -> None:
    rows = [sample_prediction(f"p{i}") for i in range(4)]
    store.add_predictions(rows)
    model, version = rows[0].model, rows[0].version
    window = {"since": START, "until": START + DAY}

    first = store.trials.unshadowed(model, 9, **window, limit=3)
    store.trials.add_shadows([Shadow(one.id, 9, 1, 0.75) for one in first])
    store.trials.add_shadows([Shadow(first[0].id, 9, 0, 0.25)])
    rest = store.trials.unshadowed(model, 9, **window, limit=3)
    for value, at in ((0, START + DAY), (1, START + 2 * DAY)):
        store.add_labels([Label(prediction_id=rows[0].id, value=value, received_at=at)])

    assert first == rows[:3]
    assert rest == rows[3:]
    assert store.trials.unshadowed(model, version, **window, limit=3) == []
    assert store.trials.shadowed(model, 9, **window) == [
        Said(one.id, 9, 1, 0.75, 1 if one is rows[0] else None) for one in rows[:3]
    ]
    assert store.trials.answered(model, **window) == [
        Said(one.id, version, one.prediction, one.probability, 1 if one is rows[0] else None)
        for one in rows
    ]
