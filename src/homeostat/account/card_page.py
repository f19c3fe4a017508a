"""The model card as one HTML file that needs nothing else to be read."""

from homeostat.account.card import Card
from homeostat.account.performance import interval, title_of
from homeostat.reports.html.page import environment

__all__ = ["card_html"]

SHOWN = 10  #: blind spots that are named, the largest first


def card_html(card: Card) -> str:
    """The card as text: no script, nothing loaded, for phones too; all names are escaped."""
    return (
        environment()
        .get_template("model_card.html")
        .render(card=card, shown=SHOWN, interval=interval, title_of=title_of)
    )
