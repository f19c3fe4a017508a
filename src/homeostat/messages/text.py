"""Plain text: for terminals, for mails without HTML, and for channels that know nothing else."""

import textwrap
from collections.abc import Iterator, Sequence

from homeostat.messages.sections import MOST_SECTIONS, Section
from homeostat.messages.words import count

__all__ = ["plain_text"]

WIDTH = 100


def plain_text(subject: str, told: Sequence[Section]) -> str:
    """The message as lines of text."""
    lines = [] if len(told) == 1 else [subject, ""]
    for one in told[:MOST_SECTIONS]:
        lines += [*_lines(one), ""]
    if len(told) > MOST_SECTIONS:
        lines.append(f"and {count(len(told) - MOST_SECTIONS, 'more alert')}: homeostat alert list")
    return "\n".join(lines).rstrip() + "\n"


def _lines(one: Section) -> Iterator[str]:
    yield one.headline
    yield one.title
    wide = max((len(label) for label, _ in one.pairs), default=0)
    for label, said in one.pairs:
        first = f"  {label:<{wide}}  "
        yield textwrap.fill(
            said,
            WIDTH,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_long_words=False,
            break_on_hyphens=False,
        )
    yield from (f"  - {fact}" for fact in one.facts)
    if one.link:
        yield f"  Runbook: {one.link}"
    if one.footer:
        yield f"  {one.footer}"
