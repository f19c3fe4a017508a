"""The version in service: loaded and verified beside the old one, then put in its place."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from homeostat.challenger import Challenger, Mode, refuse_other_rows
from homeostat.errors import HomeostatError, NotFound, StateError, Unavailable
from homeostat.plan import Deployment
from homeostat.registry import Scorer
from homeostat.schema import Row
from homeostat.serving.counting import Counting
from homeostat.serving.example import example_row
from homeostat.serving.request import Requests
from homeostat.store import Store
from homeostat.version import Version

__all__ = ["Champion", "Champions"]

log = structlog.get_logger()

KEPT = 3  #: versions besides the one in service that stay loaded
FIRST_RETRY_S = 1.0  #: after a version could not be loaded; doubled each time
LAST_RETRY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """One version with everything it takes to answer.  Never changed, only replaced."""

    version: Version
    scorer: Scorer
    requests: Requests
    example: Row  #: a row that it answers, for the documentation


class Champions:
    """Holds the version in service, and keeps to what the store says it is.

    Parameters
    ----------
    store, model
        Where the deployment of the model stands.
    load_scorer
        Loads and verifies the artefact of a version; called in a thread.
    counting
        Is told the bins of a version before that version answers.
    monotonic
        Seconds, for the times between two tries.
    """

    def __init__(
        self,
        store: Store,
        load_scorer: Callable[[Version], Scorer],
        model: str,
        counting: Counting,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model = model
        self.current: Champion | None = None
        self.deployment: Deployment | None = None  #: as last read
        self.splits: tuple[Challenger, ...] = ()  #: that run, each of a version that is loaded
        self.shadows: tuple[Challenger, ...] = ()
        self.tried: Mapping[int, Champion] = {}  #: the versions of both, by number
        self.problem: str | None = None  #: why `current` is not what it should be, if so
        self.succeeded: Callable[[], None] = lambda: None  #: is told of every refresh that did
        self.looked = asyncio.Event()  #: set once `run` has looked for the first time
        self._store = store
        self._load_scorer = load_scorer
        self._counting = counting
        self._monotonic = monotonic
        self._kept: dict[int, Champion] = {}
        self._loading = asyncio.Lock()
        self._failed: tuple[int, str | None] | None = None
        self._failures = 0
        self._retry_at = 0.0

    async def get(self, number: int | None = None) -> Champion:
        """The champion, or the version with this number.

        Raises
        ------
        NotFound
            When there is no version with this number.
        Unavailable
            When no champion is loaded.
        """
        current = self.current
        if current is None and number is None:
            raise Unavailable(self.problem or "no model is loaded yet; try again")
        if current is not None and number in {None, current.version.number}:
            return current
        async with self._loading:
            return await self._keep(number or 0)

    async def refresh(self) -> None:
        """Read the deployment and take over what it names, if that can be loaded.

        Whatever goes wrong leaves the present champion in service, and stands in `problem`.
        """
        async with self._loading:
            try:
                await self._follow()
            except HomeostatError as error:
                self._report(str(error))
            else:
                self._report(None)
                self.succeeded()

    async def run(self, every_s: float) -> None:
        """Refresh for ever."""
        while True:
            try:
                await self.refresh()
            except Exception as error:  # the edge of this task: it must outlive any surprise
                log.exception("refresh failed", model=self.model)
                self._report(f"{type(error).__name__} while refreshing: {error}")
            self.looked.set()
            await asyncio.sleep(every_s)

    async def _follow(self) -> None:
        deployment = await asyncio.to_thread(self._store.deployment, self.model)
        if deployment is None or deployment.champion is None:
            raise NotFound(f"no version of {self.model!r} is in service; promote one")
        self.deployment = deployment
        wanted = (deployment.champion, deployment.champion_digest)
        current = self.current
        if current and (current.version.number, current.version.digest) == wanted:
            self._failed = None
        elif wanted != self._failed or self._monotonic() >= self._retry_at:
            await self._take_over(*wanted)
        else:
            raise StateError(self.problem or f"version {wanted[0]} could not be loaded")
        await self._try_others(wanted[0])

    async def _try_others(self, champion: int) -> None:
        """Load what is to be tried beside the champion; one that cannot be is left out."""
        running = await asyncio.to_thread(self._store.trials.running, self.model)
        asked = [one for one in running if one.version != champion]
        tried, problems = {}, []
        for one in asked:
            try:
                tried[one.version] = await self._to_be_tried(one.version)
            except HomeostatError as error:
                problems.append(f"version {one.version} cannot be tried: {error}")
        loaded = [one for one in asked if one.version in tried]
        self.tried = tried
        self.splits = tuple(one for one in loaded if one.mode is Mode.SPLIT)
        self.shadows = tuple(one for one in loaded if one.mode is Mode.SHADOW)
        if problems:
            raise StateError("; ".join(problems))

    async def _to_be_tried(self, number: int) -> Champion:
        one = self.tried.get(number) or await self._keep(number)
        if self.current is not None:
            refuse_other_rows(self.current.version.schema, one.version.schema)
        return one

    async def _take_over(self, number: int, digest: str | None) -> None:
        try:
            champion = await self._keep(number)
            self._refuse_other(champion, digest)
        except Exception:
            self._back_off(number, digest)
            raise
        self._failed = None
        self.current = champion
        log.info("model in service", model=self.model, version=number, digest=digest)

    def _refuse_other(self, champion: Champion, digest: str | None) -> None:
        version = champion.version
        if digest not in {None, version.digest}:
            self._kept.pop(version.number)
            message = (
                f"version {version.number} has the digest {version.digest[:12]}, in service "
                f"is to be {str(digest)[:12]}; promote it again"
            )
            raise StateError(message)

    def _back_off(self, number: int, digest: str | None) -> None:
        same = self._failed == (number, digest)
        self._failures = self._failures + 1 if same else 0
        self._failed = (number, digest)
        wait_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2**self._failures)
        self._retry_at = self._monotonic() + wait_s
        log.error("version not loaded", model=self.model, version=number, retry_in_s=wait_s)

    async def _keep(self, number: int) -> Champion:
        """A loaded version; the least recently asked for is let go when there are too many."""
        champion = self._kept.pop(number, None)
        if champion is None:
            champion = await asyncio.to_thread(self._load, number)
        self._kept[number] = champion
        for old in [one for one in self._kept if not self._serves(one)][:-KEPT]:
            del self._kept[old]
        return champion

    def _serves(self, number: int) -> bool:
        return self.current is not None and self.current.version.number == number

    def _load(self, number: int) -> Champion:
        version = self._store.version(self.model, number)
        scorer = self._load_scorer(version)
        reference = self._store.reference(self.model, version.reference_digest)
        self._counting.learn(self.model, number, reference.bins)
        return Champion(
            version=version,
            scorer=scorer,
            requests=Requests(version.schema),
            example=example_row(version.schema, reference.profile),
        )

    def _report(self, problem: str | None) -> None:
        """Log what changed; the same trouble is not repeated twice a second."""
        if problem == self.problem:
            return
        self.problem = problem
        if problem is None:
            log.info("serving is healthy", model=self.model)
        else:
            log.warning("serving is degraded", model=self.model, reason=problem)
