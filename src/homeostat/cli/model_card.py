"""`homeostat model card`: what is known of a version, from the evidence alone."""

from pathlib import Path
from typing import Annotated

from rich.markup import escape
from typer import Argument, Option

from homeostat.cli.options import AsJson, AsOf, Config, moment, print_json, say
from homeostat.cli.project import open_project
from homeostat.errors import NotFound

__all__ = ["card"]


def card(
    number: Annotated[
        int | None, Argument(metavar="VERSION", min=1, help="Its number [the one in service].")
    ] = None,
    config: Config = Path("homeostat.yaml"),
    html: Annotated[Path | None, Option(help="Write a page to this file.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """What a version is, what it was proved by, and what is not known of it."""
    from homeostat.account.card import card_json, card_lines
    from homeostat.account.card_page import card_html
    from homeostat.card import CardMaker
    from homeostat.past import champion_at
    from homeostat.reports.files import write_text

    at = moment(as_of)
    with open_project(config) as project:
        number = number or champion_at(project.store, project.model, at)
        if number is None:
            raise NotFound(f"no version of {project.model!r} is in service; name one by its number")
        made = CardMaker(
            store=project.store,
            model=project.model,
            artifacts=project.settings.artifacts.path,
            policy=project.monitor.policy.drift,
        ).card(number, as_of=at)
    if html is not None:
        write_text(html, card_html(made))
    if as_json:
        print_json(card_json(made))
        return
    for line in card_lines(made):
        say(escape(line))
    if html is not None:
        say(f"[dim]{html}[/]")
