"""The pages of the documentation, and what they ask the reader to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
REFERENCE = DOCS / "reference"

FENCE = re.compile(
    r"(?:Save this as `(?P<file>[^`]+)`[^\n]*\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader is asked to save."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that the reader is asked to give, and what it is said to answer."""

    text: str
    answer: str


def pages() -> list[Path]:
    """All pages, the README first."""
    return [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]


def steps(page: Path) -> Iterator[File | Command]:
    """What a page asks for, in order: files to save and commands of its console blocks."""
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        if found["file"]:
            yield File(found["file"], found["text"])
        elif found["kind"] == "console":
            yield from commands(found["text"])


def commands(block: str) -> Iterator[Command]:
    """The commands of a console block; a quote that is open goes on in the next line."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        size = next(n for n in range(1, len(lines) + 1) if closed("\n".join(lines[:n])))
        yield Command("\n".join(lines[:size]), "\n".join(lines[size:]))


def closed(text: str) -> bool:
    """Whether all single quotes of a command are closed."""
    return text.count("'") % 2 == 0


def headings(page: Path) -> set[str]:
    """The anchors of a page."""
    return {anchor(one) for one in re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)}


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))


def anchor(heading: str) -> str:
    """The anchor of a heading, as it is made on the web."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
