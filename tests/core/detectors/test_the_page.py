"""The figures on the page about detectors, measured again."""

import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from homeostat.detectors import DETECTORS, Detector, fold
from tests.docs.pages import DOCS

STREAMS, BEFORE, AFTER, CALM = 21, 1_000, 3_000, 5_000
CUTS = ndtri(np.linspace(0, 1, 31)[1:-1])
ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@cache
def page() -> dict[str, tuple[str, ...]]:
    text = (DOCS / "explanation" / "detectors.md").read_text(encoding="utf-8")
    return {name: tuple(map(str.strip, figures)) for name, *figures in ROW.findall(text)}


def detector(name: str, random: np.random.Generator) -> Detector[Any]:
    if name != "e_process":
        return DETECTORS[name]()
    rows = np.searchsorted(CUTS, random.normal(size=10_000))
    return DETECTORS[name](reference=(*np.bincount(rows, minlength=30).tolist(), 0))


def values(name: str, random: np.random.Generator, size: float, n: int) -> list[float]:
    """Normal, shifted by `size`; for errors a rate of 0.1, and as much more of it."""
    if name == "ddm":
        drawn = (random.random(n) < 0.1 + 0.2 * size).astype(float)
    elif name == "e_process":
        drawn = np.searchsorted(CUTS, random.normal(size, size=n)).astype(float)
    else:
        drawn = random.normal(size, size=n)
    found: list[float] = drawn.tolist()
    return found


def false_alarms(name: str) -> int:
    found = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        watch = detector(name, random)
        found += len(fold(watch, values(name, random, 0, CALM))[1])
    return found


def delay(name: str, size: float) -> float:
    """The median of the values from the change to the next alarm."""
    delays = []
    for seed in range(STREAMS):
        random = np.random.default_rng(seed + 1_000)
        watch = detector(name, random)
        state, _ = fold(watch, values(name, random, 0, BEFORE))
        for value in values(name, random, size, AFTER):
            state = watch.update(state, value)
            if state.alarm:
                break
        delays.append(state.n - BEFORE if state.alarm else np.inf)
    return float(np.median(delays))


def test_every_detector_is_on_the_page() -> None:
    assert set(page()) == set(DETECTORS)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(DETECTORS))
def test_the_figures_are_those_measured(name: str) -> None:
    alarms, *delays = page()[name]

    assert int(alarms) == pytest.approx(false_alarms(name), rel=0.2, abs=3)
    for size, said in zip((0.25, 0.5, 1.0), delays, strict=True):
        measured = delay(name, size)
        assert float("inf" if said == "over 3,000" else said.replace(",", "")) == pytest.approx(
            measured, rel=0.1
        )


def test_the_example_runs_as_written() -> None:
    text = (DOCS / "explanation" / "detectors.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)

    assert len(examples) == 1
    exec(examples[0], {})  # its assertions are its result
