"""A model made elsewhere that reads some of the columns is replaced by one that does, too."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
import xgboost

from homeostat.schema import Row
from tests.shell.project import CHANGED, QUIET, START, Town, World, asking, command

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

READ = ("debt", "income")  #: in the model's own order


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers(World):
    """The world as callers tell it who know what the model reads, and nothing more."""

    world: World

    def draw(self, random: np.random.Generator, n: int) -> pl.DataFrame:
        return self.world.draw(random, n).select(*READ, "bad")


def bring(town: Town) -> None:
    """Version 2 in service, made with the library that somebody else likes."""
    learnt = QUIET.draw(np.random.default_rng(5), 3000)
    x, y = learnt.select(READ).to_numpy(), learnt["bad"].to_numpy()
    data = xgboost.DMatrix(x, y, feature_names=list(READ))
    options = {"objective": "binary:logistic", "max_depth": 3, "seed": 1}
    xgboost.train(options, data, 30).save_model(town.folder / "theirs.json")
    sample = learnt.tail(600).drop("age", "job")
    sample.write_csv(town.folder / "sample.csv")
    given = ("--sample", town.folder / "sample.csv", "--as-of", START.isoformat())
    assert command(town.folder, "model", "register", town.folder / "theirs.json", *given) == 0
    promote = ("model", "promote", 2, "--as-of", START.isoformat())
    assert command(town.folder, *promote, "--other-rows") == 0


async def test_who_asked_the_old_version_can_ask_the_new_one(start: Town) -> None:
    bring(start)
    start.live(Callers(world=QUIET), 48)
    start.live_until(Callers(world=CHANGED), "RETRAIN")
    start.live_until(Callers(world=CHANGED), "PROMOTE")

    served, promoted = (start.project.store.version("loans", number) for number in (2, 3))
    row: Row = {"debt": 0.4, "income": 2500.0}
    async with asking(start) as client:
        answer = await client.post("/predict", json=row)

    assert start.stand.champion == 3
    assert served.schema.names == promoted.schema.names == READ
    assert (answer.status_code, answer.json()["model_version"]) == (200, "3")
