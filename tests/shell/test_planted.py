"""A drift is planted in a copy of the newest rows when it is time, and nothing else is touched."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
from structlog.testing import capture_logs

from homeostat.canary import CANARY
from homeostat.planted import Planted
from homeostat.verdict import Outcome
from tests.shell.project import DAY, HOUR, MODEL, START, Town


def planting(town: Town) -> Planted:
    return Planted(store=town.project.store, model=MODEL)


def told(town: Town) -> list[str]:
    """Everything that the stream, its judge and its questions have left behind."""
    store = town.project.store
    questions = ("drift", "quality", "watch")
    return [
        str(store.flag(f"watch:{MODEL}:1")),
        str([store.verdicts(MODEL, one, limit=99) for one in questions]),
        str(store.count_predictions(MODEL)),
        str(store.deployment(MODEL)),
        str(store.alerts(MODEL, open_only=False)),
    ]


def test_it_is_seen_and_leaves_no_trace_but_its_verdict(quiet: Town) -> None:
    before = told(quiet)
    verdict = planting(quiet).look(now=quiet.now)

    assert verdict is not None
    assert verdict.outcome is Outcome.PASS, verdict.reason
    assert verdict.window == (quiet.now - DAY, quiet.now)
    assert verdict.details["version"] == 1
    assert told(quiet) == before
    [(at, kept)] = quiet.project.store.verdicts(MODEL, CANARY, limit=9)
    assert (at, kept) == (quiet.now, verdict)


def test_it_comes_once_a_day_and_each_time_to_another_feature(quiet: Town) -> None:
    planted = planting(quiet)
    found = [planted.look(now=quiet.now + i * HOUR) for i in range(25)]

    seen = [one.details["feature"] for one in found if one is not None and one.measurements]
    assert [i for i, one in enumerate(found) if one is not None and one.measurements] == [0, 24][
        : len(seen)
    ]
    assert len(set(seen)) == len(seen)


def test_one_that_could_not_be_planted_comes_again_sooner(start: Town) -> None:
    planted = planting(start)
    first = planted.look(now=START)

    assert first is not None
    assert first.outcome is Outcome.INCONCLUSIVE
    assert "0 rows" in first.reason
    assert not planted.due(now=START + timedelta(minutes=59))
    assert planted.due(now=START + HOUR)


def test_a_change_that_no_rows_can_make_is_not_planted(quiet: Town) -> None:
    """A feature would have to move by a hundred deviations to be called drifted."""
    planted = planting(quiet)
    deaf = replace(planted.drift, effects=dict.fromkeys(planted.drift.effects, 100.0))

    with capture_logs() as logs:
        verdict = replace(planted, drift=deaf).look(now=quiet.now)

    assert verdict is not None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no feature can be changed" in verdict.reason
    assert logs == []


def test_a_monitor_that_takes_every_change_for_noise_is_logged_as_blind(quiet: Town) -> None:
    """As one that learnt of a stream that a tenth of its windows differ by eight deviations."""
    store, name = quiet.project.store, f"watch:{MODEL}:1"
    state = json.loads(store.flag(name) or "")
    for learnt in state["usual"].values():
        for one in learnt:
            one[2:] = [300, float(np.log(8.0))]
    store.set_flag(name, json.dumps(state))

    with capture_logs() as logs:
        verdict = planting(quiet).look(now=quiet.now)

    assert verdict is not None
    assert verdict.outcome is Outcome.FAIL
    [said] = logs
    assert (said["event"], said["log_level"]) == ("a planted drift was not seen", "error")
    assert said["reason"] == verdict.reason


def test_before_anything_is_in_service_there_is_nothing_to_ask(start: Town) -> None:
    assert replace(planting(start), model="other").look(now=START) is None
    assert start.project.store.verdicts("other", CANARY, limit=1) == []


def test_nothing_is_planted_where_nothing_is_served(quiet: Town) -> None:
    assert replace(planting(quiet), model="other").look(now=quiet.now) is None
    assert quiet.project.store.verdicts("other", CANARY, limit=9) == []
