"""What was acknowledged survives a process that is killed."""

import subprocess
import sys
from itertools import islice

import pytest

from homeostat.store import open_store
from homeostat.testing.store_samples import BINS, DAY, START

WRITES_UNTIL_KILLED = """
import sys
from homeostat.store import open_store
from homeostat.testing.store_samples import count_minutes, sample_prediction

store = open_store(sys.argv[1])
i = 0
while True:
    batch = [sample_prediction(f"{i + k}") for k in range(7)]
    for stored in store.add_predictions(batch, count_minutes):
        print(stored.id, flush=True)
    i += 7
"""


def acknowledged_before_the_kill(url: str, lines: int) -> list[str]:
    command = [sys.executable, "-c", WRITES_UNTIL_KILLED, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writing:
        assert writing.stdout is not None
        seen = list(islice(writing.stdout, lines))
        writing.kill()
        seen += writing.stdout.readlines()
    return [line.strip() for line in seen if line.endswith("\n")]


@pytest.mark.parametrize("lines", [5, 300])
def test_all_that_was_acknowledged_is_there_exactly_once(store_url: str, lines: int) -> None:
    acknowledged = acknowledged_before_the_kill(store_url, lines)
    with open_store(store_url, create=False) as store:
        stored = [one.id for page in store.iterate_predictions("m") for one in page]
        counted = store.window_profile("m", 1, BINS, START, START + DAY).n

    assert len(acknowledged) >= lines
    assert len(stored) == len(set(stored)) == counted
    assert set(acknowledged) <= set(stored)
    assert len(stored) % 7 == 0
