import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import pytest
from structlog.testing import capture_logs

from homeostat.cli.rounds import Rounds
from homeostat.errors import Unavailable
from homeostat.verdict import Outcome
from tests.shell.project import MODEL, Town, command


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def rounds(town: Town) -> Rounds:
    return Rounds(store=town.project.store, model=MODEL, interval_s=0.0)


def test_a_failed_round_is_an_error_written_down_and_not_the_last(start: Town) -> None:
    made: list[datetime | None] = []

    def one_round() -> None:
        made.append(None)
        if len(made) < 3:
            raise Unavailable("the disk is away")
        os.kill(os.getpid(), signal.SIGTERM)

    with capture_logs() as logs:
        rounds(start).run(one_round)

    verdicts = [one for _, one in start.project.store.verdicts(MODEL, "watch", limit=9)]
    assert len(made) == 3
    assert {one.outcome for one in verdicts} == {Outcome.ERROR}
    assert {one.reason for one in verdicts} == {"Unavailable: the disk is away"}
    assert [one["event"] for one in logs] == ["a round failed"] * 2


def test_a_failure_that_cannot_be_written_down_is_logged(start: Town) -> None:
    def one_round() -> None:
        raise Unavailable("the disk is away")

    with start.project.store._database.write() as connection:
        connection.exec_driver_sql("DROP TABLE verdicts")

    with capture_logs() as logs:
        done = rounds(start).once(one_round)

    assert not done
    assert [one["event"] for one in logs] == [
        "a round failed",
        "the failure could not be written down",
    ]


@pytest.mark.parametrize("noun", ["monitor", "loop"])
def test_rounds_end_on_a_signal_after_the_one_under_way(quiet: Town, noun: str) -> None:
    """A trigger in the database sends the signal from within the first round."""
    database = quiet.folder / "homeostat.db"
    with closing(sqlite3.connect(database)) as other:
        before = other.execute("SELECT count(*) FROM verdicts WHERE question = 'drift'").fetchone()
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    signal.setitimer(signal.ITIMER_REAL, 3.0)

    code = command(quiet.folder, noun, "run", "--json")

    with closing(sqlite3.connect(database)) as other:
        after = other.execute("SELECT count(*) FROM verdicts WHERE question = 'drift'").fetchone()
    assert code == 0
    assert after[0] == before[0] + 1
