"""`homeostat init`: from a data file to the settings of a model."""

import json
import os
import re
import shlex
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer import Argument, Option

from homeostat.cli.imported import Imported
from homeostat.cli.init_from import (
    needed,
    plain_imported,
    read_import,
    show_imported,
    with_imported,
)
from homeostat.cli.settings_edit import with_values
from homeostat.cli.settings_text import settings_text
from homeostat.errors import Conflict, UserError
from homeostat.schema import Task

# polars comes with it, which no other command should wait for.
if TYPE_CHECKING:
    from homeostat.dataset import Description

__all__ = ["init", "model_name", "write_settings"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def init(
    data: Annotated[
        Path | None, Argument(help="Rows with the target: a .csv or .parquet file.")
    ] = None,
    *,
    target: Annotated[str | None, Option(help="Column to predict.")] = None,
    id_column: Annotated[str | None, Option("--id", help="Column that names a row.")] = None,
    time_column: Annotated[
        str | None,
        Option("--time", help="Column of the time; without it rows stand in time order."),
    ] = None,
    model: Annotated[str | None, Option(help="Name; without it that of the file.")] = None,
    task: Annotated[Task | None, Option(help="What is predicted; without it as found.")] = None,
    output: Annotated[Path, Option(help="File to write.")] = Path("homeostat.yaml"),
    from_config: Annotated[
        Path | None,
        Option(
            help="Take over what another system's monitoring_config.yaml says, as far as it "
            "goes; without DATA into the settings file that is there, with --force."
        ),
    ] = None,
    force: Annotated[bool, Option("--force", help="Replace the file if it is there.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at DATA and write the settings of a model for it.

    Exits with 0 when the file was written, 2 when DATA cannot be used.
    """
    from homeostat.dataset import describe, read_frame

    _refuse_output(output, force=force)
    imported = None if from_config is None else read_import(from_config)
    if from_config and imported and data is None and output.exists():
        _take_over(imported, output, source=from_config, as_json=as_json)
        return
    data, target = needed(data, target, imported)
    time_column = time_column or (imported.time if imported else None)
    name = model_name(data) if model is None else model
    if not _NAME.fullmatch(name):
        message = (
            f"--model {name!r} is no name: 1 to 64 letters, digits, '_', '.' or '-', "
            "a letter or digit first"
        )
        raise UserError(message)
    frame = read_frame(data)
    description = describe(
        frame, target=target, id_column=id_column, time_column=time_column, task=task
    )
    write_settings(description, model=name, data_path=data, path=output, imported=imported)
    if as_json:
        plain = _plain(description, model=name, path=output)
        more = {"imported": plain_imported(imported)} if imported else {}
        print(json.dumps({**plain, **more}, indent=2))  # noqa: T201
        return
    if from_config and imported:
        show_imported(imported, source=from_config)
    _show(description, data=data, path=output)


def _take_over(imported: Imported, output: Path, *, source: Path, as_json: bool) -> None:
    """Change the settings that are there."""
    _write_whole(output, with_imported(output, imported))
    if as_json:
        plain = {"settings": str(output), "imported": plain_imported(imported)}
        print(json.dumps(plain, indent=2))  # noqa: T201
        return
    show_imported(imported, source=source)
    Console(highlight=False).print(f"[green]Changed {escape(str(output))}.[/]")


def model_name(data: Path) -> str:
    """A model's name from that of its data file.

    Examples
    --------
    >>> model_name(Path("Crédit (2024).csv"))
    'Credit-2024'
    """
    plain = unicodedata.normalize("NFKD", data.stem).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain)
    return re.sub(r"^[^A-Za-z0-9]+", "", name)[:64].rstrip("-") or "model"


def write_settings(
    description: "Description",
    *,
    model: str,
    data_path: Path,
    path: Path,
    imported: Imported | None = None,
) -> str:
    """The text of the settings file that was written to `path`, whole or not at all.

    `load_settings` reads the described schema back from it.  The data's path is written as
    seen from the folder of `path`.

    Raises
    ------
    UserError
        When the file cannot be written.
    """
    folder = path.parent.absolute()
    relative = os.path.relpath(data_path.absolute(), folder)
    text = settings_text(description, model=model, data_path=relative)
    if imported is not None:
        text = with_values(text, imported.values)
    _write_whole(path, text)
    return text


def _write_whole(path: Path, text: str) -> None:
    try:
        _write(path, text)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from error


def _write(path: Path, text: str) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        whole = Path(folder) / path.name
        whole.write_text(text, encoding="utf-8")
        whole.replace(path)


def _refuse_output(output: Path, *, force: bool) -> None:
    if not output.absolute().parent.is_dir():
        raise UserError(f"there is no folder {output.parent} to write {output.name} to")
    if output.is_dir():
        raise UserError(f"{output} is a folder; name a file")
    if output.exists() and not force:
        raise Conflict(f"{output} is there already; use --force to replace it, or --output")


def _plain(description: "Description", *, model: str, path: Path) -> dict[str, Any]:
    schema = description.schema
    features = [
        {"name": one.name, "kind": one.kind.value, "seen": description.notes[one.name]}
        for one in schema.features
    ]
    return {
        "settings": str(path),
        "model": model,
        "rows": description.rows,
        "positives": description.positives,
        "target": {"column": schema.target.column, "positive": schema.target.positive},
        "id": description.id_column,
        "time": description.time_column,
        "features": features,
        "warnings": list(description.warnings),
    }


def _show(description: "Description", *, data: Path, path: Path) -> None:
    from homeostat.dataset.notes import percent

    console = Console(highlight=False)
    target = description.schema.target
    share = percent(description.positives, description.rows)
    console.print(
        f"[bold]{escape(data.name)}[/]: {description.rows:,} rows; "
        f"{escape(target.column)} is {escape(repr(target.positive))} in {share}"
    )
    console.print(_table(description))
    for warning in description.warnings:
        console.print(f"[yellow]![/] {escape(warning)}")
    if description.time_column is None:
        console.print("Rows are taken to be in time order as they stand; else give --time COLUMN.")
    else:
        console.print(f"Rows are ordered by {escape(description.time_column)}.")
    console.print(f"[green]Wrote {escape(str(path))}.[/]  Look through it.")
    config = "" if path == Path("homeostat.yaml") else f" --config {shlex.quote(str(path))}"
    console.print(f"Next: homeostat reference freeze{escape(config)}", soft_wrap=True)


def _table(description: "Description") -> Table:
    table = Table("feature", "kind", "seen", box=None, pad_edge=False, header_style="dim")
    for one in description.schema.features:
        table.add_row(escape(one.name), one.kind.value, escape(description.notes[one.name]))
    return table
