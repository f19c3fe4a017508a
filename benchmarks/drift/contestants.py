"""Who is measured, and in which environment."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import NUMPY1, PEERS, python_of

__all__ = ["ALL", "AT_HAND", "EVIDENTLY", "OURS", "POLARS", "SCIPY", "Contestant"]

ENGINES = "benchmarks.drift.engines"

#: Rows above which a peer takes minutes.
MANY = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way of comparing, or of merely reading."""

    name: str
    target: str  #: module and function that makes the call
    packages: tuple[str, ...]  #: whose versions are shown
    environment: str = ""
    rows: int | None = None  #: more than these only on demand

    @property
    def python(self) -> Path:
        """The interpreter of its environment, there or not."""
        return python_of(self.environment) if self.environment else OURS


OURS = Path(sys.executable)

POLARS = Contestant(
    name="reading alone, polars", target=f"{ENGINES}.floors:with_polars", packages=("polars",)
)
AT_HAND = Contestant(
    name="**homeostat, `compare(profile, path)`**",
    target=f"{ENGINES}.ours:one_call_at_hand",
    packages=("homeostat", "numpy", "polars", "pyarrow"),
)
SCIPY = Contestant(
    name="SciPy `ks_2samp`, `chi2_contingency`",
    target=f"{ENGINES}.scipy_tests:ks_and_chi2",
    packages=("scipy", "polars"),
)
EVIDENTLY = Contestant(
    name="Evidently, default preset",
    target=f"{ENGINES}.evidently_presets:default",
    packages=("evidently", "pandas"),
    environment=PEERS,
    rows=MANY,
)

ALL = (
    Contestant(
        name="reading alone, pyarrow",
        target=f"{ENGINES}.floors:with_pyarrow",
        packages=("pyarrow",),
    ),
    POLARS,
    AT_HAND,
    Contestant(
        name="homeostat, counted and judged, profile at hand",
        target=f"{ENGINES}.ours:at_hand",
        packages=(),
    ),
    Contestant(
        name="homeostat, counted and judged, both from rows",
        target=f"{ENGINES}.ours:from_rows",
        packages=(),
    ),
    Contestant(
        name="homeostat, `compare(path, path)`", target=f"{ENGINES}.ours:one_call", packages=()
    ),
    SCIPY,
    Contestant(
        name="NannyML, KS and chi-square",
        target=f"{ENGINES}.nannyml_drift:ks_and_chi2",
        packages=("nannyml", "pandas"),
        environment=PEERS,
        rows=MANY,
    ),
    Contestant(
        name="NannyML, default",
        target=f"{ENGINES}.nannyml_drift:default",
        packages=("nannyml",),
        environment=PEERS,
        rows=MANY,
    ),
    Contestant(
        name="whylogs",
        target=f"{ENGINES}.whylogs_profiles:default",
        packages=("whylogs", "pandas"),
        environment=NUMPY1,
        rows=MANY,
    ),
    Contestant(
        name="Evidently, KS and chi-square",
        target=f"{ENGINES}.evidently_presets:ks_and_chi2",
        packages=("evidently",),
        environment=PEERS,
        rows=MANY,
    ),
    EVIDENTLY,
)
