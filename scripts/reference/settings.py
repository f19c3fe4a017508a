"""The pages of the settings and of the environment variables."""

import ast
import inspect
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from homeostat.cli.settings import Settings
from homeostat.cli.settings_source import ALIASES, variable
from homeostat.registry.mlflow import ENVIRONMENT
from homeostat.schema import Feature, Segment, Target
from scripts.reference import Lines, field_comments, table

__all__ = ["environment", "settings"]

REPOSITORY = Path(__file__).parents[2]


def settings() -> Lines:
    """Every setting with its default, its type and its variable."""
    yield "# Settings\n"
    yield (
        "All of them stand in `homeostat.yaml`; `homeostat init` writes the file.  An unknown key "
        "is an error that names the nearest known one.  Relative paths are taken from the folder "
        "of the file.  An environment variable goes before the file.\n"
    )
    plain: list[tuple[str, FieldInfo]] = []
    sections: list[tuple[str, FieldInfo]] = []
    for name, field in Settings.model_fields.items():
        (sections if model_of(field.annotation) else plain).append((name, field))
    yield "## At the top\n"
    yield table(SETTING_COLUMNS, [setting((name,), field) for name, field in plain])
    for name, field in sections:
        model = model_of(field.annotation)
        if model is None:
            continue
        each = {"features": "features.<name>", "segments": "segments[]"}.get(name, name)
        yield f"## {each}\n"
        yield f"{inspect.cleandoc(model.__doc__ or '')}\n"
        override = name not in {"target", "features", "segments"}
        rows = [
            setting((name, key), one, override=override) for key, one in model.model_fields.items()
        ]
        yield table(SETTING_COLUMNS, rows)
        yield from parts(name, model)


def parts(section: str, model: type[BaseModel]) -> Lines:
    """The settings of what a section is a list or a mapping of."""
    for key, field in model.model_fields.items():
        part = model_of(field.annotation)
        if part is None:
            continue
        yield f"### {section}.{key}{'.<name>' if get_origin(field.annotation) is dict else '[]'}\n"
        yield f"{inspect.cleandoc(part.__doc__ or '')}\n"
        rows = [
            setting((section, key, one), found, override=False)
            for one, found in part.model_fields.items()
        ]
        yield table(SETTING_COLUMNS, rows)


#: Where the meaning of what a section is made into is written.
SAID_OF: Mapping[str, type] = {"target": Target, "features": Feature, "segments": Segment}

SETTING_COLUMNS = ("setting", "type", "default", "meaning", "variable")


def setting(place: tuple[str, ...], field: FieldInfo, *, override: bool = True) -> Sequence[str]:
    """The row of one setting."""
    shown = "required" if field.is_required() else f"`{plain_value(field.default)}`"
    settable = override and place not in {("target",), ("features",), ("segments",)}
    name = f"`{variable(place)}`" if settable and has_variable(place) else ""
    meaning = field.description or field_comments(SAID_OF.get(place[0], Settings)).get(place[-1])
    return (f"`{place[-1]}`", type_name(field), shown, meaning or "", name)


def has_variable(place: tuple[str, ...]) -> bool:
    """Whether an environment variable is read for a setting."""
    return place in ALIASES.values() or len(place) > 1


def plain_value(value: Any) -> str:
    """A default as YAML would have it."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(plain_value, value))}]"
    words = {None: "null", True: "true", False: "false", "": '""'}
    if value is None or isinstance(value, bool) or value == "":
        return words[value]
    return str(value)


def type_name(field: FieldInfo) -> str:
    """The type of a setting, and the range that is allowed, in words."""
    bounds = [str(one) for one in field.metadata if hasattr(one, "__dataclass_fields__")]
    found = re.findall(r"\b(ge|gt|le|lt)=([-\d.]+)", " ".join(bounds))
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    limits = "".join(f", {signs[how]} {number}" for how, number in found)
    return f"{annotation_name(field.annotation)}{limits}"


def annotation_name(kind: Any) -> str:
    """A type in words."""
    if get_origin(kind) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    words = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    if kind in words:
        return words[kind]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "what stands below"
    if get_origin(kind) is dict:
        return f"mapping of names to {annotation_name(get_args(kind)[1])}"
    if kind is Any:
        return "what the kind takes"
    inner = annotation_name(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return f"list of {inner}"
    nullable = get_origin(kind) in {UnionType, Union}
    return f"{inner} or null" if nullable else inner


def model_of(kind: Any) -> type[BaseModel] | None:
    """The model of a section, or of what it is a list or a mapping of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for one in get_args(kind) if (found := model_of(one))), None)


def environment() -> Lines:
    """Every environment variable that is read or set."""
    yield "# Environment variables\n"
    yield "An empty variable counts as not set, but for `MLFLOW_TRACKING_URI`, which it turns off."
    yield "Passwords belong here and not in the settings file.\n"
    yield "## With names of their own\n"
    rows = [(f"`{name}`", f"`{'.'.join(place)}`") for name, place in ALIASES.items()]
    yield table(("variable", "setting"), rows)
    yield "## All others\n"
    yield (
        "`HOMEOSTAT_<PART>__<FIELD>`, such as `HOMEOSTAT_DRIFT__PATIENCE`; the name of each stands "
        "beside it under [settings](settings.md).  It also works for the settings above and goes "
        "before the name of their own.  A mistaken name is an error that names the nearest one.\n"
    )
    yield "## Set for MLflow\n"
    yield "Before MLflow is imported, unless they are set already.\n"
    yield table(("variable", "value"), [(f"`{k}`", f"`{v}`") for k, v in ENVIRONMENT.items()])
    yield "## Set by `homeostat serve`\n"
    yield (
        "`OMP_NUM_THREADS`, `OPENBLAS_NUM_THREADS` and `MKL_NUM_THREADS` are set to 1 unless they "
        "are set already: rows come one by one, and threads within one only wait for each other.\n"
    )
    yield "## Read by the tests\n"
    tests = ast.get_docstring(ast.parse((REPOSITORY / "tests/conftest.py").read_text()))
    found = re.findall(r"^(HOMEOSTAT_\w+)\n((?:    .+\n?)+)", tests or "", flags=re.MULTILINE)
    yield table(("variable", "meaning"), [(f"`{k}`", " ".join(v.split())) for k, v in found])
