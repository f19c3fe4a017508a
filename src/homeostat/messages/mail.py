"""HTML for mails: everything that is given is escaped, and nothing is loaded from elsewhere."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from homeostat.alert import AlertSeverity, Change
from homeostat.messages.sections import MOST_SECTIONS, Section
from homeostat.messages.words import clean
from homeostat.outgoing import Notice

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["mail_html"]

COLOURS = {
    AlertSeverity.LOW: "#57606a",
    AlertSeverity.MEDIUM: "#9a6700",
    AlertSeverity.HIGH: "#bc4c00",
    AlertSeverity.CRITICAL: "#cf222e",
}
OVER = "#1a7f37"


def mail_html(
    subject: str, told: Sequence[Section], *, given: str = "", text: Notice | None = None
) -> str:
    """The message as a page of HTML; a notice that brings its own page is that page."""
    if given:
        return given
    shown = [
        (one, OVER if one.change is Change.RESOLVED else COLOURS[one.severity])
        for one in told[:MOST_SECTIONS]
    ]
    return _template().render(
        subject=subject,
        shown=shown,
        more=max(0, len(told) - MOST_SECTIONS),
        text=clean(text.text, 20_000, lines=True) if text else "",
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("homeostat.messages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("mail.html")
