"""Models that are served elsewhere: their rows are kept, counted and judged here."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby

from pydantic import BaseModel, Field

from homeostat.engines.rows import RowCounter
from homeostat.errors import HomeostatError, NotFound, Unavailable
from homeostat.profile import Profile
from homeostat.reference import Reference
from homeostat.restrict import restricted
from homeostat.schema import Schema
from homeostat.serving.grouping import GroupedReports
from homeostat.serving.judging import Judged, Judgement, Judging, JudgingPolicy, Stream
from homeostat.serving.reported import Report, ReportRequests
from homeostat.store import OTHER, MinuteProfile, Receipt, ReportedRow, Store, minute_of

__all__ = [
    "OTHER_VERSIONS",
    "BaselineHealth",
    "ChampionBaseline",
    "Elsewhere",
    "Judgements",
    "Yardstick",
]

OTHER_VERSIONS = "other"  #: how versions are told that are not told apart

LOOK_EVERY_S = 1.0  #: how often one looks which baseline is to be compared with

#: Finds what rows are compared with, and their schema; None where there is nothing yet.
FindBaseline = Callable[[], tuple[Reference, Schema] | None]


class Judgements(BaseModel):
    """What became of the rows of a batch, and what each version looks like with them."""

    stored: int
    unchanged: int = Field(description="were stored already, under the same ids")
    versions: dict[str, Judgement] = Field(
        description=f"by version; `{OTHER_VERSIONS}` for those beyond the first hundred"
    )


class BaselineHealth(BaseModel):
    """Whether reported rows can be judged."""

    status: str = Field(description="healthy or unhealthy")
    baseline_data_loaded: bool
    timestamp: datetime
    message: str


@dataclass(frozen=True)
class Yardstick:
    """What rows are compared with."""

    reference: Reference
    schema: Schema

    @cached_property
    def profile(self) -> Profile:
        """The reference's features; a row that is reported need not have a score."""
        return restricted(self.reference.profile, set(self.schema.names))

    @cached_property
    def requests(self) -> ReportRequests:
        """What reads the rows."""
        return ReportRequests(self.schema)

    @property
    def stream(self) -> str:
        """The name that rows are counted under: no model's, and another for other bins."""
        return f"{self.reference.model}:reported:{self.reference.digest[:16]}"

    def count(self, rows: Sequence[tuple[ReportedRow, int]]) -> list[MinuteProfile]:
        """The profiles of rows, by the number of their version and the minute."""
        keyed = sorted(
            ((number, minute_of(one.received_at)), i) for i, (one, number) in enumerate(rows)
        )
        found = []
        for (number, minute), same in groupby(keyed, key=lambda one: one[0]):
            counter = RowCounter(self.profile.bins)
            for _, i in same:
                counter.add(rows[i][0].features)
            found.append(MinuteProfile(self.stream, number, minute, counter.profile.sparse()))
        return found


class ChampionBaseline:
    """Finds the reference of the version in service; read again only when that changes."""

    def __init__(self, store: Store, model: str) -> None:
        self._store, self._model = store, model
        self._found: tuple[int, tuple[Reference, Schema]] | None = None

    def __call__(self) -> tuple[Reference, Schema] | None:
        deployment = self._store.deployment(self._model)
        if deployment is None or deployment.champion is None:
            return None
        if self._found is None or self._found[0] != deployment.champion:
            version = self._store.version(self._model, deployment.champion)
            reference = self._store.reference(self._model, version.reference_digest)
            self._found = (version.number, (reference, version.schema))
        return self._found[1]


@dataclass(kw_only=True)
class Elsewhere:
    """Takes in reported rows and says what they look like; for one event loop."""

    store: Store
    model: str
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    policy: JudgingPolicy = field(default_factory=JudgingPolicy)
    find: FindBaseline | None = None  #: that of the version in service when None
    monotonic: Callable[[], float] = time.monotonic
    judged: Callable[[Judged], None] = lambda _: None  #: is told when it gets better or worse
    stored: Callable[[str, int], None] = lambda _, __: None  #: is told of versions and new rows

    def __post_init__(self) -> None:
        self.judging = Judging(
            self.store,
            clock=self.clock,
            policy=self.policy,
            changed=self._judged,
            monotonic=self.monotonic,
        )
        self.reports = GroupedReports(self._store)
        self.last_written_at: datetime | None = None
        self._yardstick: Yardstick | None = None
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self._find = self.find or ChampionBaseline(self.store, self.model)

    async def yardstick(self) -> Yardstick:
        """What rows are compared with.

        Raises
        ------
        Unavailable
            When there is nothing yet, or the store does not answer.
        """
        async with self._looking:
            if self.monotonic() - self._looked_at >= LOOK_EVERY_S:
                await self._look()
        if self._yardstick is None:
            message = (
                f"there is no baseline of {self.model!r} to compare with; freeze one with "
                "`homeostat reference freeze`, or promote a version"
            )
            raise Unavailable(message)
        return self._yardstick

    @property
    def baseline_loaded(self) -> bool:
        """Whether there was something to compare with when one last looked."""
        return self._yardstick is not None

    async def report(self, report: Report, yardstick: Yardstick) -> Judgement:
        """What the rows of its version look like with this one, which is stored by then.

        Raises
        ------
        Conflict
            When its id stands for another row.
        Unavailable
            When the row could not be stored.
        """
        receipt = await self._submit([report], yardstick)
        return await self._judgement(report.version, receipt, yardstick)

    async def report_all(self, reports: Sequence[Report], yardstick: Yardstick) -> Judgements:
        """What the rows look like by version; all are stored by then, or none.

        Raises
        ------
        Conflict, Unavailable
            As `report`.
        """
        receipt = await self._submit(reports, yardstick)
        versions = {}
        for name in dict.fromkeys(one.version for one in reports):
            told = self._name(name, receipt)
            if told not in versions:
                versions[told] = await self._judgement(name, receipt, yardstick)
        new = len(receipt.new)
        return Judgements(stored=new, unchanged=len(reports) - new, versions=versions)

    async def health(self) -> BaselineHealth:
        """Whether rows can be judged; not without a baseline, nor without the store."""
        message = "ready"
        try:
            await self.yardstick()
            await asyncio.to_thread(self.store.flag, "elsewhere:probe")
        except HomeostatError as error:
            message = str(error)
        return BaselineHealth(
            status="healthy" if message == "ready" else "unhealthy",
            baseline_data_loaded=self.baseline_loaded,
            timestamp=self.clock(),
            message=message,
        )

    def _judged(self, one: Judged) -> None:
        self.judged(one)  # whoever is told may be named later

    async def stop(self) -> None:
        """Return when all rows are stored and nothing is looked at any more."""
        await self.reports.stop()
        await self.judging.stop()

    async def _look(self) -> None:
        """Look for the baseline; one that is the same stays, with all that was made of it."""
        try:
            found = await asyncio.to_thread(self._find)
        except NotFound:
            found = None
        self._looked_at = self.monotonic()
        held = self._yardstick
        if found is None:
            self._yardstick = None
        elif held is None or (held.reference.digest, held.schema) != (found[0].digest, found[1]):
            self._yardstick = Yardstick(*found)

    async def _submit(self, reports: Sequence[Report], yardstick: Yardstick) -> Receipt:
        received_at = self.clock()
        rows = [
            ReportedRow(
                id=one.prediction_id or self.new_id(),
                model=self.model,
                version=one.version,
                received_at=received_at,
                event_time=one.event_time,
                features=one.features,
                probability=one.probability,
                body_digest=one.digest,
            )
            for one in reports
        ]
        receipt = await self.reports.submit(rows)
        self.last_written_at = self.clock()
        for row in {one.id: one for one in rows if one.id in receipt.new}.values():
            self.stored(self._name(row.version, receipt), 1)
        return receipt

    def _store(self, rows: Sequence[ReportedRow]) -> Receipt:
        yardstick = self._yardstick
        if yardstick is None:
            raise Unavailable("the baseline is gone; freeze one, or promote a version")
        names = set(yardstick.schema.names)
        if any(row.features.keys() != names for row in rows):
            raise Unavailable("the baseline changed while the row was read; send it again")
        return self.store.reports.add(rows, yardstick.count)

    def _name(self, version: str, receipt: Receipt) -> str:
        return OTHER_VERSIONS if receipt.numbers[version] == OTHER else version

    async def _judgement(self, version: str, receipt: Receipt, yardstick: Yardstick) -> Judgement:
        number = receipt.numbers[version]
        stream = Stream(yardstick.stream, number, self._name(version, receipt))
        return await self.judging.of(stream, yardstick.profile)
