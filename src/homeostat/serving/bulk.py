"""How many values a body holds, counted before any of them is read.

A mebibyte of `{},{},{}` is 350,000 rows that lack every feature: millions of problems, which
take gigabytes to name.  So a body that cannot be what was asked for is not read at all.
"""

import re

from homeostat.errors import UserError

__all__ = ["MORE_OBJECTS", "MORE_VALUES", "refuse_too_many"]

#: Beyond what is asked for, values and objects that are still read, to be named one by one.
MORE_VALUES, MORE_OBJECTS = 1000, 100

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def refuse_too_many(body: bytes, what: str, *, rows: int, keys: int) -> None:
    """Refuse a JSON text with many more values or objects than there can be.

    Parameters
    ----------
    body
        The text; what is no JSON is left to whoever reads it.
    what
        Such as "the row".
    rows, keys
        The most rows that are taken, and the most keys in each.

    Raises
    ------
    UserError
        With what was counted and what is taken.

    Examples
    --------
    >>> refuse_too_many(b'{"job": "cook, {the}"}', "the row", rows=1, keys=1)
    >>> refuse_too_many(b"[" + 2000 * b"1,", "the row", rows=1, keys=1)
    Traceback (most recent call last):
    homeostat.errors.UserError: the row was refused; nothing of it was stored
      - the body: 2,000 values; at most 1,001 are taken: send them in parts
    """
    values, objects = rows * keys + MORE_VALUES, rows + MORE_OBJECTS
    if body.count(b",") <= values and body.count(b"{") <= objects:
        return
    n_values, n_objects = _counts(body)
    found = (("values", n_values, values), ("objects", n_objects, objects))
    problems = [
        f"the body: {n:,} {name}; at most {most:,} are taken: send them in parts"
        for name, n, most in found
        if n > most
    ]
    if problems:
        raise UserError(f"{what} was refused; nothing of it was stored", problems)


def _counts(body: bytes) -> tuple[int, int]:
    """Commas and braces outside of texts; without cutting these out, which would be a copy."""
    commas, braces = body.count(b","), body.count(b"{")
    for one in _TEXT.finditer(body):
        start, end = one.span()
        commas -= body.count(b",", start, end)
        braces -= body.count(b"{", start, end)
    return commas, braces
