"""The writer answers when it is on the disk, and never drops anything silently."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from homeostat.errors import Conflict, Unavailable, UserError
from homeostat.prediction import Prediction
from homeostat.store import MinuteProfile, QueueFull, Store, Writer, open_store
from homeostat.testing.store_samples import BINS, DAY, START, count_minutes, sample_prediction


class Gate:
    """Counts like `count_minutes`, but holds the writer's thread until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = Event(), Event()
        self.sizes: list[int] = []

    def __call__(self, predictions: Sequence[Prediction]) -> list[MinuteProfile]:
        self.reached.set()
        assert self.opened.wait(30)
        self.sizes.append(len(predictions))
        return count_minutes(predictions)


def rows(prefix: str, n: int) -> list[Prediction]:
    return [sample_prediction(f"{prefix}{i}") for i in range(n)]


async def begin(writer: Writer, predictions: list[Prediction]) -> "asyncio.Task[object]":
    """A submission that has reached the queue."""
    task = asyncio.create_task(writer.submit(predictions))
    await asyncio.sleep(0)
    return task


def test_an_answer_comes_after_the_commit(store_url: str) -> None:
    asked = [*rows("a", 3), replace(sample_prediction("a0"), body_digest="other")]
    with open_store(store_url) as store, open_store(store_url) as other:
        writer = Writer(store, count_minutes)
        writer.start()

        async def submit() -> None:
            answers = await writer.submit(asked)

            assert other.count_predictions("m") == 3
            assert answers[:3] == asked[:3]
            assert isinstance(answers[3], Conflict)
            assert await writer.submit([]) == []

        asyncio.run(submit())
        writer.stop()
        assert store.window_profile("m", 1, BINS, START, START + DAY).n == 3


def test_what_waits_shares_a_commit_and_everyone_gets_his_own(store: Store) -> None:
    gate = Gate()
    writer = Writer(store, gate, batch=10)
    writer.start()

    async def submit() -> list[object]:
        first = await begin(writer, rows("first", 1))
        await asyncio.to_thread(gate.reached.wait, 30)
        waiting = [await begin(writer, rows(f"{i}/", 4)) for i in range(5)]
        assert writer.waiting == 20
        gate.opened.set()
        return await asyncio.gather(first, *waiting)

    answers = asyncio.run(submit())
    writer.stop()

    assert answers == [rows("first", 1), *(rows(f"{i}/", 4) for i in range(5))]
    assert gate.sizes == [1, 12, 8]
    assert writer.waiting == 0


def test_a_full_queue_refuses_and_takes_again_later(store: Store) -> None:
    gate = Gate()
    writer = Writer(store, gate, limit=5)
    writer.start()

    async def submit() -> None:
        first = await begin(writer, rows("first", 1))
        await asyncio.to_thread(gate.reached.wait, 30)
        waiting = await begin(writer, rows("waiting", 3))
        with pytest.raises(QueueFull, match=r"3 predictions wait.*at most 5") as caught:
            await writer.submit(rows("refused", 3))
        assert caught.value.retry_after_s > 0
        with pytest.raises(UserError, match="split them"):
            await writer.submit(rows("never", 6))
        gate.opened.set()
        await asyncio.gather(first, waiting)
        await writer.submit(rows("refused", 3))

    asyncio.run(submit())
    writer.stop()

    assert store.count_predictions("m") == 7


def test_a_failed_commit_is_told_to_all_who_wait_and_the_next_one_works(tmp_path: Path) -> None:
    file = tmp_path / "homeostat.db"
    with (
        open_store(f"sqlite:///{file}", busy_timeout_s=0.2) as store,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        writer = Writer(store, count_minutes, batch=2)
        writer.start()

        async def submit() -> None:
            other.execute("BEGIN EXCLUSIVE")
            waiting = [await begin(writer, rows(f"{i}/", 2)) for i in range(4)]
            failures = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(one) for one in failures] == [Unavailable] * 4
            assert all("retry with the same id" in str(one) for one in failures)
            other.execute("ROLLBACK")
            for i in range(4):
                assert await writer.submit(rows(f"{i}/", 2)) == rows(f"{i}/", 2)

        asyncio.run(submit())
        writer.stop()
        assert store.count_predictions("m") == 8
        assert store.window_profile("m", 1, BINS, START, START + DAY).n == 8


def test_one_that_cannot_be_stored_takes_no_other_with_it(store: Store) -> None:
    gate = Gate()
    broken = replace(sample_prediction("broken"), features={"income": {1, 2}})  # type: ignore[dict-item]
    writer = Writer(store, gate)
    writer.start()

    async def submit() -> list[object]:
        first = await begin(writer, rows("first", 1))
        await asyncio.to_thread(gate.reached.wait, 30)
        waiting = [await begin(writer, some) for some in (rows("a", 1), [broken], rows("b", 1))]
        gate.opened.set()
        return await asyncio.gather(first, *waiting, return_exceptions=True)

    answers = asyncio.run(submit())
    writer.stop()

    assert answers[:2] == [rows("first", 1), rows("a", 1)]
    assert isinstance(answers[2], TypeError)
    assert answers[3] == rows("b", 1)
    assert store.count_predictions("m") == 3


def test_stop_stores_what_waits_and_refuses_what_comes(store: Store) -> None:
    gate = Gate()
    writer = Writer(store, gate)
    writer.start()

    async def submit() -> None:
        waiting = [await begin(writer, rows("first", 1))]
        await asyncio.to_thread(gate.reached.wait, 30)
        waiting += [await begin(writer, rows(f"{i}/", 1)) for i in range(3)]
        gate.opened.set()
        await asyncio.to_thread(writer.stop)
        assert store.count_predictions("m") == 4
        assert await asyncio.gather(*waiting) == [
            rows("first", 1),
            *(rows(f"{i}/", 1) for i in range(3)),
        ]
        with pytest.raises(Unavailable, match="stopped"):
            await writer.submit(rows("late", 1))

    asyncio.run(submit())


def test_who_gives_up_waiting_does_not_disturb_the_writer(store: Store) -> None:
    gate = Gate()
    writer = Writer(store, gate)
    writer.start()

    async def submit() -> None:
        given_up = await begin(writer, rows("given up", 1))
        await asyncio.to_thread(gate.reached.wait, 30)
        given_up.cancel()
        gate.opened.set()
        await writer.submit(rows("next", 1))

    asyncio.run(submit())
    writer.stop()

    assert store.count_predictions("m") == 2
