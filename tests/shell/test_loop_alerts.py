"""What the loop says of itself, and what it makes of a broken feed."""

import shutil
from dataclasses import replace

import pytest

from homeostat.alert import Change
from homeostat.decision import Action
from homeostat.diagnosis import Cause
from homeostat.errors import StateError
from homeostat.loop import Turn
from homeostat.verdict import Outcome
from tests.shell.project import (
    CENTS,
    CHANGED,
    HOUR,
    MODEL,
    QUIET,
    SHIFTED,
    SILENT,
    Town,
    World,
    in_cents,
)


def changes(turns: list[Turn], key: str) -> list[Change]:
    return [change for turn in turns for alert, change in turn.alerts if alert.key == key]


def first_told(turns: list[Turn]) -> str:
    return next(alert.reason for turn in turns for alert, _ in turn.alerts)


# Alerts.


def test_alerts_open_once_are_updated_and_resolve_once(quiet: Town) -> None:
    turns = quiet.live(SHIFTED, 20, label=False)
    turns += quiet.live(QUIET, 28, label=False)

    drift = changes(turns, "drift")
    [alert] = quiet.project.store.alerts(MODEL, open_only=False)
    assert (drift[0], drift[-1]) == (Change.OPENED, Change.RESOLVED)
    assert set(drift[1:-1]) <= {Change.UPDATED, Change.ESCALATED}
    assert alert.resolved_at is not None
    assert alert.times_seen == len(drift) - 1
    assert first_told(turns).startswith("covariate shift: 1 features moved")


def test_a_look_that_fails_leaves_alerts_as_they_are(quiet: Town) -> None:
    quiet.live(CHANGED, 20)
    before = quiet.project.store.alerts(MODEL, open_only=True)
    shutil.rmtree(quiet.project.settings.artifacts.path)
    reference = quiet.project.store.version(MODEL, 1).reference_digest
    with quiet.project.store._database.write() as connection:
        connection.exec_driver_sql(
            f"UPDATE reference_profiles SET data_fingerprint = 'x' WHERE digest = '{reference}'"
        )
    blind = replace(quiet.loop, monitor=replace(quiet.loop.monitor, _references={}))

    with pytest.raises(StateError, match="changed"):
        blind.turn(now=quiet.now + HOUR)

    assert before
    assert quiet.project.store.alerts(MODEL, open_only=True) == before
    assert quiet.actions == [("PROMOTE", 1)]


# A feed breaks.


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(SILENT, "missing", id="no value"),
        pytest.param(CENTS, "another unit", id="other unit"),
    ],
)
def test_a_broken_feed_raises_an_alert_and_is_never_learnt_from(
    quiet: Town, fault: World, says: str
) -> None:
    """Not while it breaks, not while it is repaired, not when its labels come in late."""
    turns = quiet.live(fault, 24)
    turns += quiet.live(QUIET, 72)

    alert = quiet.project.store.alerts(MODEL, open_only=False)[-1]
    failed = [one for one in turns if one.observation.drift.outcome is Outcome.FAIL]
    assert len(failed) > 8
    assert {one.diagnosis.cause for one in failed} == {Cause.DATA_FAULT}
    assert says in failed[0].diagnosis.reason
    assert alert.reason.startswith("data fault: income: ")
    assert alert.resolved_at is not None
    assert {one.action for one in turns} == {Action.HOLD}
    assert len(quiet.project.store.versions(MODEL)) == 1
    assert changes(turns, "quality") == []


def test_what_a_broken_feed_sent_is_not_in_a_later_candidate(quiet: Town) -> None:
    """The world changes while the alert of the broken feed is still open."""
    quiet.live(CENTS, 24)
    quiet.live_until(CHANGED, "RETRAIN")

    store = quiet.project.store
    scorer = quiet.project.bench.scorer(2)
    reference = store.reference(MODEL, scorer.version.reference_digest)
    trained_on = quiet.project.bench._trained_on(scorer.version)
    learnt = [one.features for key in trained_on if (one := store.prediction(key))]
    highest = reference.profile.feature("income").bins.high
    assert len(learnt) > 400
    assert not any(in_cents(row) for row in learnt)
    assert not in_cents({"income": highest})
