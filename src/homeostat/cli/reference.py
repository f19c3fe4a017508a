"""The frozen reference that everything current is compared with."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from homeostat.cli.options import AsJson, AsOf, Config, moment, print_json, say
from homeostat.cli.project import open_project

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def freeze(
    config: Config = Path("homeostat.yaml"),
    share: Annotated[
        float | None, Option(min=0.01, max=0.9, help="Of the rows, the newest [settings].")
    ] = None,
    force: Annotated[bool, Option("--force", help="Replace a frozen one.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Freeze the newest rows of the data file as the reference; done once."""
    with open_project(config) as project:
        reference = project.baseline.freeze(
            share=project.settings.reference.share if share is None else share,
            now=moment(as_of),
            force=force,
        )
        metadata = project.baseline.metadata
        folder = project.baseline.folder
    if as_json:
        print_json(metadata)
        return
    say(
        f"Frozen: the newest {reference.rows:,} rows of {reference.source}, "
        f"{len(metadata['features'])} features, sha256 {reference.data_fingerprint[:12]}…"
    )
    say(f"[dim]{folder}[/]  Next: homeostat model train")


@app.command()
def show(config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """Verify the frozen reference and say what it is."""
    with open_project(config) as project:
        reference = project.baseline.reference()
        metadata = project.baseline.metadata
    if as_json:
        print_json(metadata)
        return
    say(
        f"[green]verified[/] {reference.rows:,} rows of {reference.source}, frozen "
        f"{reference.created_at:%Y-%m-%d %H:%M} UTC, sha256 {reference.data_fingerprint}"
    )
