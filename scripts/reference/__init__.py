"""Pages of docs/reference that follow from the code, one module for each group."""

import inspect
import re
from collections.abc import Iterator, Sequence

__all__ = ["Lines", "field_comments", "first_line", "table"]

Lines = Iterator[str]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; nothing when it has no rows."""
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *([cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """A text that stays in its cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def field_comments(kind: type) -> dict[str, str]:
    """What stands behind `#:` beside the fields of a dataclass."""
    source = inspect.getsource(kind)
    return dict(re.findall(r"^    (\w+): [^\n]*#: ([^\n]+)$", source, flags=re.MULTILINE))


def first_line(thing: object) -> str:
    """What a docstring says first."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]
