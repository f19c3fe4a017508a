"""Whatever comes in: all that is wrong is named, what to do is said, and nothing is lost."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.cli.project import Project
from homeostat.store import open_store
from tests.shell.project import MODEL, START, Town, asking, change_settings, command, homeostat

ROW: dict[str, Any] = {"income": 2500.5, "age": 41, "debt": 0.5, "job": "cook"}
HEADER = "key,income,age,debt,job,bad"


def lines(n: int = 300) -> list[str]:
    return [
        f"k{i},{1000 + 37 * i % 911},{18 + i % 60},0.{i % 97},cook,{i * 7 % 3 // 2}"
        for i in range(n)
    ]


def table(rows: list[str], header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


# A data file.

ONE_CLASS = [line[:-1] + "0" for line in lines()]
TWICE = ["k5" + line[line.index(",") :] for line in lines()]

FILES = [
    pytest.param(
        table(lines(), HEADER.replace("bad", "good")),
        ["no column 'bad' for the target"],
        id="no target",
    ),
    pytest.param(table(ONE_CLASS), ["has the one class '0'; two are needed"], id="one class"),
    pytest.param(table(TWICE), ["'key' is the id, but repeats in"], id="ids twice"),
    pytest.param(
        table([line[:-1] + "0" for line in TWICE]),
        ["has the one class '0'", "'key' is the id, but repeats"],
        id="one class and ids twice",
    ),
    pytest.param(b"", ["is empty"], id="empty"),
    pytest.param(
        table(lines()).replace(b"cook", b"caf\xe9", 1),
        ["is not UTF-8: byte", "(in line 2) is 0xe9; save it as UTF-8"],
        id="not UTF-8",
    ),
    pytest.param(table([]), ["has a header but no rows"], id="header only"),
]


@pytest.mark.parametrize(("content", "said"), FILES)
def test_a_file_that_cannot_be_used_makes_no_settings(
    tmp_path: Path, content: bytes, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = tmp_path / "rows.csv", tmp_path / "homeostat.yaml"
    data.write_bytes(content)

    code = homeostat("init", data, "--target", "bad", "--id", "key", "--output", output)

    error = capsys.readouterr().err
    assert code == 2
    assert [one for one in said if one not in error] == []
    assert sorted(tmp_path.iterdir()) == [data]


def test_a_column_without_a_value_is_left_out_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, output = tmp_path / "rows.csv", tmp_path / "homeostat.yaml"
    data.write_bytes(table([line.replace(",cook,", ",,") for line in lines()]))

    code = homeostat("init", data, "--target", "bad", "--id", "key", "--output", output)

    assert code == 0
    assert "'job' was left out: it has no value at all" in capsys.readouterr().out
    assert "job:" not in output.read_text()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda text: text.replace("bad", "good", 1), ["no column 'bad'"], id="target"),
        pytest.param(
            lambda text: "\n".join(
                ",".join(["", *line.split(",")[1:]]) if i else line
                for i, line in enumerate(text.splitlines())
            ),
            ["'income' is missing in"],
            id="a column without a value",
        ),
        pytest.param(
            lambda text: text.replace(",age,", ",years,", 1).replace(",0\n", ",2\n"),
            ["no column 'age'", "'bad' is not '0' or '1' in"],
            id="two things at once",
        ),
        pytest.param(lambda text: text.splitlines()[0], ["header but no rows"], id="header only"),
        pytest.param(lambda _: "", ["is empty"], id="empty"),
    ],
)
@pytest.mark.parametrize("verb", ["reference freeze --force", "model train"])
def test_a_file_that_no_longer_fits_changes_nothing(
    start: Town, spoil: Any, said: list[str], verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = start.folder / "loans.csv"
    data.write_text(spoil(data.read_text()))
    before = kept(start)

    code = command(start.folder, *verb.split())

    error = capsys.readouterr().err
    assert code == 2
    assert [one for one in said if one not in error] == []
    assert kept(start) == before


def kept(town: Town) -> tuple[object, ...]:
    """What a refused command leaves as it was."""
    store = town.project.store
    reference = town.folder / "monitoring/reference"
    return (
        town.stand,
        store.decisions(MODEL),
        store.versions(MODEL),
        store.count_predictions(MODEL),
        {path.name: path.read_bytes() for path in reference.iterdir()},
    )


def test_one_class_cannot_be_trained_on(start: Town, capsys: pytest.CaptureFixture[str]) -> None:
    one_class = start.folder / "one class.csv"
    text = (start.folder / "loans.csv").read_text()
    one_class.write_text("\n".join(line for line in text.splitlines() if not line.endswith(",1")))
    before = kept(start)

    code = command(start.folder, "model", "train", "--data", one_class)

    assert code == 2
    assert "are of one class; both are needed" in capsys.readouterr().err
    assert kept(start) == before


# The settings.


def test_unknown_keys_are_all_named_with_the_nearest_known_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_settings(folder, {"modle": "x", "drift": {"patiens": 3}, "gates": {"min_row": 5}})

    code = command(folder, "model", "list")

    error = capsys.readouterr().err
    assert code == 2
    assert "unknown key 'modle'; did you mean 'model'?" in error
    assert "drift: unknown key 'patiens'; did you mean 'patience'?" in error
    assert "gates: unknown key 'min_row'; did you mean 'min_rows'?" in error


# A request.

REQUESTS = [
    pytest.param('{"income": 1, "age": 2, "debt": 3}', ["job: missing"], id="missing"),
    pytest.param('{"age": 2}', ["income: missing", "debt: missing", "job: missing"], id="three"),
    pytest.param(
        json.dumps({**ROW, "incme": 1, "sex": "f"}),
        ["incme: ", "did you mean 'income'?", "sex: "],
        id="extra",
    ),
    pytest.param(json.dumps({**ROW, "debt": float("nan")}), ["debt"], id="NaN"),
    pytest.param(json.dumps({**ROW, "debt": float("inf")}), ["debt"], id="Infinity"),
    pytest.param(json.dumps({**ROW, "debt": float("-inf")}), ["debt"], id="-Infinity"),
    pytest.param(json.dumps(ROW).replace("0.5", "1e400"), ["debt"], id="1e400"),
    pytest.param(
        json.dumps({**ROW, "income": "2500", "age": 41.5, "job": 3}),
        ["income: ", "age: ", "job: "],
        id="wrong types",
    ),
    pytest.param(json.dumps({**ROW, "income": True}), ["income: "], id="a boolean is no number"),
    pytest.param(
        json.dumps({**ROW, "income": None, "debt": None}), ["income: ", "debt: "], id="null"
    ),
    pytest.param(json.dumps({**ROW, "debt": -1}), ["debt: "], id="below what is possible"),
    pytest.param("[1, 2]", ["body"], id="no object"),
    pytest.param("{", ["JSON"], id="no JSON"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "said"), REQUESTS)
async def test_a_row_that_cannot_be_used_is_422_and_not_logged(
    start: Town, body: str, said: list[str]
) -> None:
    async with asking(start) as client:
        answer = await client.post("/predict", content=body)

    message = answer.json()["message"]
    assert answer.status_code == answer.json()["status"] == 422
    assert [one for one in said if one not in message] == []
    assert start.project.store.count_predictions(MODEL) == 0


@pytest.mark.anyio
async def test_a_null_is_taken_where_the_schema_allows_one(start: Town) -> None:
    async with asking(start) as client:
        answer = await client.post("/predict", json={**ROW, "job": None})

    assert answer.status_code == 200


@pytest.mark.anyio
async def test_one_bad_row_of_a_batch_keeps_all_out_and_is_named(start: Town) -> None:
    rows = [ROW, {**ROW, "age": "old"}, ROW, {"age": 3}]
    async with asking(start) as client:
        answer = await client.post("/predict/batch", json={"rows": rows})

    message = answer.json()["message"]
    assert answer.status_code == 422
    assert "rows[1].age" in message
    assert "rows[3].income" in message
    assert "rows[0]" not in message
    assert start.project.store.count_predictions(MODEL) == 0


@pytest.mark.anyio
async def test_an_id_for_another_row_is_409_and_the_first_stays(start: Town) -> None:
    async with asking(start) as client:
        first = await client.post("/predict", json={**ROW, "prediction_id": "mine"})
        again = await client.post("/predict", json={**ROW, "prediction_id": "mine"})
        other = await client.post("/predict", json={**ROW, "age": 42, "prediction_id": "mine"})

    assert first.json() == again.json()
    assert other.status_code == 409
    assert "choose another" in other.json()["message"]
    assert start.project.store.prediction("mine").features["age"] == 41  # type: ignore[union-attr]


# A label.


@pytest.mark.anyio
async def test_labels_of_unknown_rows_are_all_named_and_none_is_stored(start: Town) -> None:
    labels = [{"prediction_id": key, "label": 1} for key in ("mine", "his", "hers")]
    async with asking(start) as client:
        await client.post("/predict", json={**ROW, "prediction_id": "mine"})
        answer = await client.post("/labels", json={"labels": labels})
        coverage = (await client.get("/labels/coverage")).json()

    message = answer.json()["message"]
    assert answer.status_code == 422
    assert "no prediction 'his'" in message
    assert "no prediction 'hers'" in message
    assert "park=true" in message
    assert coverage["labeled_predictions"] == 0


@pytest.mark.anyio
async def test_labels_of_unknown_classes_are_all_named_and_none_is_stored(start: Town) -> None:
    labels = [{"prediction_id": "mine", "label": one} for one in (1, 2, "bad")]
    async with asking(start) as client:
        await client.post("/predict", json={**ROW, "prediction_id": "mine"})
        answer = await client.post("/labels", json={"labels": labels})
        coverage = (await client.get("/labels/coverage")).json()

    message = answer.json()["message"]
    assert answer.status_code == 422
    assert "labels[1].label: '2' is no class of 'bad'" in message
    assert "labels[2].label: 'bad' is no class of 'bad'" in message
    assert "the classes are 0, 1" in message
    assert coverage["labeled_predictions"] == 0


# The reference.


@pytest.mark.parametrize("arguments", ["reference show", "model train"])
def test_a_reference_that_was_changed_by_hand_is_not_used(
    start: Town, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = start.folder / "monitoring/reference/reference_data.csv"
    file.write_text(file.read_text().replace("cook", "clerk", 1))
    before = kept(start)

    code = command(start.folder, *arguments.split())

    error = capsys.readouterr().err
    assert code == 4
    assert "reference_data.csv is not what was frozen" in error
    assert "restore the file, or freeze again with --force" in error
    assert kept(start) == before


# The store.


@pytest.fixture
def locked(start: Town) -> Iterator[Town]:
    """Another process holds the lock; ours waits for it for 0.2 s."""
    settings = start.project.settings
    with (
        open_store(settings.store.url, busy_timeout_s=0.2) as store,
        closing(sqlite3.connect(start.folder / "homeostat.db")) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        yield replace(start, project=Project(settings=settings, store=store))
        other.rollback()


@pytest.mark.anyio
async def test_a_locked_store_is_503_and_nothing_is_half_done(locked: Town) -> None:
    async with asking(locked) as client:
        row = await client.post("/predict", json={**ROW, "prediction_id": "mine"})
        label = await client.post("/labels", json={"prediction_id": "mine", "label": 1})

    assert (row.status_code, label.status_code) == (503, 503)
    assert row.headers["retry-after"] == "1"
    assert "locked" in row.json()["message"]
    assert "try again" in row.json()["message"]
    assert locked.project.store.count_predictions(MODEL) == 0


def test_a_locked_store_ends_a_command_with_4(
    locked: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept(locked)

    code = command(locked.folder, "model", "rollback", "1")

    error = capsys.readouterr().err
    assert code == 4
    assert "locked" in error
    assert "stop what keeps it open" in error
    assert kept(locked) == before


def read_only(town: Town) -> str:
    return f"sqlite:///file:{town.folder / 'homeostat.db'}?mode=ro&uri=true"


@pytest.mark.anyio
async def test_a_read_only_store_is_503_and_says_so(start: Town) -> None:
    with open_store(read_only(start)) as store:
        town = replace(start, project=Project(settings=start.project.settings, store=store))
        async with asking(town) as client:
            answer = await client.post("/predict", json=ROW)
            health = await client.get("/health")

    assert (answer.status_code, health.status_code) == (503, 503)
    assert "let this user write to both" in answer.json()["message"]


def test_a_read_only_store_ends_a_command_with_4_when_it_writes(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept(start)
    change_settings(start.folder, {"store": {"url": read_only(start)}})

    reading = command(start.folder, "model", "list")
    writing = command(start.folder, "monitor", "run", "--as-of", START.isoformat())

    assert (reading, writing) == (0, 4)
    assert "read-only; let this user write to both" in capsys.readouterr().err
    assert kept(start) == before


def test_a_store_of_a_newer_homeostat_is_left_alone(
    start: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    before = kept(start)
    set_schema(start, "9999")

    code = command(start.folder, "model", "promote", "1")

    error = capsys.readouterr().err
    set_schema(start, "0001")
    assert code == 4
    assert "has schema '9999'" in error
    assert "upgrade homeostat" in error
    assert kept(start) == before


def set_schema(town: Town, revision: str) -> None:
    with town.project.store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE homeostat_schema SET version_num = '{revision}'")
