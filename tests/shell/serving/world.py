"""A small world to serve: real versions of a real model in a real store."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx
import numpy as np
import polars as pl

from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.plan import Deployment
from homeostat.reference import Reference
from homeostat.registry import (
    GoldenRows,
    Scorer,
    encode_frame,
    load_scorer,
    save_artifact,
)
from homeostat.schema import Feature, Kind, Row, Schema, Target, Task
from homeostat.serving.app import create_app
from homeostat.serving.champion import Champions
from homeostat.serving.counting import Counting
from homeostat.serving.direct import Application
from homeostat.serving.door import Door
from homeostat.serving.keyring import KeyRing
from homeostat.serving.service import Service
from homeostat.serving.services import Services
from homeostat.store import Store, Writer
from homeostat.version import Version

MODEL = "credit"
NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
KEY = "a key for tests"

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=(
        Feature(name="debt-ratio", kind=Kind.NUMBER, minimum=0),
        Feature(name="age", kind=Kind.INTEGER, minimum=18, maximum=120),
        Feature(name="income", kind=Kind.NUMBER, nullable=True),
        Feature(name="owner", kind=Kind.BOOLEAN),
        Feature(name="job", kind=Kind.CATEGORY, categories=("clerk", "cook")),
    ),
)

ROW: Row = {"debt-ratio": 0.5, "age": 41, "income": 1800.0, "owner": True, "job": "cook"}

#: homeostat.yaml
CONFIG = {
    "model": MODEL,
    "target": {"column": "bad"},
    "features": {
        one.name: {"kind": one.kind.value, "categories": one.categories} for one in SCHEMA.features
    },
    "data": {"path": "rows.csv"},
    "mlflow": {"tracking_uri": ""},
}


def frame(n: int = 300, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    income = random.lognormal(7.5, 0.5, n)
    return pl.DataFrame(
        {
            "debt-ratio": random.exponential(0.4, n),
            "age": random.integers(18, 90, n),
            "income": [None if i % 10 == 0 else one for i, one in enumerate(income.tolist())],
            "owner": random.random(n) < 0.5,
            "job": random.choice(["clerk", "cook"], n),
        }
    )


def estimator(x: Any, turn: int) -> Any:
    """A logistic regression; every `turn` gives clearly other probabilities."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    y = (x[:, 0] > 0.1 * turn).astype(int)
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(x, y)


def register(store: Store, root: Path, *, turn: int = 1, model: str = MODEL) -> Version:
    """A new version with its artefact and its reference, not in service yet."""
    rows = frame()
    x = encode_frame(SCHEMA, rows)
    fitted = estimator(x, turn)
    scores = fitted.predict_proba(x)[:, 1]
    reference = freeze(rows, scores, model)
    store.add_reference(reference)
    number = store.next_version_number(model)
    artifact = save_artifact(
        root,
        model=model,
        number=number,
        estimator=fitted,
        golden=GoldenRows.of(fitted, x[:20]),
        describe={"turn": turn},
    )
    version = Version(
        model=model,
        number=number,
        created_at=NOW,
        algorithm="logistic_regression",
        schema=SCHEMA,
        threshold=0.5,
        metrics={"f1": 0.5, "auc": float("nan")},
        manifest=artifact.manifest,
        digest=artifact.digest,
        location=artifact.location,
        reference_digest=reference.digest,
        data_fingerprint="0" * 64,
    )
    store.add_version(version)
    return version


def freeze(rows: pl.DataFrame, scores: Any, model: str = MODEL) -> Reference:
    scored = rows.with_columns(
        pl.Series(PROBABILITY, scores),
        pl.Series(PREDICTION, (scores >= 0.5).astype(int).astype(str)),
    )
    return Reference(
        model=model,
        created_at=NOW,
        source="made for tests",
        data_fingerprint="0" * 64,
        profile=count_frame(scored, fit_frame_bins(rows, SCHEMA).with_scores(scores)),
    )


def put_into_service(store: Store, version: Version) -> None:
    before = store.deployment(version.model)
    new = Deployment(
        model=version.model,
        token=before.token + 1 if before else 0,
        champion=version.number,
        champion_digest=version.digest,
        previous=before.champion if before else None,
        since=NOW,
        promoted_at=NOW,
    )
    assert store.transition(new, None)


@dataclass
class World:
    """Everything around one service, with a clock that stands still until it is set."""

    store: Store
    root: Path
    now: datetime = NOW
    seconds: float = 0.0  #: of the monotonic clock
    ids: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        self.counting = Counting()
        self.loader: Callable[[Version], Scorer] = partial(load_scorer, self.root)
        self.writer = Writer(self.store, self.counting)
        self.service = self.serving(MODEL)
        self.champions = self.service.champions
        self.others: list[Service] = []

    def serving(self, model: str) -> Service:
        """A service of this model."""
        champions = Champions(
            self.store, self.loader, model, self.counting, monotonic=lambda: self.seconds
        )
        return Service(
            self.store,
            self.writer,
            champions,
            clock=lambda: self.now,
            new_id=lambda: f"new-{next(self.ids)}",
        )

    def app(self, *, api_key: str | None = None, **options: Any) -> Application:
        """The application; it refreshes only when told to."""
        services = Services(self.writer, [self.service, *self.others])
        ring = KeyRing(api_key, self.store.keys.all, monotonic=lambda: self.seconds)
        door = Door(ring=ring, refresh_s=3600.0)
        return create_app(services, **{"refresh_s": 3600.0, "door": door, **options})

    def register(self, *, turn: int = 1) -> Version:
        return register(self.store, self.root, turn=turn)

    def promote(self, version: Version) -> None:
        put_into_service(self.store, version)

    def scored(self, version: Version, row: Row = ROW) -> float:
        """What the version says of a row when asked without the service."""
        return float(load_scorer(self.root, version).probabilities([row])[0])


@asynccontextmanager
async def asking(world: World, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service."""
    app = world.app(**options)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


async def until(condition: Callable[[], bool]) -> None:
    """Lets the others run until the condition holds."""
    while not condition():
        await anyio.lowlevel.checkpoint()
