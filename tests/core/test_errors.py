import pytest

from homeostat.errors import (
    Conflict,
    HomeostatError,
    NotFound,
    StateError,
    Unavailable,
    UserError,
)


@pytest.mark.parametrize(
    ("kind", "status", "exit_code", "retry"),
    [
        (HomeostatError, 500, 4, False),
        (UserError, 422, 2, False),
        (NotFound, 404, 2, False),
        (Conflict, 409, 2, False),
        (StateError, 500, 4, False),
        (Unavailable, 503, 4, True),
    ],
)
def test_what_follows_from_an_error(
    kind: type[HomeostatError], status: int, exit_code: int, *, retry: bool
) -> None:
    error = kind("said")

    assert (error.status, error.exit_code, error.retry) == (status, exit_code, retry)
    assert isinstance(error, HomeostatError)
    assert str(error) == "said"


@pytest.mark.parametrize("kind", [UserError, NotFound, Conflict])
def test_every_problem_has_its_line(kind: type[UserError]) -> None:
    problems = ["age: missing", "income: not a number"]
    error = kind("the row was refused", problems)
    problems.clear()

    assert str(error).splitlines() == [
        "the row was refused",
        "  - age: missing",
        "  - income: not a number",
    ]
    assert error.problems == ["age: missing", "income: not a number"]
    assert kind("alone").problems == []
