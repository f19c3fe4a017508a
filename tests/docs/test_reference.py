"""The reference is complete and not older than the code."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import typer

from homeostat import errors
from homeostat.cli.app import app
from homeostat.cli.project import Project
from homeostat.cli.settings import Settings
from homeostat.cli.settings_source import ALIASES, variable
from homeostat.estimators import ESTIMATORS
from homeostat.gates import GATES
from homeostat.registry.mlflow import ENVIRONMENT
from homeostat.statistics import STATISTICS
from homeostat.trainers import TRAINERS
from scripts.reference.extensions import GATE_SETTINGS
from scripts.reference.routes import openapi
from scripts.reference.settings import model_of
from tests.docs.pages import REFERENCE, REPOSITORY

GIVEN: dict[str, Any] = {
    "model": "credit",
    "target": {"column": "y"},
    "features": {"x": {"kind": "number"}},
    "data": {"path": "rows.csv"},
}


@cache
def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def test_the_pages_are_not_older_than_the_code() -> None:
    script = REPOSITORY / "scripts" / "make_reference.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command and every noun, by the words that call it."""
    command = command or typer.main.get_command(app)
    yield " ".join(("homeostat", *path)), command
    for name, one in getattr(command, "commands", {}).items():
        yield from commands(one, (*path, name))


@pytest.mark.parametrize(("words", "command"), list(commands()), ids=str)
def test_every_command_has_help_and_is_in_the_reference(words: str, command: Any) -> None:
    options = [one for one in command.params if one.param_type_name == "option"]
    shown = [one for one in options if one.name not in {"help", "version"}]

    assert command.help
    assert all(one.help for one in command.params)
    if not hasattr(command, "commands"):
        part = page("commands").partition(f"## {words}\n")[2].partition("\n## ")[0]
        assert part
        assert all(f"`{', '.join(one.opts)}`" in part for one in shown)


def settings() -> Iterator[tuple[str, ...]]:
    """The place of every setting."""
    for name, field in Settings.model_fields.items():
        model = model_of(field.annotation)
        yield from ((name, key) for key in model.model_fields) if model else ((name,),)


@pytest.mark.parametrize("place", list(settings()), ids=".".join)
def test_every_setting_is_in_the_reference(place: tuple[str, ...]) -> None:
    section = place[0] if len(place) == 2 else "At the top"
    part = page("settings").partition(f"\n## {section}")[2].partition("\n## ")[0]

    assert f"| `{place[-1]}` |" in part
    if len(place) == 2 and section not in {"target", "features", "segments"}:
        assert f"`{variable(place)}`" in part


def test_every_environment_variable_is_in_the_reference() -> None:
    named = {*ALIASES, *ENVIRONMENT, "OMP_NUM_THREADS", "HOMEOSTAT_DATA"}

    assert not {one for one in named if f"`{one}`" not in page("environment")}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("estimators", ESTIMATORS),
        ("statistics", STATISTICS),
        ("gates", GATES),
        ("trainers", TRAINERS),
    ],
)
def test_every_extension_is_in_the_reference(name: str, known: Any) -> None:
    assert not {one for one in known if f"\n## {one}\n" not in page(name)}


def test_every_route_is_in_the_reference_and_has_one_body_for_errors() -> None:
    routes = {
        f"{method.upper()} {path}": route
        for path, methods in openapi()["paths"].items()
        for method, route in methods.items()
    }
    bodies = {
        f"{name} {status}": answer["content"]["application/json"]["schema"]["$ref"]
        for name, route in routes.items()
        for status, answer in route["responses"].items()
        if int(status) >= 400
    }
    probes = [bodies.pop(f"GET {one} 503") for one in ("/health", "/monitor/health")]

    assert len(routes) >= 8
    assert not {one for one in routes if f"\n## {one}\n" not in page("routes")}
    assert set(bodies.values()) == {"#/components/schemas/Failure"}
    assert [one.rpartition("/")[2] for one in probes] == ["Health", "BaselineHealth"]


def test_every_error_is_in_the_reference_with_its_codes() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if name != "HomeostatError"]
    lines = page("errors-and-exit-codes").splitlines()

    for kind in kinds:
        [line] = [one for one in lines if one.startswith(f"| `{kind.__name__}` |")]
        again = "yes" if kind.retry else "no"
        assert line.endswith(f"| {kind.status} | {kind.exit_code} | {again} |")


@pytest.mark.parametrize(("option", "place"), list(GATE_SETTINGS.items()), ids=str)
def test_a_setting_reaches_the_option_that_the_reference_says(
    option: tuple[str, str], place: str
) -> None:
    section, name = place.split(".")
    settings = Settings.model_validate({**GIVEN, section: {name: 1}})

    project = Project(settings=settings, store=None)  # type: ignore[arg-type]  # not asked for
    value = project._gate_options()[option[0]][option[1]]

    assert value == (timedelta(days=1) if isinstance(value, timedelta) else 1)


def test_no_gate_has_a_setting_that_the_reference_does_not_say() -> None:
    project = Project(settings=Settings.model_validate(GIVEN), store=None)  # type: ignore[arg-type]
    options = {(gate, name) for gate, all_ in project._gate_options().items() for name in all_}

    assert options == set(GATE_SETTINGS)
