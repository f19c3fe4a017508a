"""Signs of life follow from what rounds do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from homeostat.cli.pulse import Pulse
from homeostat.cli.rounds import Rounds
from homeostat.errors import Unavailable
from homeostat.heartbeat import Heartbeat
from homeostat.liveness import LIVENESS, Beat
from homeostat.verdict import Outcome
from homeostat.vigil import Vigil
from tests.shell.project import MODEL, START, Town

MINUTE = timedelta(minutes=1)


@dataclass
class Outside:
    """Counts signs of life; says no while it is closed."""

    taken: int = 0
    closed: bool = False

    def __call__(self, _: httpx.Request) -> httpx.Response:
        if self.closed:
            return httpx.Response(503)
        self.taken += 1
        return httpx.Response(200)


@dataclass
class Watched:
    """A pulse on a clock that only the test moves, and the one outside."""

    town: Town
    now: datetime = START
    outside: Outside = field(default_factory=Outside)

    def __post_init__(self) -> None:
        transport = httpx.MockTransport(self.outside)
        self.pulse = Pulse(
            Vigil(store=self.town.project.store, model=MODEL),
            "monitor",
            every_s=3600.0,
            clock=lambda: self.now,
            heartbeat=Heartbeat(url="https://outside.example/x", transport=transport),
        )

    @property
    def beats(self) -> dict[str, Beat]:
        return {one.loop: one for one in self.town.project.store.heart.beats(MODEL)}

    @property
    def said(self) -> list[tuple[Outcome, list[str]]]:
        """Outcome and troubled loops of the verdicts on liveness, oldest first."""
        held = self.town.project.store.verdicts(MODEL, LIVENESS, limit=99)
        return [(one.outcome, one.details["troubled"]) for _, one in reversed(held)]


@pytest.fixture
def watched(start: Town) -> Watched:
    return Watched(start)


def test_no_sign_goes_outside_before_a_round_succeeded(watched: Watched) -> None:
    with watched.pulse.beating(300.0):
        watched.pulse.tick()
        before = watched.outside.taken
        watched.pulse.succeeded()
        watched.pulse.tick()

    assert (before, watched.outside.taken) == (0, 1)
    assert watched.beats["heartbeat"].succeeded_at == START


def test_no_sign_goes_outside_after_a_round_failed(watched: Watched) -> None:
    with watched.pulse.beating(300.0):
        watched.pulse.succeeded()
        watched.pulse.failed(Unavailable("no disk"))
        watched.pulse.tick()
        failed = watched.outside.taken
        watched.pulse.succeeded()
        watched.pulse.tick()

    assert (failed, watched.outside.taken) == (0, 1)


def test_no_sign_goes_outside_while_a_round_hangs(watched: Watched) -> None:
    """The thread that gives signs runs on; the round does not end."""
    with watched.pulse.beating(300.0):
        watched.pulse.succeeded()
        watched.now += 9 * MINUTE
        watched.pulse._seen()
        watched.pulse.tick()
        within = watched.outside.taken
        watched.now += 2 * MINUTE
        watched.pulse._seen()
        watched.pulse.tick()

    assert (within, watched.outside.taken) == (1, 1)
    assert watched.said[-1] == (Outcome.FAIL, ["monitor"])


def test_a_heartbeat_that_is_not_taken_is_logged_and_judged(watched: Watched) -> None:
    watched.outside.closed = True
    with watched.pulse.beating(300.0), capture_logs() as logs:
        watched.pulse.succeeded()
        for _ in range(3):
            watched.pulse.tick()
        watched.outside.closed = False
        watched.pulse.tick()
        watched.pulse.tick()

    assert [one["event"] for one in logs].count("heartbeat not sent") == 3
    assert watched.said == [
        (Outcome.PASS, []),
        (Outcome.ERROR, ["heartbeat"]),
        (Outcome.PASS, []),
    ]


def test_without_failures_nothing_is_said_of_the_heartbeat(watched: Watched) -> None:
    """The negative control of the one before."""
    with watched.pulse.beating(300.0):
        watched.pulse.succeeded()
        for _ in range(5):
            watched.pulse.tick()

    assert watched.said == [(Outcome.PASS, [])]
    assert watched.outside.taken == 5


def test_rounds_that_fail_are_counted_and_one_that_succeeds_ends_it(watched: Watched) -> None:
    rounds = Rounds(
        store=watched.town.project.store, model=MODEL, interval_s=300.0, pulse=watched.pulse
    )
    watched.pulse.promise(300.0)

    def broken() -> None:
        raise Unavailable("no disk")

    with capture_logs():
        rounds.once(broken)
        rounds.once(broken)
    watched.pulse.tick()
    failing = watched.beats["monitor"]
    rounds.once(lambda: None)
    watched.pulse.tick()

    assert (failing.failures, failing.problem) == (2, "Unavailable: no disk")
    assert watched.beats["monitor"].failures == 0
    assert watched.said == [(Outcome.ERROR, ["monitor"]), (Outcome.PASS, [])]


def test_an_answer_that_does_not_change_is_written_down_once_an_hour(watched: Watched) -> None:
    with watched.pulse.beating(3600.0):
        watched.pulse.succeeded()
        for _ in range(121):
            watched.pulse._seen()
            watched.pulse.succeeded()
            watched.pulse.tick()
            watched.now += MINUTE

    assert watched.said == [(Outcome.PASS, [])] * 3


def test_a_store_that_is_away_ends_no_round_and_sends_no_sign(watched: Watched) -> None:
    store = watched.town.project.store
    with store._database.write() as connection:
        connection.exec_driver_sql("DROP TABLE beats")

    with capture_logs() as logs:
        watched.pulse.succeeded()
        watched.pulse.failed(Unavailable("no disk"))

    with pytest.raises(Exception, match="beats"):
        watched.pulse.tick()
    assert [one["event"] for one in logs] == ["no sign of life"] * 2
    assert watched.outside.taken == 0


def test_the_thread_gives_signs_until_the_rounds_end(start: Town) -> None:
    seen: list[datetime] = []
    times = iter(START + i * MINUTE for i in range(10_000))

    def clock() -> datetime:
        seen.append(next(times))
        return seen[-1]

    pulse = Pulse(
        Vigil(store=start.project.store, model=MODEL), "monitor", every_s=0.001, clock=clock
    )
    with pulse.beating(300.0):
        until(lambda: len(seen) > 20)
    ended = len(seen)

    assert {one.loop for one in start.project.store.heart.beats(MODEL)} == {"monitor"}
    assert len(seen) == ended


def until(true: Callable[[], bool]) -> None:
    from threading import Event

    while not true():
        Event().wait(0.002)
