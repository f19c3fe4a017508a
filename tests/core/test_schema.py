import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.errors import UserError
from homeostat.schema import RESERVED, Feature, Kind, Schema, Segment, Target, Task


def schema(*features: Feature, target: str = "bad") -> Schema:
    return Schema(task=Task.BINARY, target=Target(column=target), features=features)


def number(name: str, **more: Any) -> Feature:
    return Feature(name=name, kind=Kind.NUMBER, **more)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(UserError) as caught:
        schema(
            number("age"),
            number("age"),
            number("probability"),
            number(""),
            number("x" * 65),
            number("a\nb"),
            number("income", minimum=5, maximum=4.5),
            number("bad"),
        )

    assert caught.value.problems == [
        "'age' is used twice",
        "'probability' is a reserved name; rename the column",
        "'' is no name: 1 to 64 printable characters",
        f"'{'x' * 65}' is no name: 1 to 64 printable characters",
        "'a\\nb' is no name: 1 to 64 printable characters",
        "'income' has an empty range: 5 to 4.5",
        "'bad' is the target; it cannot be a feature too",
    ]


def test_a_schema_without_features_is_refused() -> None:
    with pytest.raises(UserError, match="there is no feature"):
        schema()


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_feature_takes_the_name_of_a_part_of_the_request(name: str) -> None:
    with pytest.raises(UserError, match="reserved name"):
        schema(number(name))


@pytest.mark.parametrize("name", ["x" * 64, "Schufa-Score (€)", "数", " ", "0"])
def test_names_may_be_any_printable_text(name: str) -> None:
    assert schema(number(name)).names == (name,)


def test_one_value_is_a_range() -> None:
    assert schema(number("x", minimum=3, maximum=3)).features[0].minimum == 3


FEATURES = st.builds(
    Feature,
    name=st.text(st.characters(min_codepoint=32, exclude_characters="\x7f"), min_size=1).map(
        lambda name: f"f{name}"[:64]
    ),
    kind=st.sampled_from(Kind),
    minimum=st.none() | st.floats(-1e300, 0),
    maximum=st.none() | st.floats(0, 1e300),
    categories=st.lists(st.text(), unique=True).map(tuple),
    nullable=st.booleans(),
)


@given(st.lists(FEATURES, min_size=1, unique_by=lambda one: one.name))
def test_a_schema_survives_json(features: list[Feature]) -> None:
    before = schema(*features)
    after = Schema.from_dict(json.loads(json.dumps(before.to_dict())))

    assert after == before
    assert after.digest == before.digest


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_equal_schemas_have_one_digest(zero: float) -> None:
    one, other = schema(number("age", maximum=zero)), schema(number("age", maximum=0.0))

    assert one == other
    assert one.digest == other.digest


def test_the_digest_sees_every_part() -> None:
    plain = schema(number("x"), number("y"))
    others = [
        schema(number("y"), number("x")),
        schema(number("x"), number("y", nullable=True)),
        schema(number("x"), number("y", minimum=0)),
        schema(number("x"), Feature(name="y", kind=Kind.INTEGER)),
        schema(number("x"), number("y"), target="late"),
        Schema(
            task=Task.BINARY, target=Target(column="bad", positive="0"), features=plain.features
        ),
    ]

    assert len({plain.digest, *(one.digest for one in others)}) == 7
    assert plain.digest == schema(number("x"), number("y")).digest


@pytest.mark.parametrize(
    ("edges", "value", "part"),
    [
        ((30, 60), 29.9, "age [-inf, 30)"),
        ((30, 60), 30, "age [30, 60)"),
        ((30, 60), 60, "age [60, inf)"),
        ((30, 60), None, "age missing"),
        ((), 3, "age 3"),
        ((), "young", "age young"),
        ((30, 60), "young", "age young"),
    ],
)
def test_each_row_belongs_to_one_part(
    edges: tuple[float, ...], value: float | str | None, part: str
) -> None:
    assert Segment(column="age", edges=edges).part({"age": value}) == part


def test_a_row_without_the_column_is_missing() -> None:
    assert Segment(column="age").part({}) == "age missing"


@pytest.mark.parametrize(
    ("kind", "numeric"),
    [(Kind.NUMBER, True), (Kind.INTEGER, True), (Kind.BOOLEAN, False), (Kind.CATEGORY, False)],
)
def test_which_kinds_have_an_order(kind: Kind, *, numeric: bool) -> None:
    assert kind.is_numeric is numeric
