"""What became of requests is summed over processes, minutes and hours."""

from dataclasses import replace
from datetime import timedelta

from homeostat.store import MinuteTraffic, Store
from homeostat.testing.store_samples import MINUTE, START
from homeostat.traffic import Traffic, TrafficCounter, total_traffic

HOUR = timedelta(hours=1)


def seen(seconds: float, *, minute: int = 0, process: str = "a", version: int = 1) -> MinuteTraffic:
    """One answered and one failed request."""
    counter = TrafficCounter()
    counter.answer(seconds)
    counter.failure()
    return MinuteTraffic("m", version, START + minute * MINUTE, process, counter.traffic)


def test_processes_and_minutes_add_up(store: Store) -> None:
    parts = [seen(0.01), seen(0.02, process="b"), seen(0.04, minute=1), seen(0.1, version=2)]
    store.add_traffic(parts)
    found = store.traffic("m", until=START + HOUR)

    assert found == {
        1: total_traffic(one.traffic for one in parts[:3]),
        2: parts[3].traffic,
    }
    assert store.traffic("another", until=START + HOUR) == {}


def test_a_minute_takes_the_place_of_what_it_was_before(store: Store) -> None:
    first = seen(0.01)
    more = replace(first, traffic=first.traffic + seen(0.5).traffic)
    store.add_traffic([first])
    store.add_traffic([more])

    assert store.traffic("m", until=START + HOUR) == {1: more.traffic}


def test_a_window_is_half_open(store: Store) -> None:
    store.add_traffic([seen(0.01, minute=minute) for minute in range(4)])
    window = store.traffic("m", since=START + MINUTE, until=START + 3 * MINUTE)

    assert window[1].answered == 2


def test_compaction_changes_no_window_of_whole_hours(store: Store) -> None:
    parts = [seen(0.01 * (i + 1), minute=7 * i, process="ab"[i % 2]) for i in range(20)]
    store.add_traffic(parts)
    windows = [(None, START + 3 * HOUR), (START, START + HOUR), (START + HOUR, START + 2 * HOUR)]
    before = [store.traffic("m", since=a, until=b) for a, b in windows]
    joined = store.compact_traffic("m", START + 2 * HOUR + 5 * MINUTE)
    again = store.compact_traffic("m", START + 2 * HOUR + 5 * MINUTE)
    after = [store.traffic("m", since=a, until=b) for a, b in windows]

    assert joined == sum(one.minute < START + 2 * HOUR for one in parts)
    assert again == 0
    assert [x[1].to_dict()["histogram"] for x in after] == [
        x[1].to_dict()["histogram"] for x in before
    ]
    assert [x[1].requests for x in after] == [x[1].requests for x in before]


def test_what_comes_late_joins_its_hour(store: Store) -> None:
    store.add_traffic([seen(0.01)])
    store.compact_traffic("m", START + HOUR)
    store.add_traffic([seen(0.02, minute=3)])
    store.compact_traffic("m", START + HOUR)

    assert store.traffic("m", until=START + HOUR)[1].answered == 2


def test_nothing_is_nothing(store: Store) -> None:
    store.add_traffic([])
    store.add_traffic([replace(seen(0.01), traffic=Traffic())])

    assert store.traffic("m", until=START + HOUR) == {1: Traffic()}
