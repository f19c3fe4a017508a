"""B15: a compiled version that cannot be taken over leaves the old one serving."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from homeostat.registry.files import manifest_digest, sha256
from homeostat.registry.onnx import OnnxEstimator
from homeostat.version import Version
from tests.shell.serving.world import ROW, World

pytestmark = pytest.mark.anyio


def garbage(model: Path, _: Path) -> None:
    model.write_bytes(b"\x80\x04 this is no graph")


def flipped(model: Path, _: Path) -> None:
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)


def another(model: Path, other: Path) -> None:
    model.write_bytes(other.read_bytes())


def gone(model: Path, _: Path) -> None:
    model.unlink()


def reregistered(world: World, version: Version) -> Version:
    """The version with its folder as it is now, as whoever holds the database could write it."""
    folder = world.root / version.location
    manifest = {one.name: sha256(one.read_bytes()) for one in folder.iterdir()}
    changed = replace(
        version,
        number=version.number + 1,
        manifest=manifest,
        digest=manifest_digest(manifest),
    )
    world.store.add_version(changed)
    return changed


@pytest.mark.parametrize(
    ("damage", "known"),
    [
        (garbage, False),
        (flipped, False),
        (another, False),
        (gone, False),
        (garbage, True),
        (another, True),
        (gone, True),
    ],
)
async def test_a_bad_compiled_version_leaves_the_old_one_serving(
    world: World, client: httpx.AsyncClient, damage: Callable[[Path, Path], None], *, known: bool
) -> None:
    """A file that does not load, is not the registered one, or answers otherwise."""
    first = world.store.version("credit", 1)
    before = (await client.post("/predict", json=ROW)).json()
    bad = world.register(turn=9)
    folder = world.root / bad.location
    damage(folder / "model.onnx", world.root / first.location / "model.onnx")
    if known and damage is gone:  # the original alone would do
        (folder / "model.skops").unlink()
    world.promote(reregistered(world, bad) if known else bad)

    await world.service.refresh()

    after = (await client.post("/predict", json=ROW)).json()
    health = (await client.get("/health")).json()
    assert (after["model_version"], after["probability"]) == ("1", before["probability"])
    assert (health["status"], health["model_version"]) == ("degraded", "1")


async def test_a_good_compiled_version_takes_over(world: World, client: httpx.AsyncClient) -> None:
    """The negative control."""
    world.promote(world.register(turn=9))

    await world.service.refresh()

    answer = (await client.post("/predict", json=ROW)).json()
    assert answer["model_version"] == "2"
    assert isinstance((await world.champions.get()).scorer.estimator, OnnxEstimator)
