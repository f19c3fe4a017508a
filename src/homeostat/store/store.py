"""Store: everything that is true, in one database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from homeostat.alert import Alert
from homeostat.bins import Bins
from homeostat.decision import Decision
from homeostat.errors import Conflict
from homeostat.plan import Deployment
from homeostat.prediction import Label, LabelledPrediction, Prediction
from homeostat.profile import Profile
from homeostat.reference import Reference
from homeostat.store import (
    alerts,
    compaction,
    decisions,
    deployments,
    labels,
    leases,
    predictions,
    profiles,
    references,
    traffic,
    verdicts,
    versions,
)
from homeostat.store.chronicle import Chronicle
from homeostat.store.engine import Database
from homeostat.store.estimates import Estimates
from homeostat.store.heart import Heart
from homeostat.store.keyholders import Keys
from homeostat.store.labels import KnownLabels, LabelReceipt, ScoredLabels
from homeostat.store.outboxes import AlertBook, Outbox
from homeostat.store.performances import Performances
from homeostat.store.predictions import Count
from homeostat.store.reports import Reports
from homeostat.store.traffic import MinuteTraffic
from homeostat.store.trials import Trials
from homeostat.traffic import Traffic
from homeostat.verdict import Verdict
from homeostat.version import Version

__all__ = ["Store"]


class Store:
    """The only way to the database.  Each method is one transaction, from any thread.

    What a method that writes has returned is on the disk.  Any method raises Unavailable
    when the database is locked, read-only, full or does not answer; whether a write took
    place is then unknown, and the same call may be made again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def connect(self) -> None:
        """Open what a process keeps open that reads from many threads; the rest is unchanged."""
        self._database.connect()

    def close(self) -> None:
        """Close all connections; the store is not to be used any more."""
        self._database.close()

    # The log: predictions and labels.

    def add_predictions(
        self,
        predictions_: Sequence[Prediction],
        count: Count | None = None,
        *,
        durable: bool = True,
    ) -> list[Prediction | Conflict]:
        """The stored answer for each prediction, in order, with the new ones stored now.

        An id that is stored with the same body gives what is stored; with another body, or
        for another model, a Conflict in its place.  What `count` makes of the new ones is
        stored with them.  If not `durable` a loss of power may take them back, until the
        next write that is.
        """
        with self._database.write(durable=durable) as connection:
            return predictions.add_predictions(connection, predictions_, count)

    def predictions_by_id(self, keys: Sequence[str]) -> dict[str, Prediction]:
        """Those of `keys` that are stored, by their id."""
        with self._database.read() as connection:
            return predictions.predictions_by_id(connection, keys)

    def prediction(self, key: str) -> Prediction | None:
        """The prediction with this id, if there is one."""
        with self._database.read() as connection:
            return predictions.prediction(connection, key)

    def predictions(
        self, model: str, *, since: datetime, until: datetime, version: int | None = None
    ) -> list[Prediction]:
        """Those received in [since, until), by time and id."""
        with self._database.read() as connection:
            return predictions.predictions(connection, model, since, until, version)

    def recent_predictions(self, model: str, limit: int) -> list[Prediction]:
        """The newest `limit` predictions, newest first."""
        with self._database.read() as connection:
            return predictions.recent_predictions(connection, model, limit)

    def count_predictions(self, model: str) -> int:
        """How many predictions of the model there are."""
        with self._database.read() as connection:
            return predictions.count_predictions(connection, model)

    def iterate_predictions(self, model: str, batch: int = 10_000) -> Iterator[list[Prediction]]:
        """All predictions of the model by time and id, in batches.

        What is received during the walk is met by it unless it bears an earlier time.
        """
        return predictions.iterate_predictions(self._database, model, batch)

    def add_labels(
        self, labels_: Sequence[Label], *, park: bool = False, model: str | None = None
    ) -> LabelReceipt:
        """What became of the labels; all are stored or none.

        A value that already stood when the label was received changes nothing; another one
        is a further revision, and the history is kept.

        Raises
        ------
        UserError
            When predictions are unknown, naming all of them; with `park` their labels are
            kept until they come.  When they are of another model than `model`, if that is
            given.
        """
        with self._database.write() as connection:
            return labels.add_labels(connection, labels_, park=park, model=model)

    def labelled(  # all but the model go by name
        self,
        model: str,
        *,
        since: datetime,
        until: datetime,
        as_of: datetime | None = None,
        version: int | None = None,
    ) -> list[LabelledPrediction]:
        """Predictions received in [since, until) that have a label, with the newest one.

        The newest is the one received last, up to and including `as_of`; of several
        received at the same time the one that was stored last.
        """
        with self._database.read() as connection:
            return labels.labelled(connection, model, (since, until), as_of, version)

    def scored_labels(
        self,
        model: str,
        *,
        since: datetime,
        until: datetime,
        known: KnownLabels,
        version: int | None = None,
    ) -> ScoredLabels:
        """What `labelled` gives, without the rows: many times faster where scores suffice."""
        with self._database.read() as connection:
            return labels.scored_labels(connection, model, (since, until), known, version)

    def newest_label_at(self, *, as_of: datetime | None = None) -> datetime | None:
        """When the last label was received, up to `as_of`; None when there is none."""
        with self._database.read() as connection:
            return labels.newest_label_at(connection, as_of)

    def iterate_labelled(self, model: str) -> Iterator[list[LabelledPrediction]]:
        """All predictions of the model that have a label, with the newest, in batches."""
        for batch in self.iterate_predictions(model):
            with self._database.read() as connection:
                yield labels.newest_labels(connection, batch)

    def label_coverage(
        self, model: str, *, since: datetime, until: datetime, as_of: datetime | None = None
    ) -> tuple[int, int]:
        """How many predictions received in [since, until) have a label, and how many are."""
        with self._database.read() as connection:
            return labels.label_coverage(connection, model, (since, until), as_of)

    # Profiles and references.

    def compact_profiles(self, model: str, until: datetime) -> int:
        """How many parts of minutes that ended by `until` were merged.

        Changes what a window costs, never what it says.
        """
        return compaction.compact_profiles(self._database, model, until)

    def window_profile(
        self, model: str, version: int, bins: Bins, since: datetime, until: datetime
    ) -> Profile:
        """The sum over the minutes in [since, until), both floored to whole minutes."""
        with self._database.read() as connection:
            return profiles.window_profile(connection, (model, version), bins, since, until)

    def add_traffic(self, minutes: Sequence[MinuteTraffic]) -> None:
        """Write down what became of requests; a minute takes the place of what it was before."""
        with self._database.write() as connection:
            traffic.add_traffic(connection, minutes)

    def traffic(
        self, model: str, *, since: datetime | None = None, until: datetime
    ) -> dict[int, Traffic]:
        """What became of the requests in [since, until), by version; of all without `since`."""
        with self._database.read() as connection:
            return traffic.traffic_by_version(connection, model, since, until)

    def compact_traffic(self, model: str, until: datetime) -> int:
        """How many rows of hours that ended by `until` were joined."""
        with self._database.write() as connection:
            return traffic.compact_traffic(connection, model, until)

    # Rows of models that are served elsewhere.

    @property
    def reports(self) -> Reports:
        """Rows of models that are served elsewhere."""
        return Reports(self._database)

    def add_reference(self, reference: Reference) -> None:
        """Store a reference; one with its digest that is there already stays as it is."""
        with self._database.write() as connection:
            references.add_reference(connection, reference)

    def reference(self, model: str, digest: str) -> Reference:
        """The reference with this digest, verified; NotFound when there is none."""
        with self._database.read() as connection:
            return references.reference(connection, model, digest)

    # Versions and what is in service.

    def add_version(self, version: Version) -> None:
        """Register a version; Conflict when its number is taken."""
        with self._database.write() as connection:
            versions.add_version(connection, version)

    def version(self, model: str, number: int) -> Version:
        """The version with this number; NotFound when there is none."""
        with self._database.read() as connection:
            return versions.version(connection, model, number)

    def versions(self, model: str) -> list[Version]:
        """All versions of the model, by number."""
        with self._database.read() as connection:
            return versions.versions(connection, model)

    def next_version_number(self, model: str) -> int:
        """The number after the highest registered one; 1 for a new model."""
        with self._database.read() as connection:
            return versions.next_version_number(connection, model)

    def deployment(self, model: str) -> Deployment | None:
        """Where the model stands; None before its first deployment."""
        with self._database.read() as connection:
            return deployments.deployment(connection, model)

    def transition(self, new: Deployment, decision: Decision | None) -> bool:
        """Whether `new` took its place, together with the decision behind it.

        It does when its token is one higher than that of what stands, or 0 when nothing
        does; else another actor was first, and nothing is written.
        """
        with self._database.write() as connection:
            return deployments.transition(connection, new, decision)

    @property
    def trials(self) -> Trials:
        """Versions that are tried beside the champion."""
        return Trials(self._database)

    @property
    def performance(self) -> Performances:
        """How good the answers were."""
        return Performances(self._database)

    @property
    def estimates(self) -> Estimates:
        """What was expected of windows before their labels came."""
        return Estimates(self._database)

    # Decisions, verdicts, alerts.

    def add_decision(self, decision: Decision) -> None:
        """Write a decision down; Conflict when its id is taken."""
        with self._database.write() as connection:
            decisions.add_decision(connection, decision)

    def decision(self, key: str) -> Decision:
        """The decision with this id; NotFound when there is none."""
        with self._database.read() as connection:
            return decisions.decision(connection, key)

    def decisions(self, model: str, *, limit: int = 100) -> list[Decision]:
        """The newest decisions about the model, newest first."""
        with self._database.read() as connection:
            return decisions.decisions(connection, model, limit)

    def add_verdict(self, model: str, verdict: Verdict, at: datetime) -> None:
        """Write down what a question was answered at that time."""
        with self._database.write() as connection:
            verdicts.add_verdict(connection, model, verdict, at)

    def verdicts(
        self, model: str, question: str, *, limit: int, until: datetime | None = None
    ) -> list[tuple[datetime, Verdict]]:
        """The newest answers before `until` with their times, newest first."""
        with self._database.read() as connection:
            return verdicts.verdicts(connection, model, question, limit, until)

    def open_alert(self, model: str, key: str) -> Alert | None:
        """The alert that is open for the key, if any."""
        with self._database.read() as connection:
            return alerts.open_alert(connection, model, key)

    def save_alert(self, alert: Alert) -> None:
        """Store an alert or its newest state; Conflict when another is open for its key."""
        with self._database.write() as connection:
            alerts.save_alert(connection, alert)

    def alerts(self, model: str, *, open_only: bool) -> list[Alert]:
        """All alerts of the model, or those still open, newest first."""
        with self._database.read() as connection:
            return alerts.alerts(connection, model, open_only=open_only)

    @property
    def history(self) -> Chronicle:
        """What was, and what left the store."""
        return Chronicle(self._database)

    @property
    def alerting(self) -> AlertBook:
        """Changes of alerts, who wants silence, and what people did."""
        return AlertBook(self._database)

    @property
    def outbox(self) -> Outbox:
        """What is to be told, and what was."""
        return Outbox(self._database)

    # Leases and switches.

    def lease(self, name: str, holder: str, *, now: datetime, ttl_s: float) -> int | None:
        """The fencing token of the lease, taken or renewed; None while another holds it.

        The token stays while the holder renews and rises with each change of hands.
        """
        with self._database.write() as connection:
            return leases.lease(connection, name, holder, now, ttl_s)

    def release(self, name: str, holder: str) -> None:
        """Give the lease back; without effect for anyone but its holder."""
        with self._database.write() as connection:
            leases.release(connection, name, holder)

    def flag(self, name: str) -> str | None:
        """The value of a small durable switch; None when it is not set."""
        with self._database.read() as connection:
            return leases.flag(connection, name)

    def set_flag(self, name: str, value: str | None) -> None:
        """Set the switch, or take it away with None."""
        with self._database.write() as connection:
            leases.set_flag(connection, name, value)

    @property
    def heart(self) -> Heart:
        """When each loop last did its work."""
        return Heart(self._database)

    # Keys of the service.

    @property
    def keys(self) -> Keys:
        """Who may ask the service."""
        return Keys(self._database)
