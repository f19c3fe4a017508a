"""Versions that are tried beside the champion: a part of the rows, or in the shadow."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from homeostat.cli.options import (
    AsJson,
    AsOf,
    Config,
    caller,
    moment,
    print_json,
    say,
    show_table,
)
from homeostat.cli.project import new_id, open_project
from homeostat.errors import NotFound, UserError

if TYPE_CHECKING:
    from homeostat.challenger import Challenger

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Number = Annotated[int, Argument(min=1, help="Version number.")]


@app.command()
def start(
    number: Number,
    *,
    config: Config = Path("homeostat.yaml"),
    share: Annotated[
        float | None, Option(help="It answers this share of the keys, from 0.0001 to 1.")
    ] = None,
    shadow: Annotated[
        bool, Option("--shadow", help="It is asked about every row, behind the answer.")
    ] = False,
    reason: Annotated[str, Option(help="Why, for the record.")] = "tried by hand",
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Try a version beside the champion: --share for a part of the rows, or --shadow."""
    from homeostat.challenger import Challenger, Mode, refuse_other_rows

    if shadow == (share is not None):
        raise UserError("say either --share, for a part of the rows, or --shadow")
    with open_project(config) as project:
        deployment = project.store.deployment(project.model)
        if deployment is None or deployment.champion is None:
            raise NotFound(f"no version of {project.model!r} is in service to try another beside")
        if deployment.champion == number:
            raise UserError(f"version {number} is in service; try another beside it")
        champion, other = (
            project.store.version(project.model, one) for one in (deployment.champion, number)
        )
        refuse_other_rows(champion.schema, other.schema)
        asked = Challenger(
            id=new_id(),
            model=project.model,
            version=number,
            mode=Mode.SHADOW if shadow else Mode.SPLIT,
            share=share or 0.0,
            started_at=moment(as_of),
            started_by=caller(),
            reason=reason,
        )
        begun = project.store.trials.start(asked)
    _tell(begun, f"version {number} is tried: {_how(begun)}", as_json=as_json)


@app.command()
def stop(
    number: Number,
    config: Config = Path("homeostat.yaml"),
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """End the trial of a version; the champion answers its rows again."""
    with open_project(config) as project:
        ended = project.store.trials.end(project.model, number, moment(as_of))
    _tell(ended, f"version {number} is tried no more", as_json=as_json)


@app.command("list")
def list_challengers(
    config: Config = Path("homeostat.yaml"),
    every: Annotated[bool, Option("--all", help="Ended ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """The versions that are tried."""
    with open_project(config) as project:
        trials = project.store.trials
        found = trials.all(project.model) if every else trials.running(project.model)
    if as_json:
        print_json([_plain(one) for one in found])
        return
    if not found:
        say("No version is tried; run: homeostat challenger start NUMBER --share 0.1")
        return
    show_table(
        ("version", "how", "since", "until", "by", "why"),
        [
            (
                str(one.version),
                _how(one),
                f"{one.started_at:%Y-%m-%d %H:%M}",
                f"{one.ended_at:%Y-%m-%d %H:%M}" if one.ended_at else "",
                one.started_by,
                one.reason,
            )
            for one in found
        ],
    )


def _tell(one: "Challenger", text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(one))
    else:
        say(f"{one.model}: {text}")


def _how(one: "Challenger") -> str:
    return f"answers {one.share:.2%}" if one.share else "in the shadow"


def _plain(one: "Challenger") -> dict[str, Any]:
    plain = asdict(one)
    plain["mode"] = one.mode.value
    plain["started_at"] = one.started_at.isoformat()
    plain["ended_at"] = one.ended_at.isoformat() if one.ended_at else None
    return plain
