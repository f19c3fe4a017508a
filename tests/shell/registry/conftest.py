from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from homeostat.registry import Artifact, GoldenRows, Trial, save_artifact
from homeostat.testing.trainer import sample_data
from homeostat.trainers.train import Trained, train
from homeostat.version import Version

Save = Callable[..., Version]


@pytest.fixture(scope="session")
def trained() -> Trained:
    return train(sample_data(300), algorithm="logistic_regression", seed=0)


@pytest.fixture(scope="session")
def other() -> Trained:
    return train(sample_data(300, seed=5), algorithm="logistic_regression", seed=0)


def version_of(artifact: Artifact, number: int = 1, threshold: float = 0.5) -> Version:
    return Version(
        model="credit",
        number=number,
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        algorithm="logistic_regression",
        schema=sample_data(1).schema,
        threshold=threshold,
        metrics={"f1": 0.8},
        manifest=artifact.manifest,
        digest=artifact.digest,
        location=artifact.location,
        reference_digest="0" * 64,
        data_fingerprint="1" * 64,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def save(root: Path, trained: Trained) -> Save:
    """Saves a model as a version of `credit`, as it is or in its compiled form."""

    def saved(
        number: int = 1, made: Trained = trained, *, compiling: bool = False, **change: Any
    ) -> Version:
        artifact = save_artifact(
            root,
            model="credit",
            number=number,
            estimator=made.estimator,
            golden=GoldenRows.of(made.estimator, made.golden_x),
            describe={"algorithm": "logistic_regression", "number": number},
            trial=Trial(x=made.trial_x, threshold=made.threshold),
            compiling=compiling,
        )
        return replace(version_of(artifact, number, made.threshold), **change)

    return saved
