"""The report of a period as HTML that mail programs show.

They drop scripts, style sheets and SVG, and many do not load pictures.  So every style
stands at its element, and the plots are cells of tables with a background: they are there
with pictures switched off, and nothing is attached.
"""

from homeostat.account.performance import interval, title_of
from homeostat.account.period import PeriodReport, period_subject, what_to_do
from homeostat.reports.html.page import environment

__all__ = ["period_html"]


def period_html(report: PeriodReport) -> str:
    """The report as text; names and values are escaped wherever they stand."""
    return (
        environment()
        .get_template("period_report.html")
        .render(
            report=report,
            subject=period_subject(report),
            steps=what_to_do(report),
            looks=_bars(dict(report.looks)),
            drifted=_bars(dict(list(report.drifted.items())[:8])),
            interval=interval,
            title_of=title_of,
        )
    )


def _bars(numbers: dict[str, int]) -> list[tuple[str, int, int]]:
    """Each name with its number and the length of its bar, 1 to 100."""
    most = max(numbers.values(), default=0) or 1
    return [(name, n, max(1, round(100 * n / most))) for name, n in numbers.items()]
