"""Nothing changes for sixty days: nobody is alarmed, and nothing is done."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from homeostat.loop import Loop
from homeostat.monitor import Observation
from homeostat.prediction import Label, Prediction
from tests.shell.project import DAY, HOUR, MODEL, QUIET, START, Stages, Town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DAYS = 60
LOOK = timedelta(minutes=30)
LOOKS_PER_HOUR = HOUR // LOOK
LABELS_AFTER = 3 * DAY
MEMORY = Path("/dev/shm")  #: 25,000 commits wait for the disk, where there is a slow one


@pytest.fixture
def town(stages: Stages) -> Iterator[Town]:
    place = MEMORY if MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        stages.start.resumed(Path(folder) / "project") as town,
    ):
        yield town


def looking_every(loop: Loop, span: timedelta) -> Loop:
    """The loop with looks so far apart, and one false alarm allowed in ten weeks."""
    policy = loop.monitor.policy
    drift = replace(policy.drift, interval_s=span.total_seconds(), false_alarms_per_week=0.1)
    return replace(loop, monitor=replace(loop.monitor, policy=replace(policy, drift=drift)))


def rows_in(look: datetime) -> int:
    """How many rows come before a look: fewer by night and on Sundays."""
    daily = 9.0 * np.sin(2 * np.pi * (look.hour - 8) / 24)
    weekly = -6.0 if look.weekday() == 6 else 3.0
    return round(float(60 + daily + weekly))


def served(town: Town, day: datetime) -> list[tuple[list[Prediction], list[Label]]]:
    """The rows that come before each look of a day, with their labels."""
    looks = [day + i * LOOK for i in range(DAY // LOOK)]
    sizes = [rows_in(look) for look in looks]
    frame = QUIET.draw(town.random, sum(sizes))
    at = [
        look + timedelta(seconds=i) for look, n in zip(looks, sizes, strict=True) for i in range(n)
    ]
    asked = town.scored(frame.drop("bad").to_dicts(), at=at)
    labels = [
        Label(prediction_id=one.id, value=value, received_at=day + DAY + LABELS_AFTER)
        for one, value in zip(asked, frame["bad"].to_list(), strict=True)
    ]
    ends = np.cumsum(sizes).tolist()
    return [
        (asked[end - n : end], labels[end - n : end]) for end, n in zip(ends, sizes, strict=True)
    ]


def test_two_quiet_months_raise_no_alarm_and_cause_no_retraining(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, store = looking_every(town.loop, LOOK), town.project.store
    drift, quality, health = Counter[str](), Counter[str](), Counter[str]()
    due: dict[datetime, list[Label]] = {}
    for d in range(DAYS):
        day = START + d * DAY
        if day in due:
            store.add_labels(due.pop(day))
        labels: list[Label] = []
        for i, (rows, truth) in enumerate(served(town, day), 1):
            store.add_predictions(rows, town.counting)
            labels += truth
            seen = look(loop, day + i * LOOK, act=i % LOOKS_PER_HOUR == 0)
            drift[seen.drift.outcome.value] += 1
            quality[seen.quality.outcome.value] += 1
            health[seen.health.value] += 1
        due[day + DAY + LABELS_AFTER] = labels

    alerts = store.alerts(MODEL, open_only=False)
    decisions = store.decisions(MODEL)
    with capsys.disabled():
        print(  # noqa: T201  # what the test found is worth reading
            f"\n{DAYS} days, {town.served:,} rows, {drift.total():,} looks: "
            f"drift {dict(drift)}, quality {dict(quality)}; {len(alerts)} alerts, "
            f"{len(decisions) - 1} decisions of the loop"
        )
    assert drift.total() == DAYS * DAY // LOOK
    assert drift["FAIL"] == drift["ERROR"] == 0
    assert drift["PASS"] > 0.99 * drift.total()
    assert quality["FAIL"] == quality["ERROR"] == 0
    assert quality["PASS"] > 0.9 * quality.total()
    assert health["FAIL"] == health["ERROR"] == 0
    assert alerts == []
    assert [one.decided_by for one in decisions if one.decided_by == "loop"] == []
    assert (town.stand.champion, len(store.versions(MODEL))) == (1, 1)


def look(loop: Loop, at: datetime, *, act: bool) -> Observation:
    """What is seen at a look; every hour the loop may act on it."""
    return loop.turn(now=at).observation if act else loop.monitor.observe(at=at)
