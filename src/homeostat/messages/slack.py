"""Slack: blocks, in which nothing that was given is taken for markup."""

from collections.abc import Sequence
from typing import Any

from homeostat.alert import AlertSeverity, Change
from homeostat.messages.sections import MOST_SECTIONS, Section
from homeostat.messages.words import clean, count
from homeostat.outgoing import Notice

__all__ = ["escaped", "slack_blocks", "slack_text"]

MOST_TEXT = 2_900  #: characters in one block; Slack takes 3,000

SIGNS = {
    AlertSeverity.LOW: "ℹ️",  # noqa: RUF001  # the sign, not a letter
    AlertSeverity.MEDIUM: "⚠️",
    AlertSeverity.HIGH: "🚨",
    AlertSeverity.CRITICAL: "🔴",
}
OVER = "✅"


def escaped(text: str) -> str:
    """The text as Slack shows it: no mention and no link.

    Examples
    --------
    >>> escaped("<!channel> & <https://x.example|y>")
    '&lt;!channel&gt; &amp; &lt;https://x.example|y&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_text(subject: str) -> str:
    """What is shown where there is no room for blocks."""
    return escaped(subject)


def slack_blocks(
    subject: str, told: Sequence[Section], notice: Notice | None = None
) -> list[dict[str, Any]]:
    """The message as blocks of Slack's Block Kit."""
    if notice is not None:
        text = escaped(clean(notice.text, MOST_TEXT, lines=True))[:MOST_TEXT]
        return [_header(subject), _section(text)]
    blocks = [_header(subject)] if len(told) != 1 else []
    for one in told[:MOST_SECTIONS]:
        blocks += _blocks(one)
    if len(told) > MOST_SECTIONS:
        more = count(len(told) - MOST_SECTIONS, "more alert")
        blocks.append(_context(f"and {more}: homeostat alert list"))
    return blocks


def _blocks(one: Section) -> list[dict[str, Any]]:
    sign = OVER if one.change is Change.RESOLVED else SIGNS[one.severity]
    lines = [f"*{label}*: {escaped(said)}" for label, said in one.pairs]
    lines += [f"• {escaped(fact)}" for fact in one.facts]
    blocks = [
        _section(f"{sign} *{escaped(one.headline)}*\n{escaped(one.title)}"),
        _section(_within(lines)),
    ]
    if one.link:
        blocks.append(_section(f"<{_link(one.link)}|Runbook>"))
    return [*blocks, _context(escaped(one.footer))] if one.footer else blocks


def _link(address: str) -> str:
    """An address that was found to be one, as Slack takes it."""
    return address.replace("&", "&amp;")


def _within(lines: Sequence[str]) -> str:
    """As many of the lines as there is room for."""
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > MOST_TEXT:
            kept.append("…")
            break
        kept.append(line)
    return "\n".join(kept) or "–"


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": escaped(text)[:150]}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> dict[str, Any]:
    element = {"type": "mrkdwn", "text": text, "verbatim": True}
    return {"type": "context", "elements": [element]}
