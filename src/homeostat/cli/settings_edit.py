"""Changing values in a settings file, with everything else as it stands."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from homeostat.errors import UserError

__all__ = ["with_values"]

Place = tuple[str, ...]


def with_values(text: str, values: Mapping[Place, Any]) -> str:
    r"""The text of a settings file with these values, comments kept.

    Parameters
    ----------
    values
        By place: a name, or a section and a name.

    Raises
    ------
    UserError
        When the file is written in a way that one line cannot change; the places are named.

    Examples
    --------
    >>> with_values("drift:\n  patience: 3  # looks\n", {("drift", "patience"): 2})
    'drift:\n  patience: 2  # looks\n'
    """
    lines = text.splitlines()
    for place, value in values.items():
        _change(lines, place, _written(value))
    changed = "\n".join(lines) + "\n"
    wanted = _merged(yaml.safe_load(text) or {}, values)
    if _read(changed) != wanted:
        problems = [f"{'.'.join(place)}: {_written(value)}" for place, value in values.items()]
        raise UserError("the file cannot be changed line by line; set by hand", problems)
    return changed


def _change(lines: list[str], place: Place, value: str) -> None:
    if len(place) == 1:
        at = _found(lines, range(len(lines)), place[0], "")
        _put(lines, at, len(lines), f"{place[0]}: {value}")
        return
    section, name = place
    start = _found(lines, range(len(lines)), section, "")
    if start is None:
        lines += ["", f"{section}:", f"  {name}: {value}"]
        return
    end = start + 1
    for i in range(start + 1, len(lines)):
        if lines[i].strip() and not lines[i].startswith((" ", "#")):
            break
        if lines[i].startswith(" "):
            end = i + 1
    at = _found(lines, range(start + 1, end), name, "  ")
    _put(lines, at, end, f"  {name}: {value}")


def _found(lines: list[str], places: range, name: str, indent: str) -> int | None:
    key = re.compile(rf"{indent}{re.escape(name)}:(\s|$)")
    return next((i for i in places if key.match(lines[i])), None)


def _put(lines: list[str], at: int | None, end: int, line: str) -> None:
    if at is None:
        lines.insert(end, line)
        return
    comment = re.search(r"\s{2}#.*$", lines[at])
    lines[at] = line + (comment[0] if comment else "")


def _written(value: Any) -> str:
    # Within a list, so that commas and brackets are quoted as well.
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=float("inf"))
    return text.strip()[1:-1]


def _merged(plain: Mapping[str, Any], values: Mapping[Place, Any]) -> dict[str, Any]:
    merged = dict(plain)
    for place, value in values.items():
        if len(place) == 1:
            merged[place[0]] = value
        else:
            merged[place[0]] = {**(merged.get(place[0]) or {}), place[1]: value}
    return merged


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
