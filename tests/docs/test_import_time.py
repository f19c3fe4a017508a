"""Importing the package costs nothing, and starting the command little."""

import json
import subprocess
import sys
from typing import Any

import pytest

HEAVY = {
    "alembic",
    "fastapi",
    "mlflow",
    "narwhals",
    "numpy",
    "pandas",
    "pandera",
    "polars",
    "pyarrow",
    "scipy",
    "skops",
    "sklearn",
    "sqlalchemy",
    "uvicorn",
}

#: The command needs numpy to spell its options; the rest is loaded by what is really done.
STARTING = HEAVY - {"numpy"}

SCRIPT = """
import json, sys, time
before = time.perf_counter()
import {module}
seconds = time.perf_counter() - before
print(json.dumps([seconds, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""


def imported(module: str) -> tuple[float, set[str]]:
    """Seconds that the import takes in a new process, and all packages that came with it."""
    command = [sys.executable, "-c", SCRIPT.format(module=module)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    answer: tuple[float, list[str]] = json.loads(done.stdout)
    return answer[0], set(answer[1])


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        pytest.param("homeostat", HEAVY, id="the package"),
        pytest.param("homeostat.cli.app", STARTING, id="the command"),
    ],
)
def test_nothing_heavy_is_imported(module: str, unwanted: set[str], record_property: Any) -> None:
    seconds, packages = imported(module)
    record_property("seconds", round(seconds, 3))

    assert "homeostat" in packages
    assert not packages & unwanted


def test_the_version_is_that_of_the_installed_package() -> None:
    from importlib.metadata import version

    import homeostat

    assert homeostat.__version__ == version("homeostat")
    with pytest.raises(AttributeError, match="versoin"):
        homeostat.versoin  # noqa: B018  # asking is the test
