"""Keys of the service: who may ask it for what."""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from homeostat.access import Key, Role, digest_of
from homeostat.cli.options import AsJson, AsOf, Config, moment, print_json, say, show_table
from homeostat.cli.project import open_project

__all__ = ["app", "new_key"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

#: Before every key, so that whoever finds one in a file knows what it is.
PREFIX = "homeostat_"
KEY_BYTES = 32

Name = Annotated[str, Argument(help="What the key is called; no other one ever is.")]


def new_key() -> str:
    """A key that nobody can guess: 256 random bits."""
    return PREFIX + secrets.token_urlsafe(KEY_BYTES)


@app.callback()
def _key() -> None:
    """Keys of the service: who may ask it for what."""


@app.command()
def create(
    name: Name,
    role: Annotated[list[Role], Option(help="What it is good for; may be given again.")],
    config: Config = Path("homeostat.yaml"),
    rate: Annotated[
        float | None, Option(help="Requests a second, by each process [default: any].")
    ] = None,
    *,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once: only its digest is kept."""
    secret = new_key()
    key = Key(
        name=name,
        roles=frozenset(role),
        digest=digest_of(secret.encode()),
        created_at=moment(as_of),
        rate_per_s=rate,
    )
    with open_project(config) as project:
        project.store.keys.add(key)
    if as_json:
        print_json({**_plain(key), "key": secret})
        return
    say(secret)
    say("This is shown once. Callers send it in the header X-API-Key.")


@app.command("list")
def list_keys(config: Config = Path("homeostat.yaml"), as_json: AsJson = False) -> None:
    """All keys by name, the revoked ones too; none is shown itself."""
    with open_project(config) as project:
        keys = project.store.keys.all()
    if as_json:
        print_json([_plain(one) for one in keys])
        return
    if not keys:
        say("No key yet; run: homeostat key create NAME --role predict")
        return
    show_table(
        ("name", "roles", "requests a second", "made", "revoked"),
        [
            (
                one.name,
                " ".join(sorted(one.roles)),
                "any" if one.rate_per_s is None else f"{one.rate_per_s:g}",
                f"{one.created_at:%Y-%m-%d %H:%M}",
                f"{one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "",
            )
            for one in keys
        ],
    )


@app.command()
def revoke(name: Name, config: Config = Path("homeostat.yaml"), as_of: AsOf = None) -> None:
    """Let a key be used no more; every process of the service knows it within 5 seconds."""
    with open_project(config) as project:
        project.store.keys.revoke(name, moment(as_of))
    say(f"Revoked {name}.")


def _plain(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "roles": sorted(key.roles),
        "rate_per_s": key.rate_per_s,
        "created_at": _text(key.created_at),
        "revoked_at": _text(key.revoked_at),
    }


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
