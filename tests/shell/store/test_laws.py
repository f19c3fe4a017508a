"""What holds for any rows, any order and any moment of compaction."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.engines.frames import count_frame
from homeostat.engines.rows import RowCounter
from homeostat.errors import StateError
from homeostat.prediction import Label, Prediction
from homeostat.profile import Profile, Sparse
from homeostat.store import MinuteProfile, Store
from homeostat.store.codec import merge, pack, unpack
from homeostat.testing.store_samples import (
    BINS,
    DAY,
    MINUTE,
    START,
    count_minutes,
    sample_label,
    sample_prediction,
)

NAMES = count()

#: One database serves all examples, each with a model of its own.
on_one_store = settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def counted(predictions: list[Prediction], since: datetime, until: datetime) -> Profile:
    counter = RowCounter(BINS)
    for one in predictions:
        if since <= one.received_at < until:
            counter.add(one.features)
    return counter.profile


@st.composite
def arrivals(draw: st.DrawFn) -> list[Prediction | Label]:
    """Predictions, some with a label and some with a correction, in any order."""
    records: list[Prediction | Label] = []
    for i in range(draw(st.integers(1, 6))):
        records.append(sample_prediction(f"{i}", minutes=i))
        first = draw(st.integers(0, 1))
        times = draw(st.lists(st.integers(0, 9), max_size=2, unique=True).map(sorted))
        records += [
            sample_label(f"{i}", (first + k) % 2, minutes=10 + at) for k, at in enumerate(times)
        ]
    return draw(st.permutations(records))


def deliver(store: Store, records: list[Prediction | Label]) -> str:
    """Stores the records one by one under a new model; the ids are made its own."""
    model = f"model {next(NAMES)}"
    for one in records:
        if isinstance(one, Prediction):
            store.add_predictions([replace(one, id=f"{model}/{one.id}", model=model)])
        else:
            key = f"{model}/{one.prediction_id}"
            store.add_labels([replace(one, prediction_id=key)], park=True)
    return model


def joined(store: Store, model: str, as_of: datetime | None) -> list[tuple[str, int, datetime]]:
    found = store.labelled(model, since=START, until=START + DAY, as_of=as_of)
    return [
        (one.prediction.id.rpartition("/")[2], one.label.value, one.label.received_at)
        for one in found
    ]


@given(records=arrivals(), minute=st.integers(9, 20))
@on_one_store
def test_no_order_of_arrival_changes_what_is_joined(
    store: Store, records: list[Prediction | Label], minute: int
) -> None:
    in_order = sorted(records, key=lambda one: one.received_at)
    as_of = START + minute * MINUTE
    newest = {
        one.prediction_id: (one.prediction_id, one.value, one.received_at)
        for one in in_order
        if isinstance(one, Label) and one.received_at <= as_of
    }
    one, other = deliver(store, records), deliver(store, in_order)

    assert joined(store, one, as_of) == sorted(newest.values())
    assert joined(store, one, None) == joined(store, other, None)
    assert store.label_coverage(one, since=START, until=START + DAY, as_of=as_of)[0] == len(newest)


@given(data=st.data())
@on_one_store
def test_a_window_is_the_count_of_its_rows_whenever_it_was_compacted(
    store: Store, data: st.DataObject
) -> None:
    model = f"model {next(NAMES)}"
    batches = data.draw(
        st.lists(st.lists(st.floats(0, 200), min_size=1, max_size=8), min_size=1, max_size=6)
    )
    stored: list[Prediction] = []
    for i, batch in enumerate(batches):
        rows = [
            sample_prediction(f"{model}/{i}/{k}", minutes=at, model=model)
            for k, at in enumerate(batch)
        ]
        store.add_predictions(rows, count_minutes)
        stored += rows
        if data.draw(st.booleans(), label="compact"):
            until = data.draw(st.floats(0, 300), label="until")
            store.compact_profiles(model, START + until * MINUTE)
    since, until = (data.draw(st.integers(-60, 260), label=name) for name in ("from", "to"))
    ends = START + since * MINUTE, START + until * MINUTE
    shift = timedelta(seconds=data.draw(st.integers(0, 59), label="shift"))
    window = store.window_profile(model, 1, BINS, ends[0] + shift, ends[1] + shift)

    expected = counted(stored, *ends)
    assert window == expected
    assert np.allclose(window.moments, expected.moments)


def test_stored_windows_add_up_to_what_an_engine_counts_in_one_go(store: Store) -> None:
    import polars as pl

    rows = [sample_prediction(f"{i}", minutes=i / 3) for i in range(400)]
    for i in range(0, 400, 50):
        store.add_predictions(rows[i : i + 50], count_minutes)
        store.compact_profiles("m", rows[i].received_at)

    frame = pl.DataFrame({"income": [one.features["income"] for one in rows]})
    assert store.window_profile("m", 1, BINS, START, START + DAY) == count_frame(frame, BINS)


ONE = np.ones(1, dtype=np.int64)  #: of one watched feature


@st.composite
def sparse_profiles(draw: st.DrawFn) -> Sparse:
    places = draw(st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=9).map(sorted))
    counts = draw(st.lists(st.integers(1, 2**63 - 1), min_size=len(places), max_size=len(places)))
    moments = draw(st.lists(st.floats(), min_size=6, max_size=6))
    return Sparse(
        np.array(places, dtype=np.uint32),
        np.array(counts, dtype=np.int64),
        np.array(moments).reshape(2, 3),
        np.array(draw(st.lists(st.integers(-(2**62), 2**62), max_size=6)), dtype=np.int64),
    )


@given(sparse=sparse_profiles())
def test_a_profile_survives_its_bytes(sparse: Sparse) -> None:
    body = pack(sparse)
    read = unpack(body)

    assert (read.places == sparse.places).all()
    assert (read.counts == sparse.counts).all()
    assert read.moments.tobytes() == sparse.moments.tobytes()
    assert read.joint.tolist() == sparse.joint.tolist()
    assert len(body) == 13 + 12 * len(sparse.places) + 24 * 2 + 8 * len(sparse.joint)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x01" + bytes(12), id="another layout"),
        pytest.param(b"\x02" + bytes(11), id="cut in the header"),
        pytest.param(b"\x02\x01\x00\x00\x00" + bytes(8), id="cut in the counts"),
        pytest.param(b"\x02" + bytes(13), id="too long"),
    ],
)
def test_damaged_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(StateError, match="stored profile"):
        unpack(body)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            Sparse(np.array([900], np.uint32), np.array([1]), np.zeros((1, 3)), ONE),
            id="more bins",
        ),
        pytest.param(
            Sparse(np.array([1], np.uint32), np.array([1]), np.zeros((2, 3)), ONE),
            id="more features",
        ),
        pytest.param(
            Sparse(
                np.array([1], np.uint32),
                np.array([1]),
                np.zeros((1, 3)),
                np.ones(3, dtype=np.int64),
            ),
            id="more pairs",
        ),
    ],
)
def test_profiles_of_other_bins_are_refused(store: Store, body: Sparse) -> None:
    part = MinuteProfile("m", 1, START, body)
    store.add_predictions([sample_prediction("a")], lambda _: [part])

    with pytest.raises(StateError, match="other bins"):
        store.window_profile("m", 1, BINS, START, START + DAY)


def test_profiles_of_different_bins_do_not_add() -> None:
    one, two = (
        Sparse(np.array([1], np.uint32), np.array([1]), np.zeros((k, 3)), ONE) for k in (1, 2)
    )

    with pytest.raises(StateError, match="different bins"):
        merge([one, two])
