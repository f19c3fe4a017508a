"""What the shell scripts of the house must not do."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = sorted([REPOSITORY / ".ci" / "run", *(REPOSITORY / "scripts").glob("*.sh")])
CLOSES_EARLY = re.compile(r"\|\s*(head\b|grep\s+(-\w*q|-m|--quiet))")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_reader_closes_a_pipe_early(script: Path) -> None:
    """Under pipefail a writer that is cut off ends the script with 141, now and then."""
    source = script.read_text()
    code = [line.split("#")[0] for line in source.splitlines()]

    assert "set -euo pipefail" in source
    assert not [line for line in code if CLOSES_EARLY.search(line)]
