"""The settings of another monitoring system, told line by line as settings of ours."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from homeostat.access import without_passwords
from homeostat.cli.imported_table import RULES, Rule
from homeostat.cli.settings import Settings

__all__ = ["Imported", "Line", "import_settings"]

Place = tuple[str, ...]

#: Keys whose values are not even shown, whatever stands there.
SECRET = ("password", "webhook_url", "token", "secret", "api_key", "username", "routing_key")

HIDDEN = "(not shown)"

UNKNOWN = "nothing in homeostat stands for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one line of the file."""

    source: str  #: its keys, with dots
    given: str  #: its value, as text; hidden where it may be a secret
    target: str | None  #: the setting it became; None when it became none
    value: Any = None  #: of the setting
    told: str  #: what it means here, or why it was left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Everything that a file says, and what it is in our settings."""

    lines: tuple[Line, ...]
    values: Mapping[Place, Any] = field(default_factory=dict)
    data: str | None = None  #: the file of rows that it names
    target: str | None = None  #: the column that it predicts
    time: str | None = None  #: the column of the time


def import_settings(given: Mapping[str, Any], settings: type[BaseModel] = Settings) -> Imported:
    """What the settings of a churn monitoring file are in ours; nothing is passed over.

    Parameters
    ----------
    given
        The file, as plain data.
    settings
        Ours: a place that they do not have, or a value that they refuse, is told and left out.
    """
    lines: list[Line] = []
    values: dict[str, Any] = {}
    found: dict[str, str] = {}
    for source, value in _leaves(given):
        rule = _rule(source)
        line = _line(source, value, rule, settings)
        if rule is not None and rule.option is not None and _is_off(given, rule.option[0]):
            line = replace(line, target=None, value=None, told="its channel is not enabled")
        lines.append(line)
        if rule is not None and rule.option is not None and line.target is not None:
            channel, option = rule.option
            made = values.setdefault(line.target, {})
            made.setdefault(channel, {"kind": channel, "options": {}})
            made[channel]["options"][option] = line.value
        elif rule is not None and line.target is not None:
            held = values.get(line.target, line.value)
            values[line.target] = rule.prefer(held, line.value)
        if rule is not None and rule.found_as and value:
            found[rule.found_as] = str(value)
    return Imported(
        lines=tuple(_chosen(one, values) for one in lines),
        values={tuple(name.split(".")): value for name, value in values.items()},
        **found,
    )


def _leaves(given: Mapping[str, Any], before: Place = ()) -> Iterator[tuple[str, Any]]:
    for key, value in given.items():
        place = (*before, str(key))
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, place)
        else:
            yield ".".join(place), value


def _is_off(given: Mapping[str, Any], channel: str) -> bool:
    """Whether a channel is there and switched off."""
    alerts = given.get("alerts")
    of = alerts.get(channel) if isinstance(alerts, Mapping) else None
    return isinstance(of, Mapping) and of.get("enabled") is False


def _rule(source: str) -> Rule | None:
    """The rule of a line: its own, or that of what it lies in."""
    parts = source.split(".")
    for size in range(len(parts), 0, -1):
        found = RULES.get(".".join(parts[:size]))
        if found is not None and (size == len(parts) or found.target is None):
            return found
    return None


def _line(source: str, value: Any, rule: Rule | None, settings: type[BaseModel]) -> Line:
    shown = _shown(source, value)
    if rule is None or rule.target is None:
        told = UNKNOWN if rule is None else rule.told
        return Line(source=source, given=shown, target=None, told=told)
    name = ".".join(rule.target)
    if not _has(settings, rule.target):
        told = f"this release has no setting {name}"
        return Line(source=source, given=shown, target=None, told=told)
    try:
        turned = rule.turned(value)
    except (TypeError, ValueError, OverflowError):
        told = f"{shown} is no value for {name}"
        return Line(source=source, given=shown, target=None, told=told)
    if isinstance(turned, str) and without_passwords(turned) != turned:
        told = f"it holds a password: set it in the environment, never in {name}"
        return Line(source=source, given=HIDDEN, target=None, told=told)
    refused = None if rule.option else _refused(settings, rule.target, turned)
    if refused is not None:
        told = f"{name} does not take it: {refused}"
        return Line(source=source, given=shown, target=None, told=told)
    return Line(source=source, given=shown, target=name, value=turned, told=rule.told)


def _chosen(line: Line, values: Mapping[str, Any]) -> Line:
    """The line, or that it was left out for another one that says the same setting."""
    if line.target is None or values[line.target] == line.value:
        return line
    if isinstance(values[line.target], dict):  # of which the line is a part
        return line
    told = f"{line.target} is {values[line.target]} by another line"
    return Line(source=line.source, given=line.given, target=None, told=told)


def _has(settings: type[BaseModel], place: Place) -> bool:
    kind: Any = settings
    for name in place:
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            return False
        if name not in kind.model_fields:
            return False
        kind = kind.model_fields[name].annotation
    return True


def _refused(settings: type[BaseModel], place: Place, value: Any) -> str | None:
    """Why a setting does not take a value; None when it does."""
    nested: Any = value
    for name in reversed(place):
        nested = {name: nested}
    try:
        settings.model_validate(nested)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            if tuple(str(part) for part in one["loc"][: len(place)]) == place:
                return str(one["msg"])
    return None


def _shown(source: str, value: Any) -> str:
    if source.rpartition(".")[2] in SECRET:
        return HIDDEN
    return without_passwords(str(value))[:80]
