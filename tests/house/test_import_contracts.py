"""The direction of imports holds, and each contract on it can break."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
CONTRACTS = str(REPOSITORY / "pyproject.toml")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Judges the package `homeostat` in `folder` by the contracts of the repository."""
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo", "--config", CONTRACTS]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    ours = REPOSITORY / "src" / "homeostat"
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(ours, tmp_path / "homeostat", ignore=ignored))


def plant(package: Path, module: str, statement: str) -> None:
    """Adds an import where it is not looked for: inside a function, at the end of a module."""
    file = package / module
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as source:
        source.write(f"\n\ndef planted() -> None:\n    {statement}\n")


def broken(output: str) -> set[str]:
    """The names, up to the colon, of the contracts that the summary calls broken."""
    lines = (line.strip() for line in output.splitlines())
    return {line.split(":")[0] for line in lines if line.endswith("BROKEN")}


def test_all_contracts_are_kept(package: Path) -> None:
    result = lint(package.parent)

    assert result.returncode == 0, result.stdout
    assert not broken(result.stdout)


@pytest.mark.parametrize(
    ("contract", "module", "statement"),
    [
        pytest.param("layers", "schema.py", "import homeostat.engines", id="out of the core"),
        pytest.param("layers", "policy.py", "import homeostat.plan", id="upward within the core"),
        pytest.param("layers", "novelty.py", "pass", id="module without a place"),
        pytest.param("pure core", "policy.py", "import sqlite3", id="database in the core"),
        pytest.param("pure core", "plan.py", "import time", id="clock in the core"),
        pytest.param("pure core", "gates/planted.py", "import os", id="system in a member"),
        pytest.param(
            "siblings",
            "statistics/psi.py",
            "import homeostat.statistics.ks",
            id="sibling",
        ),
        pytest.param(
            "siblings",
            "gates/planted.py",
            "import homeostat.gates.planted_too",
            id="sibling of another kind",
        ),
    ],
)
def test_a_contract_breaks(package: Path, contract: str, module: str, statement: str) -> None:
    plant(package, "gates/planted_too.py", "pass")
    plant(package, module, statement)

    result = lint(package.parent)

    assert result.returncode != 0
    assert contract in broken(result.stdout), result.stdout


def test_a_cycle_breaks_its_contract_at_any_depth(package: Path) -> None:
    plant(package, "statistics/planted/__init__.py", "pass")
    plant(package, "statistics/planted/one.py", "import homeostat.statistics.planted.two")
    plant(package, "statistics/planted/two.py", "import homeostat.statistics.planted.one")

    result = lint(package.parent)

    assert result.returncode != 0
    assert "acyclic" in broken(result.stdout), result.stdout
