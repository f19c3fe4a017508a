"""The drift report as one HTML file that needs nothing else to be read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from homeostat.bins import PREDICTION, PROBABILITY, same_bins
from homeostat.metrics.proxy import overall_stats
from homeostat.profile import FeatureProfile, Profile
from homeostat.reports import Finding, State, excess, findings, utc
from homeostat.reports.html import words
from homeostat.reports.html.page import environment, plot
from homeostat.verdict import Outcome, Verdict

__all__ = ["Entry", "ReportContext", "drift_report_html"]

HEADLINES: Mapping[Outcome, str] = {
    Outcome.PASS: "No drift of the size asked for was seen",
    Outcome.FAIL: "The data drifted",
    Outcome.INCONCLUSIVE: "It cannot be told yet whether the data drifted",
    Outcome.ERROR: "Drift could not be looked at",
}
TITLES: Mapping[str, str] = {
    PROBABILITY: "Score (probability)",
    PREDICTION: "Answer (prediction)",
}
#: Metric of `overall_stats` to what it is called, and how it is written.
PROXIES = (
    ("num_predictions", "Rows", "{:,}".format),
    ("positive_rate", "Answered positive", words.share),
    ("probability_mean", "Mean score", words.number),
    ("probability_std", "Standard deviation of the scores", words.number),
    ("probability_q25", "Lower quartile of the scores", words.number),
    ("probability_median", "Median score", words.number),
    ("probability_q75", "Upper quartile of the scores", words.number),
    ("entropy", "Entropy of the scores, in nats (at most 2.3)", words.number),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportContext:
    """What a report says besides what was measured."""

    model: str
    version: int
    at: datetime  #: time of the run
    next_step: str  #: what the reader should do now


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One feature as the report shows it."""

    name: str
    title: str
    anchor: str
    finding: Finding
    reference: FeatureProfile | None = None  #: None when it is no column of the rows
    current: FeatureProfile | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Changed ones first, then those not known, and in each the largest effect first."""
        main = self.finding.main
        return list(State).index(self.finding.state), -excess(main) if main else 0.0


def drift_report_html(
    verdict: Verdict, reference: Profile, current: Profile, *, context: ReportContext
) -> str:
    """The report as text, under 300 KB for twenty features.

    It has no script, loads nothing, fits a phone and follows the reader's light or dark
    colours.  Names and values are escaped wherever they stand.

    Raises
    ------
    StateError
        When the two profiles were not counted in the same bins.
    """
    same_bins(reference.bins, current.bins)
    found = findings(verdict, reference.bins)
    entries = [_entry(f"f{i}", one, reference, current) for i, one in enumerate(found.features)]
    answers = [_entry(f"a{i}", one, reference, current) for i, one in enumerate(found.others)]
    entries.sort(key=lambda one: one.rank)
    states = Counter(one.state.value for one in found.features)
    return (
        environment()
        .get_template("drift_report.html")
        .render(
            plot=_plot,
            context=context,
            at=utc(context.at),
            window=[utc(end) for end in verdict.window] if verdict.window else None,
            verdict=verdict,
            headline=HEADLINES[verdict.outcome],
            counts=[(state.value, states[state.value]) for state in State if states[state.value]],
            features=len(found.features),
            entries=entries,
            answers=answers,
            reference=reference,
            current=current,
            proxies=_proxies(reference, current),
            statistics=_statistics(entries + answers),
        )
    )


def _entry(anchor: str, finding: Finding, reference: Profile, current: Profile) -> Entry:
    name = finding.subject
    known = name in reference.bins.index
    return Entry(
        name=name,
        title=TITLES.get(name, name),
        anchor=anchor,
        finding=finding,
        reference=reference.feature(name) if known else None,
        current=current.feature(name) if known else None,
    )


def _plot(entry: Entry) -> str:
    """The plot of a feature; nothing for what is no column."""
    if entry.reference is None or entry.current is None:
        return ""
    return plot(entry.title, entry.reference, entry.current)


def _proxies(reference: Profile, current: Profile) -> list[tuple[str, str, str]]:
    if PROBABILITY not in reference.bins.index or PREDICTION not in reference.bins.index:
        return []
    before, now = overall_stats(reference), overall_stats(current)
    return [(title, write(before[key]), write(now[key])) for key, title, write in PROXIES]


def _statistics(entries: list[Entry]) -> list[tuple[str, Any]]:
    used = sorted({one.finding.main.statistic for one in entries if one.finding.main})
    return [(name, words.MEANINGS[name]) for name in used if name in words.MEANINGS]
