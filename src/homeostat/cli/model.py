"""Versions of the model: train, register, list, promote, roll back."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from homeostat.cli.model_card import card
from homeostat.cli.model_register import register
from homeostat.cli.options import (
    AsJson,
    AsOf,
    Config,
    caller,
    moment,
    plain_numbers,
    print_json,
    say,
    show_table,
)
from homeostat.cli.project import Project, open_project
from homeostat.errors import UserError

if TYPE_CHECKING:
    from homeostat.plan import Deployment
    from homeostat.version import Version

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command()(register)
app.command()(card)

Number = Annotated[int, Argument(min=1, help="Version number.")]
Reason = Annotated[str, Option(help="Why, for the decision record.")]


@app.command()
def train(
    config: Config = Path("homeostat.yaml"),
    algorithm: Annotated[str | None, Option(help="Name of the trainer [settings].")] = None,
    data: Annotated[Path | None, Option(help="Learn from this file [settings].")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Train a version on the rows before the reference, and register it."""
    from homeostat.registry import read_parity
    from homeostat.training import file_rows

    with open_project(config) as project:
        baseline = project.baseline
        reference = baseline.reference()
        frame = baseline.training_frame(data)
        rows = file_rows(baseline, frame, (data or baseline.data).name)
        recipe = project.recipe(algorithm=algorithm)
        version = project.workshop.make(rows, recipe, now=moment(as_of))
        parity = read_parity(project.settings.artifacts.path, version)
    if as_json:
        print_json(_plain(version, None))
        return
    say(
        f"Trained version {version.number} of {version.model} ({version.algorithm}) on "
        f"{len(rows.y):,} rows; the reference is verified, sha256 "
        f"{reference.data_fingerprint[:12]}…"
    )
    say(f"  {plain_numbers(version.metrics)}")
    say(f"  {parity}")
    say(f"Next: homeostat model promote {version.number}")


@app.command("list")
def list_versions(config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """All versions, the one in service marked."""
    with open_project(config) as project:
        versions = project.store.versions(project.model)
        deployment = project.store.deployment(project.model)
    if as_json:
        print_json([_plain(one, deployment) for one in versions])
        return
    if not versions:
        say("No version yet; run: homeostat model train")
        return
    show_table(
        ("version", "stage", "algorithm", "trained", "f1", "auc", "brier", "by"),
        [
            (
                str(one.number),
                _stage(one, deployment),
                one.algorithm,
                f"{one.created_at:%Y-%m-%d %H:%M}",
                *(f"{one.metrics.get(name, float('nan')):.3f}" for name in ("f1", "auc", "brier")),
                one.origin,
            )
            for one in versions
        ],
    )


@app.command()
def show(number: Number, config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """One version, its artefact verified."""
    from homeostat.registry import load_scorer, read_parity

    with open_project(config) as project:
        version = project.store.version(project.model, number)
        deployment = project.store.deployment(project.model)
        load_scorer(project.settings.artifacts.path, version)
        parity = read_parity(project.settings.artifacts.path, version)
    plain = _plain(version, deployment) | {"compiled": parity.to_dict()}
    if as_json:
        print_json(plain)
        return
    for name in ("model", "number", "stage", "algorithm", "created_at", "threshold", "origin"):
        say(f"[dim]{name:>16}[/]  {plain[name]}")
    say(f"[dim]{'metrics':>16}[/]  {plain_numbers(version.metrics)}")
    say(f"[dim]{'reference':>16}[/]  {version.reference_digest}")
    say(f"[dim]{'serves':>16}[/]  {parity}")
    say(f"[dim]{'artefact':>16}[/]  {version.digest} [green]verified[/]")


@app.command()
def promote(
    number: Number,
    config: Config = Path("homeostat.yaml"),
    reason: Reason = "promoted by hand",
    *,
    other_rows: Annotated[
        bool,
        Option("--other-rows", help="Also where it asks for other rows than the one in service."),
    ] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Put a version into service; the loop then watches it.

    One that asks for other rows would refuse the requests that are answered now, and needs
    `--other-rows`.
    """
    from homeostat.actions import Order

    with open_project(config) as project:
        if not other_rows:
            _refuse_other_rows(project, number)
        order = Order(by=caller(), now=moment(as_of), reasons=(reason,))
        decision = project.actor.promote(number, order)
        project.actor.mirror()
        _tell(project, decision.to_dict(), as_json=as_json)


@app.command()
def rollback(
    number: Annotated[int | None, Argument(min=1, help="To this version [the one before].")] = None,
    config: Config = Path("homeostat.yaml"),
    reason: Reason = "rolled back by hand",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Put the version before back into service."""
    from homeostat.actions import Order

    with open_project(config) as project:
        order = Order(by=caller(), now=moment(as_of), reasons=(reason,))
        decision = project.actor.roll_back(order, number=number)
        project.actor.mirror()
        _tell(project, decision.to_dict(), as_json=as_json)


def _refuse_other_rows(project: Project, number: int) -> None:
    from homeostat.challenger import other_rows

    deployment = project.store.deployment(project.model)
    if deployment is None or deployment.champion is None:
        return
    served, asked = (
        project.store.version(project.model, one) for one in (deployment.champion, number)
    )
    problems = other_rows(served.schema, asked.schema)
    if problems:
        message = (
            f"version {number} asks for other rows than version {served.number}, which is in "
            "service, and would refuse those that are sent now; say --other-rows when who asks "
            "knows of it"
        )
        raise UserError(message, problems)


def _tell(project: Project, decision: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(decision)
        return
    before = decision["version_before"] or "none"
    say(
        f"{project.model}: version {decision['version_after']} is in service, {before} before; "
        f"decision {decision['id']}"
    )


def _stage(version: "Version", deployment: "Deployment | None") -> str:
    if deployment is None:
        return ""
    names = {
        deployment.candidate: "candidate",
        deployment.previous: "previous",
        deployment.champion: "champion",
    }
    return names.get(version.number, "")


def _plain(version: "Version", deployment: "Deployment | None") -> dict[str, Any]:
    plain = asdict(version)
    plain["schema"] = version.schema.to_dict()
    plain["metrics"], plain["manifest"] = dict(version.metrics), dict(version.manifest)
    plain["created_at"] = version.created_at.isoformat()
    until = version.trained_until
    plain["trained_until"] = until.isoformat() if until else None
    plain["stage"] = _stage(version, deployment)
    return plain
