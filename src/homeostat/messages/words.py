"""Words: names and values from anywhere, made fit to be shown."""

import re
import unicodedata

__all__ = ["MOST_NAMES", "clean", "count", "listed", "safe_link"]

MOST_NAMES = 10  #: that a list names before it counts

#: Control and formatting characters, halves of characters, and what ends a line.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_LINK = re.compile(r"https?://[^\s<>\"'`|\\{}^]+")


def clean(text: str, most: int = 500, *, lines: bool = False) -> str:
    r"""The text without what cannot be seen, on one line, and not longer than that.

    Parameters
    ----------
    lines
        Whether line feeds stay.

    Examples
    --------
    >>> clean("a\n\x1b[31mb\u202ec")
    'a [31mb c'
    """
    kept = "".join(
        one if (lines and one == "\n") or unicodedata.category(one) not in _INVISIBLE else " "
        for one in text[: most * 2]
    )
    short = kept if lines else " ".join(kept.split())
    return short if len(short) <= most else f"{short[: most - 1]}…"


def count(number: int, noun: str) -> str:
    """So many of them.

    Examples
    --------
    >>> count(1, "row"), count(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def listed(names: list[str] | tuple[str, ...]) -> str:
    """The first ten, and how many there are besides.

    Examples
    --------
    >>> listed(["a", "b"]), listed([str(n) for n in range(12)])
    ('a, b', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more (12 in all)')
    """
    shown = ", ".join(clean(one, 80) for one in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more:,} more ({len(names):,} in all)" if more > 0 else shown


def safe_link(address: str | None) -> str | None:
    """The address if it is one of the web and nothing else, else None.

    Examples
    --------
    >>> safe_link("https://wiki.example/drift"), safe_link("javascript:alert(1)")
    ('https://wiki.example/drift', None)
    """
    return address if address and _LINK.fullmatch(address) else None
