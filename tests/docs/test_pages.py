"""Links lead somewhere, and no page knows the machine that it was written on."""

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY, headings, pages, prose

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

#: Places of a machine, and hosts that packages come from.
BANNED = (
    *(f"/{name}/" for name in ("home", "root", "work", "Users")),
    *("pypi" + ".org", "python" + "hosted", "/simple" + "/"),
)

WRITTEN = ("*.py", "*.md", "*.toml", "*.yml", "*.yaml", "*.sh", "*.html", "*.css", "Makefile")


def name_of(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, place = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (place and place not in headings(target)):
            lost.append(link)

    assert not lost


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_a_page_has_one_title_and_no_skipped_level(page: Path) -> None:
    levels = [len(one) for one in re.findall(r"^(#+) ", prose(page), flags=re.MULTILINE)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = LINK.findall(page.read_text(encoding="utf-8"))
        waiting += [
            page.parent / one.partition("#")[0] for one in links if not re.match(r"[a-z]+:|#", one)
        ]

    assert not {one.resolve() for one in pages()} - reached


def test_every_make_target_that_is_named_exists() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in pages())
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([\w-]+)|^make ([\w-]+)", text, flags=re.MULTILINE))
    targets = {one for pair in named for one in pair if one}

    assert {"demo", "test", "lint", "bench"} <= targets
    assert targets <= set(re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE))


def tracked() -> list[Path]:
    """The text files of the repository, those that are not yet added included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *WRITTEN]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [REPOSITORY / line for line in listed.stdout.splitlines()]
    return [one for one in paths if one.is_file()]


def test_nothing_names_a_place_of_a_machine_or_a_package_index() -> None:
    files = tracked()
    found = [
        f"{name_of(path)}: {banned}"
        for path in files
        for banned in BANNED
        if re.search(rf"(?<![\w.~]){banned}", path.read_text(encoding="utf-8"))
    ]

    assert len(files) > 100
    assert not found
