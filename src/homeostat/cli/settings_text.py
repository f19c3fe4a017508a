"""The commented homeostat.yaml that a description of the data suggests."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from homeostat.cli.settings import Settings
from homeostat.cli.settings_source import variable
from homeostat.schema import Feature, Target

if TYPE_CHECKING:
    from homeostat.dataset import Description

__all__ = ["settings_text"]

_HEADER = """\
# Settings of one model.  Every one stands here with its default; delete what need not differ.
# Paths are relative to this file.  An environment variable, named beside it, goes before.
"""
_FEATURES = """\
# The columns that the model reads.  kind is number, integer, boolean or category.  A range is
# what is possible, null is open; a row outside of it is refused.  A category not named here is
# scored as unknown.  nullable: whether a value may be missing."""
#: Line breaks of Unicode, which come back as a space unless they are escaped.
_BREAKS = frozenset("\x85\u2028\u2029")

_SEGMENTS = """\
# Parts of the rows in which quality is asked too; a number needs edges, a category none:
# - {column: age, edges: [30, 60]}
segments: []
"""


def settings_text(description: "Description", *, model: str, data_path: str) -> str:
    """The settings file for a model of the described data, as YAML with comments."""
    given: dict[tuple[str, str], Any] = {
        ("data", "path"): data_path,
        ("mlflow", "experiment"): model,
    }
    return "\n".join(
        [
            _HEADER,
            *_about_the_rows(description, model),
            *_features(description),
            _SEGMENTS,
            *_sections(given),
            _line(0, "log_level", "INFO", _comment(("log_level",), _field("log_level"))),
            "",
        ]
    )


def _about_the_rows(description: "Description", model: str) -> Iterator[str]:
    schema = description.schema
    yield _line(0, "model", model, _said("model"))
    yield _line(0, "task", schema.task.value, _said("task"))
    yield ""
    yield "# The column that is predicted."
    yield from _target(schema.target)
    yield ""
    yield _line(0, "id", description.id_column, _said("id"))
    yield _line(0, "time", description.time_column, _said("time"))
    yield ""


def _target(target: Target) -> Iterator[str]:
    yield "target:"
    yield _line(2, "column", target.column, "its name in the data")
    yield _line(2, "positive", target.positive, "the class whose probability is predicted")
    yield _line(2, "classes", list(target.classes), "both classes, as text")


def _features(description: "Description") -> Iterator[str]:
    yield _FEATURES
    yield "features:"
    for one in description.schema.features:
        yield f"  {_value(one.name)}:  # seen {description.notes[one.name]}"
        yield from _feature(one)
    yield ""
    if description.warnings:
        yield "# What was found in the data:"
        yield from (f"# - {_value(one, bare=True)}" for one in description.warnings)
        yield ""


def _feature(feature: Feature) -> Iterator[str]:
    yield _line(4, "kind", feature.kind.value)
    if feature.kind.is_numeric:
        yield _line(4, "minimum", _brief(feature.minimum))
        yield _line(4, "maximum", _brief(feature.maximum))
    if feature.categories:
        yield "    categories:"
        yield from (f"      - {_value(one)}" for one in feature.categories)
    yield _line(4, "nullable", feature.nullable)


def _sections(given: dict[tuple[str, str], Any]) -> Iterator[str]:
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        if section == "target" or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            continue
        yield f"# {kind.__doc__}"
        yield f"{section}:"
        for name, one in kind.model_fields.items():
            value = given.get((section, name), one.default)
            yield _line(2, name, value, _comment((section, name), one))
        yield ""


def _field(name: str) -> FieldInfo:
    return Settings.model_fields[name]


def _said(name: str) -> str:
    return str(_field(name).description)


def _comment(place: tuple[str, ...], field: FieldInfo) -> str:
    return f"{field.description}; {variable(place)}"


def _line(indent: int, key: str, value: Any, comment: str = "") -> str:
    return f"{' ' * indent}{key}: {_value(value)}{f'  # {comment}' if comment else ''}"


def _brief(number: float | None) -> float | int | None:
    return int(number) if number is not None and number.is_integer() else number


def _value(value: Any, *, bare: bool = False) -> str:
    """One value as YAML, in one line; or only without what a comment cannot hold."""
    if bare:
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value))
    if isinstance(value, Path):
        value = str(value)
    # Within a list, so that commas and brackets are quoted as well.
    text = yaml.safe_dump([value], allow_unicode=True, default_flow_style=True, width=float("inf"))
    if not _BREAKS.isdisjoint(text):
        text = yaml.safe_dump([value], default_flow_style=True, width=float("inf"))
    return text.strip()[1:-1]
