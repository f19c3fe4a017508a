"""A comparison as one HTML page that needs nothing else to be read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from homeostat.profile import FeatureProfile, Profile
from homeostat.reports import Finding, State, excess
from homeostat.reports.html import words
from homeostat.reports.html.page import environment, plot
from homeostat.reports.html.sentences import advice, amount, could_see, nearest, seen
from homeostat.verdict import Measurement, Outcome

__all__ = ["Card", "ComparisonPage", "GroupRow", "GroupsPage", "comparison_html", "groups_html"]

HEADLINES: Mapping[Outcome, str] = {
    Outcome.PASS: "No change of the size asked for was seen",
    Outcome.FAIL: "The data changed",
    Outcome.INCONCLUSIVE: "It cannot be told whether the data changed",
    Outcome.ERROR: "A statistic gave no number",
}
NEXT: Mapping[Outcome, str] = {
    Outcome.PASS: "Nothing, if a change smaller than what could have been seen does no harm.",
    Outcome.FAIL: (
        "Begin with the first column below: find out at its source whether the change is a "
        "fault or the world.  A fault is mended there; if the world changed, measure the model "
        "on new labels."
    ),
    Outcome.INCONCLUSIVE: (
        "Mend what the columns below name, or bring more rows.  What was told of the other "
        "columns holds."
    ),
    Outcome.ERROR: "Report this with the two files: a statistic gave no number.",
}
#: Cards beyond this are left without a plot, so that the page stays small.
PLOTS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPage:
    """What a page says besides what was counted."""

    title: str
    outcome: Outcome
    reason: str
    features: tuple[Finding, ...]
    together: Finding | None
    given_away_by: Mapping[str, float]
    severities: Mapping[str, str]
    left_out: Mapping[str, str]
    rows: tuple[int, int] | None  #: of both sides; None when no column was counted
    alpha: float
    min_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One column as the page shows it."""

    anchor: str
    finding: Finding
    severity: str
    sentences: tuple[tuple[str, str], ...] = ()  #: what was seen, and from how much on it counts
    nearest: str = ""  #: what came nearest to a change
    could_see: str = ""
    advice: str = ""
    picture: Markup = field(default_factory=Markup)
    reference: FeatureProfile | None = None  #: None when it could not be counted
    current: FeatureProfile | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Changed ones first, then those not known, and in each the largest effect first."""
        main = self.finding.main
        return list(State).index(self.finding.state), -excess(main) if main else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """One group as the page shows it."""

    name: str
    rows: int
    outcome: Outcome
    severity: str
    sentences: tuple[tuple[str, str], ...]  #: columns that changed, and how; the most first
    others: tuple[str, ...] = ()  #: more columns that changed
    reason: str = ""  #: why nothing can be told, or what would have been seen


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupsPage:
    """What a page on groups says."""

    title: str
    by: str
    outcome: Outcome
    reason: str
    alpha: float
    rows: tuple[GroupRow, ...]
    untold: Mapping[str, str]
    left_out: Mapping[str, str]


def comparison_html(page: ComparisonPage, reference: Profile, current: Profile) -> str:
    """The report as text: plain words first, a card for each column, what changed most on top.

    It has no script, loads nothing, fits a phone and follows the reader's light or dark
    colours.  Names and values are escaped wherever they stand.
    """
    cards = [_card(f"f{i}", one, page, reference, current) for i, one in enumerate(page.features)]
    cards.sort(key=lambda one: one.rank)
    states = Counter(one.finding.state.value for one in cards)
    used = {test.statistic for one in page.features for test in one.tests}
    used |= {test.statistic for test in page.together.tests} if page.together else set()
    return (
        environment()
        .get_template("comparison.html")
        .render(
            page=page,
            headline=HEADLINES[page.outcome],
            next_step=NEXT[page.outcome],
            sight=could_see(page.features),
            counts=[(one.value, states[one.value]) for one in State if states[one.value]],
            cards=cards,
            together=_together(page),
            reference=reference,
            current=current,
            meanings=[(name, words.MEANINGS[name]) for name in sorted(used & set(words.MEANINGS))],
            amount=amount,
        )
    )


def groups_html(page: GroupsPage) -> str:
    """The report on groups as text: one line for each, with what changed in it."""
    template = environment().get_template("groups.html")
    return template.render(page=page, headline=HEADLINES[page.outcome])


def _card(
    anchor: str, finding: Finding, page: ComparisonPage, reference: Profile, current: Profile
) -> Card:
    name = finding.subject
    severity = page.severities.get(name, "none")
    if name not in reference.bins.index:
        return Card(
            anchor=anchor,
            finding=finding,
            severity=severity,
            advice=_for_untold(finding),
        )
    before, now = reference.feature(name), current.feature(name)
    drawn = int(anchor[1:]) < PLOTS and bool(before.n + now.n)
    return Card(
        anchor=anchor,
        finding=finding,
        severity=severity,
        sentences=tuple(seen(finding, before, now)),
        nearest=nearest(finding),
        could_see=could_see([finding]),
        advice=advice(finding, before, now),
        picture=plot(name, before, now) if drawn else Markup(),
        reference=before,
        current=now,
    )


def _for_untold(finding: Finding) -> str:
    if "not in" in finding.reason:
        return "Bring the column back, or leave it out on both sides."
    return "Make the column the same type on both sides, or leave it out."


def _together(page: ComparisonPage) -> list[tuple[str, Measurement]]:
    """The questions about all columns at once, each with a sentence."""
    if page.together is None:
        return []
    return [(_joint_sentence(one), one) for one in page.together.tests]


def _joint_sentence(one: Measurement) -> str:
    if one.statistic == "domain_classifier":
        return (
            f"A classifier tells current rows from rows of the reference with an AUC of "
            f"{one.value:.3f}, where guessing has 0.5."
        )
    return f"The middle of all columns at once moved by {amount(one.statistic, one.effect)}."
