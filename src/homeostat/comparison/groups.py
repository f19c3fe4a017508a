"""One comparison for each group of the current rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from homeostat.comparison.columns import TIMES, Columns
from homeostat.comparison.counting import bins_of, columns_of, settled
from homeostat.comparison.grouping import MOST_GROUPS, Grouping, counted_by, grouping
from homeostat.comparison.judging import at_level, judged
from homeostat.comparison.result import SCHEMA_VERSION, Comparison
from homeostat.comparison.sides import Side, opened
from homeostat.engines.frames import count_frame
from homeostat.engines.source import Source
from homeostat.errors import UserError
from homeostat.policy import DriftPolicy
from homeostat.profile import Profile
from homeostat.reports import strict
from homeostat.restrict import restricted
from homeostat.schema import Schema
from homeostat.verdict import Outcome, worst

if TYPE_CHECKING:
    from homeostat.reports.html.comparison import GroupRow

__all__ = ["GroupedComparison", "compare_by"]

SHOWN = 3  #: columns of a group that are told in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedComparison:
    """Whether the groups of the current data differ from the reference, each for itself."""

    by: str
    period: str | None  #: "hour", "day", "week", "month" or "year"; None for groups by value
    groups: Mapping[str, Comparison]  #: by time, or those with the most rows first
    against_all: tuple[str, ...]  #: groups that were compared with all of the reference
    beyond: Mapping[str, int]  #: groups that were not looked at, and their rows
    untold: Mapping[str, str]  #: columns that could be compared in no group, and why
    left_out: Mapping[str, str]  #: no features, and why
    policy: DriftPolicy  #: for all groups; each has its part of the level

    @property
    def outcome(self) -> Outcome:
        """FAIL when a group changed; PASS when all could be told and none did."""
        outcome = worst([one.outcome for one in self.groups.values()])
        lacking = outcome is Outcome.PASS and (self.beyond or self.untold)
        return Outcome.INCONCLUSIVE if lacking else outcome

    @property
    def changed(self) -> list[str]:
        """The groups that changed, in their order."""
        return [name for name, one in self.groups.items() if one.outcome is Outcome.FAIL]

    @property
    def reason(self) -> str:
        """How many groups changed, and how many could not be told."""
        unknown = {Outcome.INCONCLUSIVE, Outcome.ERROR}
        untold = sum(one.outcome in unknown for one in self.groups.values())
        what = f"{self.by} ({self.period})" if self.period else self.by
        parts = [f"{len(self.changed)} of {len(self.groups)} groups by {what} changed"]
        parts += [f"{untold} cannot be told"] if untold else []
        lost = ", ".join(f"{name} ({why})" for name, why in self.untold.items())
        parts += [f"of all groups cannot be told: {lost}"] if lost else []
        rows = sum(self.beyond.values())
        parts += [f"{len(self.beyond):,} more groups were left out"] if self.beyond else []
        return "; ".join(parts) + (f" ({rows:,} rows)" if rows else "")

    def to_dict(self) -> dict[str, Any]:
        """The report as strict JSON can hold it; each group as `Comparison.to_dict` gives it."""
        plain: dict[str, Any] = strict(
            {
                "schema_version": SCHEMA_VERSION,
                "outcome": self.outcome.value,
                "reason": self.reason,
                "by": self.by,
                "period": self.period,
                "alpha": self.policy.alpha,
                "changed": self.changed,
                "against_all": self.against_all,
                "beyond": self.beyond,
                "untold": self.untold,
                "left_out": self.left_out,
                "groups": {name: one.to_dict() for name, one in self.groups.items()},
            }
        )
        return plain

    def to_html(self, *, title: str = "Reference and current data") -> str:
        """The report as one HTML page that needs nothing else to be read."""
        from homeostat.reports.html.comparison import GroupsPage, groups_html

        page = GroupsPage(
            title=title,
            by=self.by,
            outcome=self.outcome,
            reason=self.reason,
            alpha=self.policy.alpha,
            rows=tuple(_row(name, one) for name, one in self.groups.items()),
            untold=self.untold,
            left_out=self.left_out,
        )
        return groups_html(page)


def compare_by(
    reference: Any,
    current: Any,
    by: str,
    schema: Schema | None = None,
    policy: DriftPolicy | None = None,
) -> GroupedComparison:
    """`compare`, for each group of the current rows.

    Groups are the values of the column `by`, at most the 50 with the most rows, each compared
    with the rows of the reference that have that value, if there are any, else with all of
    it.  A column of times gives periods, of the length that makes at most 40 of them, each
    compared with all of the reference.  The level is split evenly over the groups.  All are
    counted in the bins of the whole reference; the rows are read twice.

    Returns
    -------
    GroupedComparison
        FAIL when a group changed, PASS when every group could be told and none did.

    Raises
    ------
    UserError
        As `compare`, and when there is no such column or it holds neither times nor values
        that rows share.
    """
    policy = DriftPolicy.once() if policy is None else policy
    before, now = opened(reference), opened(current)
    if isinstance(now, Profile):
        raise UserError("groups need the rows of the current data; a profile holds counts alone")
    division = grouping(now, by)
    columns = columns_of(before, now, schema).without({by: "divides the rows into groups"})
    bins, columns = bins_of(before, columns)
    kept = sorted(division.rows, key=division.rows.__getitem__, reverse=True)[:MOST_GROUPS]
    names = [one for one in division.rows if one in kept]
    if isinstance(before, Profile):
        whole = restricted(before, bins.index, bins)
    else:
        whole = count_frame(before, bins)
    own = _own_references(before, whole, division, names)
    found = counted_by(now, bins, division, names)
    level = at_level(policy, policy.alpha / max(len(names), 1))
    told = Columns(features=columns.features)
    return GroupedComparison(
        by=by,
        period=division.period,
        groups={
            one: judged(settled(own.get(one, whole), found[one], told), level) for one in names
        },
        against_all=tuple(one for one in names if one not in own),
        beyond={one: n for one, n in division.rows.items() if one not in kept},
        untold=columns.untold,
        left_out=columns.left_out,
        policy=policy,
    )


def _own_references(
    reference: Side, whole: Profile, division: Grouping, names: Sequence[str]
) -> dict[str, Profile]:
    """The rows of the reference that have the value of a group."""
    if division.period is not None or not isinstance(reference, Source):
        return {}
    found = reference.kinds.get(division.column)
    if found is None or (found.kind is None and not found.empty) or found.reason in TIMES:
        return {}
    profiles = counted_by(reference, whole.bins, division, names)
    return {name: one for name, one in profiles.items() if one.n}


def _row(name: str, one: Comparison) -> "GroupRow":
    from homeostat.reports.html.comparison import GroupRow
    from homeostat.reports.html.sentences import could_see, seen

    told = []
    for column in one.changed[:SHOWN]:
        sides = (one.reference.feature(column), one.current.feature(column))
        told += [(column, text) for text, _ in seen(one.features[column].finding, *sides)[:1]]
    sight = could_see(feature.finding for feature in one.features.values())
    reasons = {
        Outcome.FAIL: "",
        Outcome.PASS: f"Would have been seen in every column: {sight}.",
    }
    return GroupRow(
        name=name,
        rows=one.current.n,
        outcome=one.outcome,
        severity=one.severity.value,
        sentences=tuple(told),
        others=tuple(one.changed[SHOWN:]),
        reason=reasons.get(one.outcome, one.reason),
    )
