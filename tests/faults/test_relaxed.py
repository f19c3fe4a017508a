"""Relaxed durability loses little, and no answer hides it."""

import random
import shutil
import time
from contextlib import closing
from pathlib import Path

import pytest

from homeostat.store import open_store
from homeostat.store.slack import LONGEST_S, MOST_ROWS
from tests.conftest import free_port
from tests.faults.disk import Disk, record
from tests.faults.service import ask, post, project, serving, to_server
from tests.faults.test_power_cut import stored

pytestmark = pytest.mark.slow

CUTS = 200

#: The writer of the service, without its thread, so that the recording is in order.  Its
#: clock moves 20 ms with each commit.
WRITES = """
import sys
from homeostat.store import Slack, Writer, open_store
from homeostat.store import slack as slack_module
from homeostat.store import writer as writer_module
from homeostat.testing.store_samples import *

class Submission:
    def __init__(self, predictions):
        self.predictions = predictions

def tell(told):
    for submission, answers in told:
        assert len(answers) == len(submission.predictions), answers
        print("".join(f"{one.id}\\n" for one in answers), end="", flush=True)

writer_module._tell = tell

now = 0.0
if sys.argv[2] == "endless":
    slack_module.MOST_ROWS = slack_module.LONGEST_S = 10**9
with open_store(sys.argv[1]) as store:
    writer = Writer(store, count_minutes, slack=Slack(relaxed=True, monotonic=lambda: now))
    for turn in range(150):
        now += 0.02
        size = 200 if 50 < turn < 70 else 3
        batch = [sample_prediction(f"p/{turn}/{k}", minutes=turn) for k in range(size)]
        writer._commit([Submission(batch)])
"""

COMMIT_S = 0.02


def most_lost(folder: Path, how: str) -> tuple[int, int]:
    """The most rows that any cut took back, and from how many commits they were."""
    data, after = folder / "data", folder / "after"
    data.mkdir()
    url = f"sqlite:///{data / 'homeostat.db'}"
    open_store(url).close()
    disk = Disk.of(data)
    events = record(WRITES, [url, how], data)
    turns = set(random.Random(4).choices(range(len(events)), k=CUTS))
    most_rows = most_commits = 0
    for i, event in enumerate(events):
        disk.play(event)
        if i in turns:
            disk.lose_power(after, i)
            lost = {*disk.said} - stored(after / "homeostat.db").keys()
            most_rows = max(most_rows, len(lost))
            most_commits = max(most_commits, len({one.split("/")[1] for one in lost}))
    shutil.rmtree(after)
    return most_rows, most_commits


def test_a_power_cut_takes_back_at_most_a_second_and_a_thousand_rows(tmp_path: Path) -> None:
    rows, commits = most_lost(tmp_path, "as it is")

    assert 0 < rows <= MOST_ROWS <= 1000
    assert commits * COMMIT_S <= LONGEST_S + COMMIT_S <= 1


def test_without_its_bounds_it_would_take_back_more(tmp_path: Path) -> None:
    rows, _ = most_lost(tmp_path, "endless")

    assert rows > MOST_ROWS


@pytest.mark.parametrize(("durability", "durable"), [("acknowledged", True), ("relaxed", False)])
def test_every_answer_says_whether_it_is_durable(
    tmp_path: Path, durability: str, *, durable: bool
) -> None:
    project(tmp_path)
    port = free_port()
    variables = {"HOMEOSTAT_STORE__DURABILITY": durability}
    begun = time.monotonic()
    with serving(tmp_path, port, variables=variables), closing(to_server(port)) as connection:
        answers = [ask(connection, f"{i}")[1] for i in range(5)]
        answers += post(connection, ["a", "b"])

    assert {one["durable"] for one in answers} == {durable}
    assert len(answers) == 7
    assert time.monotonic() > begun
