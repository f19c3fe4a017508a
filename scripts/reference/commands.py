"""The page of the commands."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from homeostat.cli.app import app
from scripts.reference import Lines, table

__all__ = ["commands", "walk"]


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
