import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from homeostat.actions import Actor, Order
from homeostat.decision import Action
from homeostat.errors import Conflict, HomeostatError, NotFound, StateError, Unavailable
from homeostat.plan import Phase
from homeostat.registry import NoTracker
from tests.shell.project import HOUR, MODEL, START, Town

LATER = START + HOUR


def order(**changes: Any) -> Order:
    return replace(Order(by="somebody", now=LATER, reasons=("because",)), **changes)


def actor(town: Town) -> Actor:
    return town.project.actor


# What each action does.


def test_the_first_promotion_leaves_nothing_to_verify(start: Town) -> None:
    [decision] = start.project.store.decisions(MODEL)

    assert (start.stand.champion, start.stand.previous) == (1, None)
    assert (start.stand.phase, start.stand.token) == (Phase.STEADY, 0)
    assert start.stand.champion_digest == start.project.store.version(MODEL, 1).digest
    assert (decision.version_before, decision.version_after) == (None, 1)


def test_a_promotion_keeps_the_version_before_to_go_back_to(two: Town) -> None:
    decision = actor(two).promote(2, order())

    stand = two.stand
    assert (stand.champion, stand.previous, stand.token) == (2, 1, 1)
    assert (stand.phase, stand.since, stand.promoted_at) == (Phase.VERIFYING, LATER, LATER)
    assert two.project.store.decision(decision.id) == decision
    assert (decision.version_before, decision.version_after) == (1, 2)
    assert (decision.decided_by, decision.reasons) == ("somebody", ("because",))


def test_a_roll_back_puts_the_version_before_into_service(two: Town) -> None:
    actor(two).promote(2, order())

    decision = actor(two).roll_back(order())

    assert (two.stand.champion, two.stand.previous, two.stand.phase) == (1, None, Phase.STEADY)
    assert (decision.version_before, decision.version_after) == (2, 1)


def test_a_roll_back_to_a_number_needs_no_version_before(two: Town) -> None:
    actor(two).promote(2, order())
    actor(two).settle(order())

    actor(two).roll_back(order(), number=1)

    assert two.stand.champion == 1


def test_settling_forgets_the_version_before(two: Town) -> None:
    actor(two).promote(2, order())

    decision = actor(two).settle(order())

    assert (two.stand.champion, two.stand.previous, two.stand.phase) == (2, None, Phase.STEADY)
    assert (decision.version_before, decision.version_after) == (2, 2)


def test_a_training_ends_in_an_offer_or_is_discarded(two: Town) -> None:
    actor(two).begin_training(order())
    training = two.stand
    actor(two).offer(2, now=LATER)
    offered = two.stand
    decision = actor(two).discard(order())

    assert (training.phase, training.champion) == (Phase.TRAINING, 1)
    assert (offered.phase, offered.candidate, offered.champion) == (Phase.CANDIDATE, 2, 1)
    assert (two.stand.phase, two.stand.candidate, two.stand.champion) == (Phase.STEADY, None, 1)
    assert decision.candidate == 2
    assert [name for name, _ in two.actions] == ["PROMOTE", "RETRAIN", "DISCARD"]


# What cannot be done changes nothing.


def damage(town: Town) -> None:
    version = town.project.store.version(MODEL, 2)
    file = town.project.settings.artifacts.path / version.location / "model.skops"
    file.write_bytes(file.read_bytes()[:-1])


def nothing(town: Town) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "act", "error", "says"),
    [
        pytest.param(
            nothing, lambda one: one.promote(1, order()), Conflict, "in service already", id="same"
        ),
        pytest.param(
            nothing, lambda one: one.promote(9, order()), NotFound, "9", id="unknown version"
        ),
        pytest.param(
            damage, lambda one: one.promote(2, order()), StateError, "model.skops", id="damaged"
        ),
        pytest.param(
            nothing, lambda one: one.roll_back(order()), NotFound, "by its number", id="no way back"
        ),
        pytest.param(
            nothing, lambda one: one.offer(2, now=LATER), Conflict, "came too late", id="called off"
        ),
        pytest.param(
            nothing,
            lambda one: one.promote(2, order(token=-1)),
            Conflict,
            "look again",
            id="judged what is no more",
        ),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    two: Town,
    prepare: Callable[[Town], None],
    act: Callable[[Actor], object],
    error: type[HomeostatError],
    says: str,
) -> None:
    before = (two.stand, two.project.store.decisions(MODEL))
    prepare(two)

    with pytest.raises(error, match=says):
        act(actor(two))

    assert (two.stand, two.project.store.decisions(MODEL)) == before


@pytest.mark.parametrize("action", ["promote", "roll_back", "settle", "discard", "begin_training"])
def test_no_action_is_taken_on_what_another_actor_changed_since(two: Town, action: str) -> None:
    actor(two).promote(2, order())
    seen = two.stand.token
    actor(two).roll_back(order())
    before = two.stand
    stale = order(token=seen)
    acts: dict[str, Callable[[], object]] = {
        "promote": lambda: actor(two).promote(2, stale),
        "roll_back": lambda: actor(two).roll_back(stale, number=2),
        "settle": lambda: actor(two).settle(stale),
        "discard": lambda: actor(two).discard(stale),
        "begin_training": lambda: actor(two).begin_training(stale),
    }

    with pytest.raises(Conflict, match="another actor changed 'loans' meanwhile"):
        acts[action]()

    assert two.stand == before


def test_of_many_actors_at_once_one_wins_and_each_other_is_told(two: Town) -> None:
    token = two.stand.token
    ready = threading.Barrier(4)

    def promote(_: int) -> str:
        ready.wait()
        try:
            return actor(two).promote(2, order(token=token)).id
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as threads:
        won = [one for one in threads.map(promote, range(4)) if one]

    assert len(won) == 1
    assert two.project.store.decisions(MODEL)[0].id == won[0]
    assert (two.stand.champion, two.stand.token) == (2, token + 1)


# The mirror.


@dataclass(frozen=True)
class Recorder(NoTracker):
    """A mirror that keeps what it was told, or does not answer."""

    shown: list[int | None] = field(default_factory=list)
    broken: bool = False

    def mirror_champion(self, model: str, number: int | None) -> bool:
        if self.broken:
            raise Unavailable("MLflow does not answer")
        self.shown.append(number)
        return True


def test_the_mirror_shows_the_champion(two: Town) -> None:
    mirror = Recorder()
    mirrored = replace(actor(two), tracker=mirror)
    mirrored.mirror()
    mirrored.promote(2, order())
    mirrored.mirror()
    mirrored.roll_back(order())
    mirrored.mirror()

    assert mirror.shown == [1, 2, 1]


def test_a_mirror_that_does_not_answer_hinders_nothing(two: Town) -> None:
    broken = replace(actor(two), tracker=Recorder(broken=True))

    decision = broken.promote(2, order())
    with capture_logs() as logs:
        broken.mirror()

    assert decision.action is Action.PROMOTE
    assert two.stand.champion == 2
    assert [(one["event"], one["log_level"]) for one in logs] == [
        ("mlflow mirror not updated", "warning")
    ]
