from dataclasses import replace
from datetime import timedelta
from json import dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import UserError
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task, Value
from homeostat.serving.request import Requests, RowRequest
from tests.shell.serving.world import NOW, ROW, SCHEMA

REQUESTS = Requests(SCHEMA)
KEYS = ("event_time", "prediction_id", "split_key")  #: that are no features


def read(body: bytes) -> RowRequest:
    return REQUESTS.one(body, now=NOW)


def with_value(name: str, literal: str) -> bytes:
    """The row with one value as a literal of JSON, or of what some take for JSON."""
    texts = {**{key: dumps(value) for key, value in ROW.items()}, name: literal}
    return ("{" + ",".join(f'"{key}":{value}' for key, value in texts.items()) + "}").encode()


def of(*features: Feature) -> Schema:
    return Schema(task=Task.BINARY, target=Target(column="y"), features=features)


def test_a_row_is_read_as_it_is() -> None:
    assert read(dumps(ROW).encode()).features == ROW


@pytest.mark.parametrize(
    ("name", "literal", "value"),
    [
        pytest.param("debt-ratio", "1", 1.0, id="int for a number"),
        pytest.param("debt-ratio", "-0.0", 0.0, id="negative zero"),
        pytest.param("debt-ratio", "1e-320", 1e-320, id="denormal"),
        pytest.param("age", "42.0", 42, id="integral float for an integer"),
        pytest.param("income", "null", None, id="null where it may be"),
        pytest.param("job", '"astronaut"', "astronaut", id="unknown category"),
        pytest.param("job", '""', "", id="empty category"),
    ],
)
def test_value_is_taken(name: str, literal: str, value: Value) -> None:
    taken = read(with_value(name, literal)).features[name]

    assert (taken, type(taken)) == (value, type(value))
    assert str(taken) == str(value)


@pytest.mark.parametrize(
    ("name", "literal"),
    [
        pytest.param("debt-ratio", "NaN", id="NaN"),
        pytest.param("debt-ratio", "Infinity", id="infinity"),
        pytest.param("debt-ratio", "-Infinity", id="negative infinity"),
        pytest.param("debt-ratio", "1e400", id="beyond a double"),
        pytest.param("debt-ratio", "1e300", id="beyond what models compute in"),
        pytest.param("debt-ratio", "9" * 4000, id="4000 digits"),
        pytest.param("debt-ratio", "true", id="boolean for a number"),
        pytest.param("debt-ratio", '"1.5"', id="text for a number"),
        pytest.param("debt-ratio", "null", id="null where it may not be"),
        pytest.param("debt-ratio", "-0.1", id="below the minimum"),
        pytest.param("debt-ratio", "[1]", id="list"),
        pytest.param("debt-ratio", '{"a": 1}', id="object"),
        pytest.param("age", "41.5", id="fraction for an integer"),
        pytest.param("age", "NaN", id="NaN for an integer"),
        pytest.param("age", "true", id="boolean for an integer"),
        pytest.param("age", '"41"', id="text for an integer"),
        pytest.param("age", "121", id="above the maximum"),
        pytest.param("age", "17", id="under the minimum"),
        pytest.param("owner", "1", id="int for a boolean"),
        pytest.param("owner", '"true"', id="text for a boolean"),
        pytest.param("job", "3", id="int for a category"),
        pytest.param("job", "null", id="null for a category"),
        pytest.param("job", '"a\\u0000b"', id="zero byte, which PostgreSQL cannot hold"),
        pytest.param("job", '"' + "x" * 5000 + '"', id="very long category"),
        pytest.param("prediction_id", '""', id="empty id"),
        pytest.param("prediction_id", '"' + "x" * 129 + '"', id="long id"),
        pytest.param("prediction_id", '"a\\nb"', id="id with a line break"),
        pytest.param("prediction_id", '"é"', id="id beyond ASCII"),
        pytest.param("prediction_id", "7", id="id that is a number"),
        pytest.param("event_time", '"2026-03-01T12:00:00"', id="naive time"),
        pytest.param("event_time", '"1970-01-01T00:00:00Z"', id="old time"),
        pytest.param("event_time", '"2999-01-01T00:00:00Z"', id="future time"),
        pytest.param("event_time", '"0001-01-01T00:00:00+14:00"', id="before all time"),
        pytest.param("event_time", '"yesterday"', id="time that is none"),
        pytest.param("event_time", "1772368215", id="time as a number"),
    ],
)
def test_value_is_refused_by_name(name: str, literal: str) -> None:
    with pytest.raises(UserError) as refusal:
        read(with_value(name, literal))

    assert [one.partition(":")[0] for one in refusal.value.problems] == [name]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'"row"', id="text"),
        pytest.param(b"\xff\xfe" + dumps(ROW).encode("utf-16-le"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + dumps(ROW).encode(), id="byte order mark"),
        pytest.param(with_value("job", '"\\ud800"'), id="lone surrogate"),
        pytest.param(with_value("job", '"\xff"').replace(b"\xc3\xbf", b"\xff"), id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(with_value("debt-ratio", "9" * 5000), id="5000 digits"),
    ],
)
def test_body_is_refused(body: bytes) -> None:
    with pytest.raises(UserError, match="the body: "):
        read(body)


def test_everything_that_is_wrong_is_named_at_once() -> None:
    body = b'{"debt-ratio": NaN, "age": 7, "Income": 1, "owner": null, "more": {}}'

    with pytest.raises(UserError) as refusal:
        read(body)

    assert refusal.value.problems == [
        "debt-ratio: not a finite number, got nan",
        "age: input should be greater than or equal to 18, got 7",
        "income: missing",
        "owner: neither true nor false, got null",
        "job: missing",
        "Income: not asked for; did you mean 'income'?",
        f"more: not asked for; known: {', '.join(sorted([*ROW, *KEYS]))}",
    ]


def test_a_key_given_twice_is_refused() -> None:
    body = dumps(ROW).encode()[:-1] + b', "age": 50, "job": "clerk"}'

    with pytest.raises(UserError) as refusal:
        read(body)

    assert refusal.value.problems == ["age: given twice", "job: given twice"]


def test_a_long_list_of_problems_is_cut() -> None:
    rows = b",".join([b"{}"] * 1000)

    with pytest.raises(UserError) as refusal:
        REQUESTS.many(b'{"rows": [' + rows + b"]}", now=NOW)

    assert len(refusal.value.problems) == 201
    assert refusal.value.problems[0] == "rows[0].debt-ratio: missing"
    assert refusal.value.problems[-1] == "and 4,800 more"


def test_a_name_may_be_written_with_underscores() -> None:
    row = {name.replace("-", "_"): value for name, value in ROW.items()}

    assert read(dumps(row).encode()).features == ROW


def test_both_names_of_a_feature_at_once_are_refused() -> None:
    with pytest.raises(UserError, match="debt_ratio: not asked for"):
        read(dumps({**ROW, "debt_ratio": 2}).encode())


def test_an_ambiguous_name_is_no_name() -> None:
    number = Feature(name="a-b", kind=Kind.NUMBER)
    ambiguous = Requests(of(number, replace(number, name="a b")))
    taken = Requests(of(number, replace(number, name="a_b")))
    reserved = Requests(of(replace(number, name="event time")))

    with pytest.raises(UserError, match="a_b: not asked for"):
        ambiguous.one(b'{"a-b": 1, "a b": 2, "a_b": 3}', now=NOW)
    assert taken.one(b'{"a-b": 1, "a_b": 2}', now=NOW).features == {"a-b": 1, "a_b": 2}
    with pytest.raises(UserError, match="event time: missing"):
        reserved.one(b'{"event_time": 1}', now=NOW)


@pytest.mark.parametrize("name", ["model_config", "class", "_x", "json", "f0", "a.b", "日本"])
def test_any_name_of_a_schema_can_be_asked_for(name: str) -> None:
    requests = Requests(of(Feature(name=name, kind=Kind.NUMBER)))

    assert requests.one(dumps({name: 1}).encode(), now=NOW).features == {name: 1}


def test_an_event_time_is_converted() -> None:
    body = dumps({**ROW, "event_time": "2026-03-02T02:30:15+14:00"}).encode()

    assert read(body).event_time == NOW
    assert str(read(body).event_time) == str(NOW)


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, seconds=1), False),
        (timedelta(days=-30), True),
        (timedelta(days=-30, seconds=-1), False),
    ],
    ids=["5 min ahead", "more ahead", "30 days behind", "more behind"],
)
def test_event_times_have_limits(offset: timedelta, accepted: bool) -> None:
    body = dumps({**ROW, "event_time": (NOW + offset).isoformat()}).encode()

    if accepted:
        assert read(body).event_time == NOW + offset
    else:
        with pytest.raises(UserError, match="event_time: more than"):
            read(body)


FEATURES = st.dictionaries(
    st.text(max_size=8),
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
)


@given(features=FEATURES, pinned=st.none() | st.integers(1, 9), data=st.data())
def test_equal_requests_have_equal_digests(
    features: Row, pinned: int | None, data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(features.items()))))

    assert RowRequest(features).digest(pinned) == RowRequest(shuffled).digest(pinned)


@given(one=FEATURES, other=FEATURES, pinned=st.none() | st.integers(1, 9))
def test_other_requests_have_other_digests(one: Row, other: Row, pinned: int | None) -> None:
    same = dumps(one, sort_keys=True) == dumps(other, sort_keys=True)

    assert (RowRequest(one).digest(pinned) == RowRequest(other).digest(pinned)) == same
    assert RowRequest(one).digest(pinned) != RowRequest(one, event_time=NOW).digest(pinned)
    assert RowRequest(one).digest(10) != RowRequest(one).digest(pinned)
