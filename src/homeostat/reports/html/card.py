"""The model card as one HTML file that needs nothing else to be read."""

from homeostat.reports.card import Card
from homeostat.reports.html.page import environment
from homeostat.reports.performance import interval, title_of

__all__ = ["card_html"]

SHOWN = 10  #: blind spots that are named, the largest first


def card_html(card: Card) -> str:
    """The card as text: no script, nothing loaded, for phones too; all names are escaped."""
    return (
        environment()
        .get_template("model_card.html")
        .render(card=card, shown=SHOWN, interval=interval, title_of=title_of)
    )
