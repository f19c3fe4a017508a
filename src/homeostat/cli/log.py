"""The log of predictions and labels."""

from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from homeostat.cli.options import AsJson, Config, print_json, say
from homeostat.cli.project import open_project

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _log() -> None:
    """The log of predictions and labels."""


@app.command()
def export(
    config: Config = Path("homeostat.yaml"),
    output: Annotated[
        Path | None, Option(help="Folder to write to [default: the monitoring folder].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the log as predictions/predictions.csv and labels/labels.csv."""
    from homeostat.reports.export import export_labels, export_predictions

    with open_project(config) as project:
        folder = output or project.settings.monitoring.path
        predictions, labels = folder / "predictions/predictions.csv", folder / "labels/labels.csv"
        rows = export_predictions(
            project.store.iterate_predictions(project.model), project.schema.names, predictions
        )
        labelled = export_labels(project.store.iterate_labelled(project.model), labels)
    if as_json:
        print_json(
            {"predictions": rows, "labels": labelled, "files": [str(predictions), str(labels)]}
        )
        return
    say(f"{rows:,} predictions in {predictions}, {labelled:,} labels in {labels}")
