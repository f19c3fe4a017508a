"""Write the pages of docs/reference that follow from the code; --check says which are old.

python scripts/make_reference.py [--check]
"""
# ruff: noqa: INP001, T201  # a script, and what it prints is its result

import argparse
import ast
import dataclasses
import inspect
import re
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from homeostat.cli.app import app
from homeostat.cli.serve import build_service
from homeostat.cli.settings import Settings
from homeostat.cli.settings_source import ALIASES, variable
from homeostat.gates import GATES
from homeostat.policy import EFFECTS
from homeostat.registry.mlflow import ENVIRONMENT
from homeostat.schema import Feature, Segment, Target
from homeostat.serving.app import create_app
from homeostat.serving.openapi import describe
from homeostat.statistics import STATISTICS
from homeostat.store import open_store
from homeostat.trainers import TRAINERS

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- Made by scripts/make_reference.py; change the code instead. -->\n"

#: The setting behind an option of a gate; `tests/docs/test_reference.py` proves each.
GATE_SETTINGS = {
    ("calibration", "at_most"): "gates.max_brier_degradation",
    ("cooldown", "at_least"): "gates.cooldown_days",
    ("improvement", "at_least_pct"): "gates.min_f1_improvement_pct",
    ("label_coverage", "at_least"): "gates.min_coverage",
    ("min_rows", "at_least"): "gates.min_rows",
    ("segments", "at_most_pct"): "gates.max_segment_f1_drop_pct",
}

Lines = Iterator[str]


# ------------------------------------------------------------------------------ commands


def commands() -> Lines:
    """Every command with its arguments and options."""
    yield "# Commands\n"
    yield (
        "`homeostat <noun> <verb>`.  `homeostat --help` lists the nouns, `--help` after a command "
        "its options.  What a command answers goes to standard output, the log goes to standard "
        "error, one JSON object to a line.  The exit codes are explained under "
        "[errors and exit codes](errors-and-exit-codes.md).\n"
    )
    root = typer.main.get_command(app)
    for path, command in walk(root, ()):
        yield f"## homeostat {' '.join(path)}\n"
        yield f"{inspect.cleandoc(command.help)}\n"
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option"]
        names = "".join(f" {argument_name(one)}" for one in arguments)
        yield f"```text\nhomeostat {' '.join(path)}{names} [OPTIONS]\n```\n"
        rows = [(argument_name(one), default(one), help_of(one)) for one in arguments]
        rows += [(f"`{', '.join(one.opts)}`", default(one), help_of(one)) for one in options]
        yield table(("argument or option", "default", "meaning"), rows)


def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The commands that do something, with the words that call them."""
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            yield from walk(one, (*path, name))
    else:
        yield path, command


def argument_name(argument: Any) -> str:
    """How an argument stands in the usage line."""
    name = argument.name.upper()
    return name if argument.required else f"[{name}]"


def default(parameter: Any) -> str:
    """The default of an option, in words."""
    if parameter.required:
        return "required"
    value = parameter.default
    if value is None or value is False:
        return ""
    return f"`{value}`"


def help_of(parameter: Any) -> str:
    """What is said of an option, or an error when nothing is."""
    if not parameter.help:
        raise ValueError(f"{parameter.name} has no help")
    return str(parameter.help)


# ------------------------------------------------------------------------------ settings


def settings() -> Lines:
    """Every setting with its default, its type and its variable."""
    yield "# Settings\n"
    yield (
        "All of them stand in `homeostat.yaml`; `homeostat init` writes the file.  An unknown key "
        "is an error that names the nearest known one.  Relative paths are taken from the folder "
        "of the file.  An environment variable goes before the file.\n"
    )
    plain, sections = [], []
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


# ---------------------------------------------------------------------------- environment


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
    tests = ast.get_docstring(ast.parse((FOLDER.parents[1] / "tests/conftest.py").read_text()))
    found = re.findall(r"^(HOMEOSTAT_\w+)\n((?:    .+\n?)+)", tests or "", flags=re.MULTILINE)
    yield table(("variable", "meaning"), [(f"`{k}`", " ".join(v.split())) for k, v in found])


# ---------------------------------------------------------------------------------- routes


def routes() -> Lines:
    """Every route with what it takes and answers, from the OpenAPI description."""
    description = openapi()
    parts = description["components"]["schemas"]
    yield "# Routes\n"
    yield (
        "The service describes itself at `/openapi.json`, and for people at `/docs`; there the row "
        "has the features of the version in service.  With `API_KEY` set every path but "
        "`/health` asks for the key in the header `X-API-Key`.  Times are UTC.\n"
    )
    yield (
        "Every error has the same body, [`Failure`](#failure), on every route; what each status "
        "means stands under [errors and exit codes](errors-and-exit-codes.md).\n"
    )
    for path, methods in description["paths"].items():
        for method, route in methods.items():
            yield from one_route(f"{method.upper()} {path}", route)
    yield "## Bodies\n"
    yield "### Row\n"
    yield (
        "An object with one key for each feature of the version that answers, which `/model/info` "
        "lists, and besides:\n"
    )
    yield table(("key", "type", "meaning"), ROW_KEYS)
    yield '### Rows\n\n`{"rows": [...]}` with at least one [Row](#row).\n'
    for name, schema in sorted(parts.items()):
        if name not in {"Row", "Rows"}:
            yield f"### {name}\n"
            yield f"{schema.get('description', '')}\n"
            yield table(("key", "type", "meaning"), keys_of(schema))


ROW_KEYS = [
    ("`prediction_id`", "text, optional", "1 to 128 printable ASCII characters; made if not given"),
    ("`event_time`", "time, optional", "when it happened, with a zone; at most 30 days ago"),
]


def openapi() -> dict[str, Any]:
    """The description that a service without a model gives."""
    given = {"model": "credit", "target": {"column": "y"}, "data": {"path": "rows.csv"}}
    known = Settings.model_validate({**given, "features": {"x": {"kind": "number"}}})
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/homeostat.db")
        service = build_service(known, store, lambda: datetime.now(UTC))
        made = create_app(service)
        store.close()
    return describe(made.routes, "credit", None)


def one_route(title: str, route: dict[str, Any]) -> Lines:
    """What is said of one route."""
    yield f"## {title}\n"
    yield f"{route['description']}\n"
    rows = [
        (f"`{one['name']}`", one["in"], one.get("description", ""))
        for one in route.get("parameters", [])
    ]
    if "requestBody" in route:
        rows.append(("body", "JSON", link(content_schema(route["requestBody"]))))
    if rows:
        yield table(("parameter", "in", "meaning"), rows)
    answers = [
        (status, link(content_schema(one)) or one["description"])
        for status, one in sorted(route["responses"].items())
    ]
    yield table(("status", "body"), answers)


def content_schema(part: dict[str, Any]) -> dict[str, Any]:
    """The schema of a JSON body."""
    found: dict[str, Any] = part.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def link(schema: dict[str, Any]) -> str:
    """A link to the body that a schema refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return f"[{name}](#{name.lower()})" if name else ""


def keys_of(schema: dict[str, Any]) -> list[Sequence[str]]:
    """The rows for the keys of an object."""
    required = set(schema.get("required", []))
    return [
        (
            f"`{key}`",
            json_type(one) + ("" if key in required else ", optional"),
            one.get("description", ""),
        )
        for key, one in schema.get("properties", {}).items()
    ]


def json_type(schema: dict[str, Any]) -> str:
    """The type of a key, in words."""
    if "$ref" in schema:
        return link(schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(json_type(one) for one in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {json_type(schema['items'])}"
    if schema.get("format") == "date-time":
        return "time"
    words = {"string": "text", "integer": "whole number", "null": "null", "object": "object"}
    return words.get(schema.get("type", ""), schema.get("type", "number or text"))


# ------------------------------------------------------------------------------- extensions


def statistics() -> Lines:
    """Every statistic, and which of them decide."""
    yield "# Statistics\n"
    yield (
        "Two profiles of one feature in, one distance out.  A statistic judges nothing: what is "
        "large enough to matter, and how the questions are corrected for their number, is "
        "explained under [judging](../explanation/judging.md).  One with no effect that matters is "
        "reported only.\n"
    )
    rows = [(f"[{n}](#{n})", f"{EFFECTS[n]:g}" if n in EFFECTS else "–") for n in STATISTICS]
    yield table(("statistic", "effect that matters"), rows)
    for name, make in STATISTICS.items():
        yield f"## {name}\n"
        yield markdown(inspect.getdoc(make) or "")
        rows = [
            (word, first_line(getattr(make, method)))
            for word, method in (
                ("asked", "applies"),
                ("distance", "distance"),
                ("detectable", "detectable"),
            )
        ]
        yield table(("", ""), rows)


def gates() -> Lines:
    """Every gate with its options."""
    yield "# Gates\n"
    yield (
        "Questions that a candidate must answer before it is put into service.  All are asked "
        "each time, and only when all PASS it is promoted.  Too little data is INCONCLUSIVE: the "
        "candidate waits, at most `gates.candidate_days`.  The evidence is explained under "
        "[healing](../explanation/healing.md).\n"
    )
    for name, make in GATES.items():
        module = inspect.getmodule(make)
        yield f"## {name}\n"
        yield f"*{inspect.getdoc(module)}*\n"
        yield markdown(inspect.getdoc(make) or "")
        yield f"{inspect.getdoc(make.judge)}\n"  # type: ignore[attr-defined]
        yield table(("option", "default", "meaning", "setting"), gate_options(name, make))


def gate_options(name: str, make: Any) -> list[Sequence[str]]:
    """The rows for the options of a gate."""
    said = field_comments(make)
    return [
        (
            f"`{one.name}`",
            f"`{plain_span(one.default)}`",
            said.get(one.name, ""),
            f"`{GATE_SETTINGS[name, one.name]}`" if (name, one.name) in GATE_SETTINGS else "",
        )
        for one in dataclasses.fields(make)
    ]


def trainers() -> Lines:
    """Every trainer with its options."""
    yield "# Trainers\n"
    yield (
        "What `training.algorithm` and `homeostat model train --algorithm` may name.  Each is "
        "fitted on the oldest 60 % of the rows, calibrated on the next 20 % and judged on the "
        "newest 20 %, where the threshold with the highest F1 is taken too.\n"
    )
    for name, trainer in TRAINERS.items():
        yield f"## {name}\n"
        yield markdown(inspect.getdoc(type(trainer)) or "")
        yield f"{first_line(trainer.fit)}\n"
        said = field_comments(type(trainer))
        rows = [
            (f"`{one.name}`", f"`{one.default}`", said.get(one.name, ""))
            for one in dataclasses.fields(trainer)  # type: ignore[arg-type]
        ]
        yield table(("parameter", "value", "meaning"), rows)


def field_comments(kind: type) -> dict[str, str]:
    """What stands behind `#:` beside the fields of a dataclass."""
    source = inspect.getsource(kind)
    return dict(re.findall(r"^    (\w+): [^\n]*#: ([^\n]+)$", source, flags=re.MULTILINE))


def plain_span(value: Any) -> str:
    """A default, spans of time in days."""
    return f"{value / timedelta(days=1):g} days" if isinstance(value, timedelta) else f"{value}"


def first_line(thing: object) -> str:
    """What a docstring says first."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def markdown(docstring: str) -> str:
    """A NumPy docstring as Markdown, without its examples."""
    text = re.sub(r"\nExamples\n-+\n(.|\n)*\Z", "\n", docstring)
    text = re.sub(r"^\.\. math:: ((?:.+\n?)(?: {6,}.+\n?)*)", _formula, text, flags=re.MULTILINE)
    text = re.sub(r"^(\w+)\n-{3,}$", r"**\1**\n", text, flags=re.MULTILINE)
    return f"{text.strip()}\n"


def _formula(found: re.Match[str]) -> str:
    lines = " ".join(found[1].split())
    return f"```math\n{lines}\n```\n"


# ------------------------------------------------------------------------------------ pages


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; nothing when it has no rows."""
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *([cell(one) for one in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """A text that stays in its cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], Lines]] = {
    one.__name__: one
    for one in (commands, environment, gates, routes, settings, statistics, trainers)
}


def page(make: Callable[[], Lines]) -> str:
    """A whole page."""
    text = "\n".join([MADE, *(part for part in make() if part)])
    return textwrap.dedent(text).rstrip() + "\n"


def main() -> int:
    """Write the pages, or with --check leave with 1 when one is not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    old = []
    for name, make in PAGES.items():
        path, text = FOLDER / f"{name}.md", page(make)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if check and old:
        print(f"not up to date: {', '.join(old)}; run {Path(__file__).name}", file=sys.stderr)
        return 1
    print(f"{len(PAGES)} pages, {len(old)} of them written" if not check else "up to date")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
