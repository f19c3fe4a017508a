"""Whatever is malformed gets a 4xx in the one shape, and nothing of it is logged."""

from collections.abc import AsyncIterator, Iterator
from json import dumps
from pathlib import Path
from typing import Any

import httpx
import pytest

from homeostat.store import open_store
from tests.shell.serving.world import MODEL, ROW, World, asking

pytestmark = pytest.mark.anyio

LABEL = {"prediction_id": "given", "label": 1}
BASELINE = {"model_name": MODEL, "mean_prediction": 0.4, "std_prediction": 0.2}
MIB = 2**20


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        world = World(store, tmp_path / "models")
        world.promote(world.register())
        yield world


@pytest.fixture
async def client(world: World, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(world) as client:
        assert (await client.post("/predict", json={**ROW, "prediction_id": "given"})).is_success
        yield client


def literal(plain: dict[str, Any], name: str, value: bytes) -> bytes:
    """An object with one value as it stands."""
    return b"{%b}" % b",".join(
        b"%b:%b" % (dumps(key).encode(), value if key == name else dumps(one).encode())
        for key, one in {**plain, name: plain.get(name)}.items()
    )


#: In the place of a number.
NUMBERS = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "minus Infinity": b"-Infinity",
    "1e400": b"1e400",
    "minus 1e400": b"-1e400",
    "true": b"true",
    "text": b'"1.5"',
    "empty text": b'""',
    "list": b"[1]",
    "object": b'{"a":1}',
    "hex": b"0x10",
    "octal": b"010",
    "plus": b"+1",
    "bare point": b".5",
    "point at the end": b"1.",
    "underscore": b"1_0",
    "Arabic digit": "\u0661".encode(),
    "5,000 digits": b"9" * 5000,
    "5,000 decimals and an exponent": b"0." + b"1" * 5000 + b"e9999",
    "two signs": b"--1",
    "undefined": b"undefined",
    "None": b"None",
    "nothing": b"",
}

#: In the place of a text.
TEXTS = {
    "lone surrogate": b'"\\ud800"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "half an escape": b'"\\u12"',
    "unknown escape": b'"\\x41"',
    "raw line break": b'"a\nb"',
    "raw zero byte": b'"a\x00b"',
    "escaped zero byte": b'"a\\u0000b"',
    "not UTF-8": b'"\xff"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "too long": b'"%b"' % (b"x" * 4097),
    "number": b"1",
    "boolean": b"true",
    "null": b"null",
    "single quotes": b"'a'",
    "no end": b'"a',
}


def whole(plain: dict[str, Any]) -> dict[str, bytes]:
    """Bodies that are wrong as a whole."""
    text = dumps(plain)
    utf8 = text.encode()
    first = next(iter(plain))
    return {
        "nothing": b"",
        "spaces": b"   ",
        "null": b"null",
        "text": b'"a"',
        "number": b"1",
        "list": b"[%b]" % utf8,
        "empty object": b"{}",
        "half": utf8[: len(utf8) // 2],
        "no end": utf8[:-1],
        "trailing comma": utf8[:-1] + b",}",
        "something after it": utf8 + b"x",
        "twice": utf8 + utf8,
        "after a line break": utf8 + b"\n" + utf8,
        "comment": b"/* a */" + utf8,
        "zero byte after it": utf8 + b"\x00",
        "a key twice": utf8[:-1] + b',"%b":%b}' % (first.encode(), dumps(plain[first]).encode()),
        "a key that nobody asked for": utf8[:-1] + b',"other":1}',
        "__proto__": utf8[:-1] + b',"__proto__":{"a":1}}',
        "an empty key": utf8[:-1] + b',"":1}',
        "a key of a mebibyte": b'{"%b":1}' % (b"k" * (MIB - 10)),
        "a key that is no text": b"{1:2}",
        "byte order mark": b"\xef\xbb\xbf" + utf8,
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without a mark": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "UTF-7": b"+AHs-",
        "100,000 lists": b"[" * 100_000,
        "100,000 objects": b'{"a":' * 100_000,
        "deep and whole": b"[" * 100_000 + b"]" * 100_000,
        "nine deep": b'{"a":' * 9 + b"1" + b"}" * 9,
        "nine deep within": utf8[:-1] + b',"a":' + b"[" * 8 + b"]" * 8 + b"}",
        "a mebibyte of digits": b"9" * (MIB - 1),
        "100,000 keys": b"{%b}" % b",".join(b'"%d":1' % i for i in range(90_000)),
        "form": b"debt-ratio=1&age=41",
        "XML": b"<row/>",
        "YAML": b"debt-ratio: 1\n",
        "pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94.",
        "too large": b" " * (MIB + 1),
    }


def bodies() -> Iterator[Any]:
    """Path, body and name of every malformed body."""
    routes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/predict", ROW),
        ("/predict/batch", {"rows": [ROW]}),
        ("/labels", LABEL),
        ("/labels", {"labels": [LABEL]}),
        ("/monitoring/baseline", BASELINE),
    )
    for path, plain in routes:
        kind = next(iter(plain))
        for name, body in whole(plain).items():
            yield pytest.param(path, body, id=f"{path} {kind}: {name}")
    for name, value in NUMBERS.items():
        row = literal(ROW, "debt-ratio", value)
        yield pytest.param("/predict", row, id=f"number: {name}")
        batch = b'{"rows":[%b,%b]}' % (dumps(ROW).encode(), row)
        yield pytest.param("/predict/batch", batch, id=f"number in the second row: {name}")
        mean = literal(BASELINE, "mean_prediction", value)
        yield pytest.param("/monitoring/baseline", mean, id=f"mean: {name}")
        if name != "text":
            yield pytest.param("/labels", literal(LABEL, "label", value), id=f"label: {name}")
    for name, value in TEXTS.items():
        yield pytest.param("/predict", literal(ROW, "job", value), id=f"text: {name}")
        yield pytest.param("/labels", literal(LABEL, "prediction_id", value), id=f"id: {name}")
        source = literal(LABEL, "label_source", value)
        yield pytest.param("/labels", source, id=f"source: {name}")
    for name in ("2^53+1", "fraction"):
        value = {"2^53+1": b"9007199254740993", "fraction": b"41.5"}[name]
        yield pytest.param("/predict", literal(ROW, "age", value), id=f"whole number: {name}")


BODIES = list(bodies())


@pytest.fixture(scope="module")
def seen() -> set[int]:
    """The statuses that were met."""
    return set()


async def send(client: httpx.AsyncClient, path: str, body: bytes) -> httpx.Response:
    return await client.post(path, content=body, headers={"Content-Type": "application/json"})


async def test_every_malformed_body_is_refused_and_none_is_logged(
    world: World, client: httpx.AsyncClient
) -> None:
    wrong = []
    for case in BODIES:
        path, body = case.values
        answer = await send(client, path, body)
        shape = list(answer.json()) == ["error", "message", "status"]
        if not (400 <= answer.status_code < 500 and shape and len(answer.content) < 100_000):
            wrong.append((case.id, answer.status_code, answer.text[:200]))

    assert wrong == []
    assert len(BODIES) > 200
    assert world.store.count_predictions(MODEL) == 1
    day = world.now.replace(hour=0)
    assert world.store.label_coverage(MODEL, since=day, until=world.now.replace(hour=23)) == (0, 1)
    assert "NaN" not in (await client.get("/monitoring/drift/credit")).text


async def test_the_same_bodies_are_taken_when_nothing_is_wrong(
    world: World, client: httpx.AsyncClient
) -> None:
    """The control: it is the malformed part that is refused."""
    sent = (
        ("/predict", literal(ROW, "debt-ratio", b"-0.0")),
        ("/predict", literal(ROW, "debt-ratio", b"1")),
        ("/predict", literal(ROW, "job", b'"\\ud83d\\ude00"')),
        ("/predict/batch", b'{"rows":[%b]}' % dumps(ROW).encode()),
        ("/labels", dumps(LABEL).encode()),
        ("/monitoring/baseline", dumps(BASELINE).encode()),
    )
    answers = [await send(client, path, body) for path, body in sent]

    assert [one.status_code for one in answers] == [200] * len(sent)
    assert world.store.count_predictions(MODEL) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Content-Type": "text/plain"}, 415, id="text, as a foreign page may send"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 415, id="form"),
        pytest.param({"Content-Type": "multipart/form-data; boundary=a"}, 415, id="multipart"),
        pytest.param({"Content-Type": "application/jsonp"}, 415, id="almost"),
        pytest.param({"Content-Type": "text/plain; application/json"}, 415, id="hidden"),
        pytest.param({"Content-Type": ""}, 415, id="empty"),
        pytest.param({"Content-Encoding": "gzip"}, 415, id="gzip"),
        pytest.param({"Content-Encoding": "identity, br"}, 415, id="two codings"),
        pytest.param({"Content-Length": str(MIB + 1)}, 413, id="declared too large"),
        pytest.param({"Content-Length": "9" * 30}, 413, id="declared far too large"),
        pytest.param({"Content-Type": "application/json; charset=utf-8"}, 200, id="JSON"),
        pytest.param({"Content-Type": "APPLICATION/JSON"}, 200, id="JSON aloud"),
        pytest.param({"Content-Type": "application/vnd.row+json"}, 200, id="some JSON"),
        pytest.param({"Content-Encoding": "identity"}, 200, id="as it is"),
    ],
)
async def test_what_is_said_of_a_body_is_believed(
    world: World, client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/predict", content=dumps(ROW), headers=headers)

    assert answer.status_code == status
    assert world.store.count_predictions(MODEL) == 1 + (status == 200)


async def test_a_batch_with_one_bad_row_is_refused_whole(
    world: World, client: httpx.AsyncClient
) -> None:
    rows = [{**ROW, "prediction_id": f"{i}"} for i in range(1000)]
    rows[617] = {**rows[617], "age": "old"}
    answer = await client.post("/predict/batch", json={"rows": rows})

    assert answer.status_code == 422
    assert "rows[617].age: not a whole number" in answer.json()["message"]
    assert world.store.count_predictions(MODEL) == 1
    assert world.store.predictions_by_id([f"{i}" for i in range(1000)]) == {}


async def test_everything_wrong_with_a_batch_is_counted(client: httpx.AsyncClient) -> None:
    rows = [{**ROW, "age": "old", "other": 1} for _ in range(300)]
    answer = await client.post("/predict/batch", json={"rows": rows, "more": 1})

    message = answer.json()["message"]
    assert answer.status_code == 422
    assert "more: not asked for" in message
    assert "rows[99].age: not a whole number, got 'old'" in message
    assert message.endswith("and 401 more")


async def test_the_labels_of_a_batch_are_all_stored_or_none(
    world: World, client: httpx.AsyncClient
) -> None:
    good, unknown = LABEL, {**LABEL, "prediction_id": "never"}
    answer = await client.post("/labels", json={"labels": [good, unknown]})

    assert answer.status_code == 422
    assert "never" in answer.json()["message"]
    assert world.store.newest_label_at() is None
