"""The drift report of a past time, made again from what the store keeps of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from homeostat.errors import NotFound
from homeostat.policy import DriftPolicy, judge_drift
from homeostat.profile import Profile
from homeostat.reports.drift import drift_summary
from homeostat.reports.files import stamped, write_json, write_text
from homeostat.reports.html import ReportContext, drift_report_html
from homeostat.store import Kind, Span, Store
from homeostat.verdict import Verdict

__all__ = ["Past", "champion_at"]

TICK = timedelta(microseconds=1)


def champion_at(store: Store, model: str, at: datetime) -> int | None:
    """The version that was in service, by the decisions up to then; None when none was."""
    span = Span(until=at + TICK, as_of=at, limit=1)
    newest = store.history.entries(Kind.DECISIONS, model, span).entries
    found: int | None = newest[0].body["version_after"] if newest else None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Looks at what was seen of one model."""

    store: Store
    model: str
    policy: DriftPolicy
    folder: Path  #: where the reports go

    def drift_report(self, *, as_of: datetime) -> tuple[Path, Path]:
        """Summary and page of the last look up to `as_of`, as JSON and HTML files.

        They are made from the verdict, the profiles of its window and the reference of the
        version that was in service, of which nothing changes later: made again, they are the
        same to the byte.  Of a quiet look the store keeps the verdict and not each number;
        those are measured again on its window.

        Raises
        ------
        NotFound
            When nothing was looked at by then, or nothing was in service.
        """
        found = self.store.history.entries(
            Kind.DRIFT, self.model, Span(until=as_of + TICK, as_of=as_of, limit=1)
        ).entries
        number = champion_at(self.store, self.model, as_of)
        if not found or number is None:
            message = f"no look at the drift of {self.model!r} is known up to {as_of.isoformat()}"
            raise NotFound(message)
        at, verdict = found[0].at, Verdict.from_dict(dict(found[0].body))
        version = self.store.version(self.model, number)
        reference = self.store.reference(self.model, version.reference_digest)
        since, until = verdict.window or (at, at)
        window = self.store.window_profile(self.model, number, reference.bins, since, until)
        told = self._measured(verdict, reference.profile, window)
        context = ReportContext(
            model=self.model,
            version=number,
            at=at,
            next_step="This is the report of a past time, made again. What was done stands in "
            f"`homeostat history decisions --since {at:%Y-%m-%dT%H:%MZ}`.",
        )
        name = stamped(at)
        return (
            write_json(
                self.folder / f"drift_summary_{name}.json", drift_summary(told, reference, at=at)
            ),
            write_text(
                self.folder / f"drift_report_{name}.html",
                drift_report_html(told, reference.profile, window, context=context),
            ),
        )

    def _measured(self, verdict: Verdict, reference: Profile, window: Profile) -> Verdict:
        """The verdict with its measurements, or with those that its window gives again."""
        if verdict.measurements or not window.n:
            return verdict
        again = judge_drift(reference, window, self.policy)
        return replace(verdict, measurements=again.measurements)
