from dataclasses import replace
from datetime import timedelta

import pytest

from homeostat.alert import Alert, Change, update
from homeostat.verdict import Outcome
from tests.core.made import NOW, said

LATER = NOW + timedelta(hours=1)
OPEN = Alert(id="a1", model="credit", key="drift", reason="KS 0.2", opened_at=NOW, updated_at=NOW)


def test_a_failure_opens_one() -> None:
    alert, change = update(
        None, said(Outcome.FAIL, reason="KS 0.2"), model="credit", now=NOW, new_id="a1"
    )

    assert change is Change.OPENED
    assert alert == OPEN


def test_the_next_failure_adds_to_it() -> None:
    alert, change = update(
        OPEN, said(Outcome.FAIL, reason="KS 0.3"), model="credit", now=LATER, new_id="a2"
    )

    assert change is Change.UPDATED
    assert alert == replace(OPEN, reason="KS 0.3", updated_at=LATER, times_seen=2)


def test_good_news_resolves_it() -> None:
    alert, change = update(OPEN, said(Outcome.PASS), model="credit", now=LATER, new_id="a2")

    assert change is Change.RESOLVED
    assert alert == replace(OPEN, updated_at=LATER, resolved_at=LATER)


@pytest.mark.parametrize("held", [None, OPEN])
@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.ERROR])
def test_not_knowing_is_no_all_clear(held: Alert | None, outcome: Outcome) -> None:
    assert update(held, said(outcome), model="credit", now=LATER, new_id="a2") == (
        held,
        Change.NONE,
    )


def test_good_news_about_nothing_is_no_news() -> None:
    answer = update(None, said(Outcome.PASS), model="credit", now=LATER, new_id="a2")

    assert answer == (None, Change.NONE)
