"""What may leave the store, and what is still needed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from homeostat.keeping import KeepPolicy, Needs, held_by, removable
from homeostat.plan import Phase

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)

NOTHING = Needs(
    phase=Phase.STEADY, training=30 * DAY, labels_due=20 * DAY, lookback=timedelta(hours=24)
)


def ago(days: int) -> date:
    return (NOW - days * DAY).date()


@pytest.mark.parametrize(
    ("days", "gone"),
    [
        pytest.param(None, [], id="for ever"),
        pytest.param(7.0, [ago(9), ago(8)], id="whole days only"),
        pytest.param(7.6, [ago(9)], id="the end of the day counts"),
        pytest.param(0.1, [ago(9), ago(8), ago(7), ago(1)], id="today is not over"),
    ],
)
def test_days_that_are_over_and_old_enough_leave(days: float | None, gone: list[date]) -> None:
    policy = KeepPolicy(predictions_days=days)
    held = [ago(9), ago(8), ago(7), ago(1), ago(0)]

    assert list(removable(held, "predictions", policy, now=NOW)) == gone


def test_each_kind_has_its_own_days() -> None:
    policy = KeepPolicy(predictions_days=1, verdicts_days=2, alerts_days=None, reports_days=4)

    found = {
        kind: len(removable([ago(n) for n in range(1, 7)], kind, policy, now=NOW))
        for kind in ("predictions", "verdicts", "alerts", "messages", "reports")
    }

    assert found == {"predictions": 5, "verdicts": 4, "alerts": 0, "messages": 0, "reports": 2}


def test_what_nothing_needs_may_go() -> None:
    assert held_by(ago(32), NOTHING, now=NOW) is None


@pytest.mark.parametrize(
    ("changed", "days", "said"),
    [
        pytest.param({}, 29, "learns from the last 30 days", id="training"),
        pytest.param({"training": DAY}, 19, "labels may come 20 days late", id="labels"),
        pytest.param(
            {"training": DAY, "labels_due": DAY, "lookback": 9 * DAY}, 8, "9 days long", id="window"
        ),
        pytest.param({"phase": Phase.TRAINING}, 400, "being judged", id="training phase"),
        pytest.param({"phase": Phase.CANDIDATE}, 400, "being judged", id="candidate"),
        pytest.param({"phase": Phase.VERIFYING}, 400, "being judged", id="verification"),
        pytest.param({"trials": (NOW - 50 * DAY,)}, 50, "is tried since 2026-04-21", id="trial"),
        pytest.param({"alerts": (NOW - 50 * DAY,)}, 49, "alert is open since", id="alert"),
        pytest.param({"written": (NOW - 50 * DAY,)}, 50, "last rows that were written", id="last"),
    ],
)
def test_what_is_needed_stays(changed: dict[str, Any], days: int, said: str) -> None:
    reason = held_by(ago(days), replace(NOTHING, **changed), now=NOW)

    assert reason is not None
    assert said in reason


def test_a_trial_holds_no_day_before_it_began() -> None:
    needs = replace(NOTHING, trials=(NOW - 50 * DAY, NOW - 40 * DAY))

    assert held_by(ago(51), needs, now=NOW) is None
    assert held_by(ago(50), needs, now=NOW) is not None


def test_the_rows_by_which_a_file_knows_its_end_hold_their_days_only() -> None:
    needs = replace(NOTHING, written=(NOW - 50 * DAY, NOW - 60 * DAY))

    held = [n for n in range(40, 70) if held_by(ago(n), needs, now=NOW)]

    assert held == [50, 60]
