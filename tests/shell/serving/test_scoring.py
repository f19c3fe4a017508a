"""Models compute for several requests at once, and none pays for another."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from homeostat.errors import StateError, Unavailable
from homeostat.registry import Scorer
from homeostat.schema import Row
from homeostat.serving.scoring import FEW, MOST, Scoring

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Halving:
    """Gives half of x, and says how many rows it was asked at once."""

    quick: bool
    asked: list[int] = field(default_factory=list)

    def probabilities(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        self.asked.append(len(rows))
        values = [row["x"] for row in rows]
        if -1.0 in values:
            raise StateError("a row that cannot be computed")
        return np.array(values, dtype=float) / 2


def scorer(one: Halving) -> Scorer:
    return cast("Scorer", one)


def rows(*values: float) -> list[Row]:
    return [{"x": one} for one in values]


@pytest.mark.parametrize("quick", [True, False])
async def test_what_comes_in_one_turn_is_computed_together(quick: bool) -> None:
    scoring, model = Scoring(), Halving(quick)
    answers = await asyncio.gather(
        *(scoring.probabilities(scorer(model), rows(i, i + 0.5)) for i in range(5))
    )
    scoring.close()

    assert answers == [[i / 2, i / 2 + 0.25] for i in range(5)]
    assert model.asked == [10]


async def test_versions_are_computed_apart() -> None:
    scoring, one, other = Scoring(), Halving(quick=True), Halving(quick=False)
    answers = await asyncio.gather(
        *(scoring.probabilities(scorer(one if i % 2 else other), rows(i)) for i in range(6))
    )
    scoring.close()

    assert answers == [[i / 2] for i in range(6)]
    assert (one.asked, other.asked) == ([3], [3])


@pytest.mark.parametrize("quick", [True, False])
async def test_one_that_cannot_be_computed_does_not_take_the_others_with_it(quick: bool) -> None:
    scoring, model = Scoring(), Halving(quick)
    answers: list[Any] = await asyncio.gather(
        *(scoring.probabilities(scorer(model), rows(x)) for x in (1.0, -1.0, 2.0)),
        return_exceptions=True,
    )
    scoring.close()

    assert (answers[0], answers[2]) == ([0.5], [1.0])
    assert isinstance(answers[1], StateError)


async def test_many_rows_of_a_quick_model_leave_the_loop_alone() -> None:
    scoring, model = Scoring(), Halving(quick=True)
    many = rows(*range(FEW + 1))
    turns = 0
    asked = asyncio.create_task(scoring.probabilities(scorer(model), many))
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    scoring.close()

    assert len(await asked) == FEW + 1
    assert turns > 2


async def test_no_more_rows_than_bounded_are_computed_together() -> None:
    scoring, model = Scoring(), Halving(quick=False)
    half = rows(*range(MOST // 2 + 1))
    await asyncio.gather(*(scoring.probabilities(scorer(model), half) for _ in range(3)))
    scoring.close()

    assert model.asked == [len(half)] * 3


async def test_who_gave_up_waiting_holds_nobody_up() -> None:
    scoring, model = Scoring(), Halving(quick=True)
    given_up = asyncio.create_task(scoring.probabilities(scorer(model), rows(1.0)))
    other = asyncio.create_task(scoring.probabilities(scorer(model), rows(2.0)))
    await asyncio.sleep(0)
    given_up.cancel()

    assert await other == [1.0]
    scoring.close()


async def test_what_waits_at_the_end_is_refused() -> None:
    scoring, model = Scoring(), Halving(quick=False)
    scoring.close()
    with pytest.raises(Unavailable, match="the service ends"):
        await scoring.probabilities(scorer(model), rows(1.0))


async def test_too_many_waiting_rows_are_refused_at_once() -> None:
    scoring, model = Scoring(limit=2), Halving(quick=True)
    first = asyncio.create_task(scoring.probabilities(scorer(model), rows(1.0, 2.0)))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="2 rows wait, at most 2 may"):
        await scoring.probabilities(scorer(model), rows(3.0))

    assert await first == [0.5, 1.0]
    scoring.close()
