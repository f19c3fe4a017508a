from dataclasses import FrozenInstanceError

import pytest

from homeostat.schema import Feature, Kind, Schema, Target, Task
from homeostat.version import Version
from tests.core.made import NOW

SCHEMA = Schema(
    task=Task.BINARY,
    target=Target(column="bad"),
    features=(Feature(name="x", kind=Kind.NUMBER),),
)


def test_a_version_never_changes_once_registered() -> None:
    version = Version(
        model="credit",
        number=1,
        created_at=NOW,
        algorithm="logistic_regression",
        schema=SCHEMA,
        threshold=0.3,
        manifest={"model.skops": "ab"},
        digest="cd",
        location="credit/1",
        reference_digest="ef",
        data_fingerprint="01",
    )

    with pytest.raises(FrozenInstanceError):
        version.threshold = 0.5  # type: ignore[misc]
    assert (version.trained_until, version.origin, dict(version.metrics)) == (None, "manual", {})
