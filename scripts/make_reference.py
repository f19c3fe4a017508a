"""Write the pages of docs/reference that follow from the code; --check says which are old.

python scripts/make_reference.py [--check]
"""
# ruff: noqa: E402, INP001, T201  # a script that is called by its path; it prints its result

import argparse
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))  # called by its path, a script sees only its own folder

from scripts.reference import Lines
from scripts.reference.commands import commands
from scripts.reference.comparison import comparison
from scripts.reference.extensions import estimators, gates, statistics, trainers
from scripts.reference.routes import routes
from scripts.reference.settings import environment, settings

FOLDER = REPOSITORY / "docs" / "reference"
MADE = "<!-- Made by scripts/make_reference.py; change the code instead. -->\n"

PAGES: dict[str, Callable[[], Lines]] = {
    one.__name__: one
    for one in (
        commands,
        comparison,
        environment,
        estimators,
        gates,
        routes,
        settings,
        statistics,
        trainers,
    )
}


def page(make: Callable[[], Lines]) -> str:
    """A whole page."""
    text = "\n".join([MADE, *(part for part in make() if part)])
    return textwrap.dedent(text).rstrip() + "\n"


def main() -> int:
    """Write the pages, or with --check leave with 1 when one is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    old = []
    for name, make in PAGES.items():
        path, text = FOLDER / f"{name}.md", page(make)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if check and old:
        print(f"not up to date: {', '.join(old)}; run {Path(__file__).name}", file=sys.stderr)
        return 1
    print(f"{len(PAGES)} pages, {len(old)} of them written" if not check else "up to date")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
