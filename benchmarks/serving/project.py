"""A project of homeostat that serves the model of the bench."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.serving.workload import NAMES, estimator, rows, training
from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.plan import Deployment
from homeostat.reference import Reference
from homeostat.registry import GoldenRows, Trial, save_artifact
from homeostat.schema import Feature, Kind, Schema, Target, Task
from homeostat.store import Store, open_store
from homeostat.version import Version

__all__ = ["GRAPH", "KEY", "MODEL", "THRESHOLD", "Project", "make", "promote"]

MODEL = "bench"
KEY = "a key for the bench"
GRAPH = Path("models", MODEL, "1", "model.onnx")  #: of the first version, where it is compiled
THRESHOLD = 0.5
TRIED = 1_000  #: rows that the compiled model must answer as the original does

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="y"),
    features=tuple(Feature(name=name, kind=Kind.NUMBER) for name in NAMES),
)


@dataclass(frozen=True, slots=True)
class Project:
    """Where everything of it lies."""

    folder: Path

    @property
    def config(self) -> Path:
        """Its settings."""
        return self.folder / "homeostat.yaml"

    @property
    def url(self) -> str:
        """Its store."""
        return f"sqlite:///{self.folder / 'homeostat.db'}"

    def answered(self) -> int:
        """Requests that got 200, as its server wrote down."""
        until = datetime.now(UTC) + timedelta(minutes=2)
        with open_store(self.url) as store:
            return sum(one.answered for one in store.traffic(MODEL, until=until).values())

    def rows(self) -> int:
        """Predictions in its store."""
        with open_store(self.url) as store:
            return store.count_predictions(MODEL)


def make(folder: Path, *, versions: int = 1, compiling: bool = True) -> Project:
    """A project whose first version is in service; the others answer clearly otherwise."""
    folder.mkdir(parents=True)
    project = Project(folder)
    settings = {
        "model": MODEL,
        "target": {"column": "y"},
        "features": {name: {"kind": "number"} for name in NAMES},
        "data": {"path": "rows.csv"},
        "mlflow": {"tracking_uri": ""},
        "serving": {"api_key": KEY},
    }
    project.config.write_text(json.dumps(settings), encoding="utf-8")
    with open_store(project.url) as store:
        made = [
            _register(store, folder / "models", seed, compiling=compiling)
            for seed in range(versions)
        ]
        promote(store, made[0])
    return project


def promote(store: Store, version: Version) -> None:
    """Put a version into service."""
    before, now = store.deployment(MODEL), datetime.now(UTC)
    done = store.transition(
        Deployment(
            model=MODEL,
            token=before.token + 1 if before else 0,
            champion=version.number,
            champion_digest=version.digest,
            previous=before.champion if before else None,
            since=now,
            promoted_at=now,
        ),
        None,
    )
    if not done:
        raise SystemExit("another process changed the champion of the bench")


def _register(store: Store, models: Path, seed: int, *, compiling: bool) -> Version:
    x, _ = training()
    model = estimator(seed)
    scores = model.predict_proba(x)[:, 1]
    reference = _reference(x, scores)
    store.add_reference(reference)
    number = store.next_version_number(MODEL)
    saved = save_artifact(
        models,
        model=MODEL,
        number=number,
        estimator=model,
        golden=GoldenRows.of(model, x[:20]),
        describe={"seed": seed},
        trial=Trial(x=rows(TRIED)),
        compiling=compiling,
    )
    if saved.parity.compiled is not compiling:
        raise SystemExit(f"the model is not served as the bench asks: {saved.parity.reason}")
    version = Version(
        model=MODEL,
        number=number,
        created_at=datetime.now(UTC),
        algorithm="hist_gradient_boosting",
        schema=SCHEMA,
        threshold=THRESHOLD,
        manifest=saved.manifest,
        digest=saved.digest,
        location=saved.location,
        reference_digest=reference.digest,
        data_fingerprint="0" * 64,
    )
    store.add_version(version)
    return version


def _reference(x: Any, scores: Any) -> Reference:
    frame = pl.DataFrame({name: x[:, i] for i, name in enumerate(NAMES)})
    scored = frame.with_columns(
        pl.Series(PROBABILITY, scores),
        pl.Series(PREDICTION, np.where(scores >= THRESHOLD, "1", "0")),
    )
    return Reference(
        model=MODEL,
        created_at=datetime.now(UTC),
        source="made for the bench",
        data_fingerprint="0" * 64,
        profile=count_frame(scored, fit_frame_bins(frame, SCHEMA).with_scores(scores)),
    )
