"""Retention: what is old enough leaves the store, day by day, and nothing that is needed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from homeostat.archive import clean, write_day
from homeostat.errors import Conflict, Unavailable
from homeostat.keeping import Holding, KeepPolicy, Needs, held_by, removable
from homeostat.plan import Phase
from homeostat.schema import Schema
from homeostat.store import DayRows, Removal, Store

__all__ = ["Pruned", "Retention", "old_files"]

log = structlog.get_logger()

LEASE_S = 600.0  #: renewed with each day

#: Names of the files that looks and reports leave; others are nobody's to delete.
_STAMPED = re.compile(
    r"(monitoring|drift_summary|drift_report|performance_report|daily_report|weekly_report)"
    r"_(\d{8}_\d{6})\.(json|html|txt)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What left the store, or would have."""

    removals: tuple[Removal, ...] = ()
    held: tuple[Holding, ...] = ()  #: days of the log that are old enough and needed
    files: tuple[Path, ...] = ()  #: of reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Takes what is old out of the store of one model.

    A day leaves in one transaction with its audit row.  Of the log it leaves only after its
    file is whole, read back and synced, so that a process may be killed at any write: the
    store then has all of the day, or none and the file has it.
    """

    store: Store
    model: str
    schema: Schema
    folder: Path  #: of the partitions
    reports: tuple[Path, ...] = ()  #: folders of report files
    policy: KeepPolicy = field(default_factory=KeepPolicy)
    training: timedelta = timedelta(days=90)
    labels_due: timedelta = timedelta(days=90)
    lookback: timedelta = timedelta(days=1)
    by: str = "retention"  #: who, for the audit
    holder: str = "retention"  #: of the lease; another one in each process

    def prune(self, *, now: datetime, dry_run: bool = False) -> Pruned:
        """What left the store now; with `dry_run` what would, and nothing is changed.

        Raises
        ------
        Unavailable
            When another process is at it, or a file cannot be written or removed.
        """
        if dry_run:
            logged, held = self._logged_days(now)
            asked = [self._removal("predictions", one, now) for one in logged]
            asked += [one for kind in OTHERS for one in self._others(kind, now)]
            return Pruned(removals=tuple(asked), held=held, files=tuple(self._files(now)))
        self._lease(now)
        try:
            return self._prune(now)
        finally:
            self.store.release(self._name, self.holder)

    def _prune(self, now: datetime) -> Pruned:
        known = {one.place for one in self.store.history.removed(self.model) if one.place}
        for path in clean(self.folder, self.model, known):
            log.warning("a partition that was never finished is gone", path=str(path))
        days, held = self._logged_days(now)
        done: list[Removal] = []
        for one in days:
            self._lease(now)
            filed = self._file(one, now)
            if filed is not None:
                done.append(filed)
        for kind in OTHERS:
            for asked in self._others(kind, now):
                rows = self.store.history.remove_day(asked)
                done += [replace(asked, rows=rows)] if rows else []
        files = tuple(self._files(now))
        for path in files:
            _unlink(path)
        return Pruned(removals=tuple(done), held=held, files=files)

    @property
    def _name(self) -> str:
        return f"retention:{self.model}"

    def _lease(self, now: datetime) -> None:
        if self.store.lease(self._name, self.holder, now=now, ttl_s=LEASE_S) is None:
            message = f"another process prunes the history of {self.model!r}; wait until it is done"
            raise Unavailable(message)

    def _logged_days(self, now: datetime) -> tuple[list[DayRows], tuple[Holding, ...]]:
        """The days of the log that may leave, and those that are old enough and stay."""
        old = self._old("predictions", now)
        if not old:
            return [], ()
        needs, free, held = self._needs(), [], []
        for one in old:
            reason = held_by(one.day, needs, now=now)
            if reason is None:
                free.append(one)
            else:
                held.append(Holding(one.day, reason))
        return free, tuple(held)

    def _needs(self) -> Needs:
        store, model = self.store, self.model
        deployment = store.deployment(model)
        last = store.predictions_by_id(sorted(store.history.last_written()))
        return Needs(
            phase=deployment.phase if deployment else Phase.STEADY,
            training=self.training,
            labels_due=self.labels_due,
            lookback=self.lookback,
            trials=tuple(one.started_at for one in store.trials.running(model)),
            alerts=tuple(one.opened_at for one in store.alerts(model, open_only=True)),
            written=tuple(one.received_at for one in last.values() if one.model == model),
        )

    def _old(self, kind: str, now: datetime) -> list[DayRows]:
        """The days of a kind that are older than the policy asks for, with their rows."""
        if self.policy.days(kind) is None:
            return []
        days = self.store.history.days(self.model, kind, before=now)
        old = set(removable([one.day for one in days], kind, self.policy, now=now))
        return [one for one in days if one.day in old]

    def _file(self, one: DayRows, now: datetime) -> Removal | None:
        """The audit record of a day that is filed and gone; None when rows still came in."""
        rows = self.store.history.day(self.model, one.day)
        filed = write_day(self.folder, (self.model, one.day), rows, self.schema)
        removal = replace(
            self._removal("predictions", one, now),
            rows=filed.rows,
            labels=filed.labels,
            place=filed.place,
            sha256=filed.sha256,
        )
        try:
            self.store.history.remove_logged(removal)
        except Conflict as error:
            log.warning("a day stays until the next time", day=str(one.day), reason=str(error))
            return None
        return removal

    def _others(self, kind: str, now: datetime) -> list[Removal]:
        return [self._removal(kind, one, now) for one in self._old(kind, now)]

    def _removal(self, kind: str, one: DayRows, now: datetime) -> Removal:
        return Removal(
            model=self.model,
            kind=kind,
            day=one.day.isoformat(),
            removed_at=now,
            removed_by=self.by,
            rows=one.rows,
        )

    def _files(self, now: datetime) -> Iterator[Path]:
        days = self.policy.reports_days
        if days is not None:
            for folder in self.reports:
                yield from old_files(folder, now - timedelta(days=days))


#: Kinds that leave without a file.
OTHERS = ("verdicts", "alerts", "messages", "reports")


def old_files(folder: Path, before: datetime) -> Iterator[Path]:
    """The files of reports under a folder whose name tells a time before, by name.

    Examples
    --------
    >>> list(old_files(Path("no such folder"), datetime(2026, 1, 1, tzinfo=UTC)))
    []
    """
    for path in sorted(folder.rglob("*_*_*.*")):
        found = _STAMPED.fullmatch(path.name)
        if found and path.is_file() and _moment(found[2]) < before:
            yield path


def _moment(stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # 99 o'clock: no file of ours
        return datetime.max.replace(tzinfo=UTC)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"{path} could not be removed: {error.strerror}") from error
