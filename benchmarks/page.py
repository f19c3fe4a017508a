"""Tables of Markdown, and the place of a page between two marks that a command fills."""

from collections.abc import Sequence
from pathlib import Path

__all__ = ["fill", "table"]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, names: int = 1) -> str:
    """A table whose first `names` columns are text and the others numbers.

    Examples
    --------
    >>> print(table(["engine", "s"], [["ours", "1"]]))
    | engine | s |
    |---|---:|
    | ours | 1 |
    """
    rule = ["---" if i < names else "---:" for i in range(len(heads))]
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(rule)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def fill(page: Path, name: str, text: str) -> None:
    """Puts `text` between the marks `<!-- name begins -->` and `<!-- name ends -->`."""
    begin, end = f"<!-- {name} begins -->", f"<!-- {name} ends -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{page} does not hold the marks {begin} and {end}, in this order")
    page.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
