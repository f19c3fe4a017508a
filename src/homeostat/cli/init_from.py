"""`homeostat init --from-config`: the settings of another system, taken over and told."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from homeostat.cli.imported import Imported, import_settings
from homeostat.cli.options import say, show_table
from homeostat.cli.settings_edit import with_values
from homeostat.cli.settings_source import read_yaml
from homeostat.errors import NotFound, UserError

__all__ = ["needed", "plain_imported", "read_import", "show_imported", "with_imported"]


def read_import(path: Path) -> Imported:
    """What a churn monitoring file says.

    Raises
    ------
    NotFound
        When there is no such file.
    UserError
        When it is no YAML, or has none of the sections that such a file has.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path} to import from")
    given = read_yaml(path)
    known = ("data_drift_monitoring", "performance_monitoring", "alerts")
    if not any(name in given for name in known):
        message = f"{path} has none of the sections {', '.join(known)}; is it the right file?"
        raise UserError(message)
    return import_settings(given)


def needed(data: Path | None, target: str | None, imported: Imported | None) -> tuple[Path, str]:
    """The file of rows and the column to predict: as given, or else as imported.

    Raises
    ------
    UserError
        When one is neither; both are named.
    """
    if imported is not None:
        data = data or (Path(imported.data) if imported.data else None)
        target = target or imported.target
    problems = []
    if data is None:
        problems.append("DATA: missing; name a .csv or .parquet file of rows with the target")
    if target is None:
        problems.append("--target: missing; name the column to predict")
    if data is None or target is None:
        raise UserError("a model needs rows to begin with", problems)
    return data, target


def with_imported(path: Path, imported: Imported) -> str:
    """The text of a settings file with what was imported, all else as it stands."""
    return with_values(path.read_text(encoding="utf-8"), imported.values)


def plain_imported(imported: Imported) -> list[dict[str, Any]]:
    """Every line of the other file and what became of it."""
    return [asdict(one) for one in imported.lines]


def show_imported(imported: Imported, *, source: Path) -> None:
    """Print every line of the other file and what became of it."""
    taken = [one for one in imported.lines if one.target is not None]
    show_table(
        ("line", "there", "here", "what it means, or why it is left out"),
        [
            (
                one.source,
                one.given,
                "-" if one.target is None else f"{one.target}: {one.value}",
                one.told,
            )
            for one in imported.lines
        ],
    )
    say(f"{len(taken)} of {len(imported.lines)} lines of {source.name} were taken over.")
