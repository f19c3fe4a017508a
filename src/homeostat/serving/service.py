"""What the service does, without HTTP: answer, keep labels, say how it is."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from homeostat.challenger import chosen
from homeostat.errors import Conflict, HomeostatError
from homeostat.liveness import LivenessPolicy
from homeostat.prediction import Prediction
from homeostat.serving.answers import (
    Coverage,
    FeatureInfo,
    Health,
    ModelInfo,
    ModelTraffic,
    Recent,
    Stats,
)
from homeostat.serving.champion import Champion, Champions
from homeostat.serving.elsewhere import Elsewhere
from homeostat.serving.labels import LabelBatch, to_labels
from homeostat.serving.live import Live
from homeostat.serving.metering import Meter
from homeostat.serving.performance import PerformanceAnswer, known_performance
from homeostat.serving.pulse import ServicePulse
from homeostat.serving.request import RowRequest
from homeostat.serving.scoring import Scoring
from homeostat.serving.shadow import Shadowing
from homeostat.serving.versions import Versions, side_by_side
from homeostat.store import MISSING, LabelReceipt, Store, Writer
from homeostat.traffic import Traffic, total_traffic
from homeostat.vigil import Told, Vigil

__all__ = ["Service"]

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
RECENT = 100  #: predictions in the statistics
PROBE = "serving:probe"  #: flag written to see whether the store can be written again
STAGE = "Production"

MINUTE = timedelta(minutes=1)
LATELY = 5 * MINUTE  #: for the requests per minute


class Service:
    """Answers rows with a version, after the answers are in the store.

    Parameters
    ----------
    store, writer
        Where everything is kept; both are opened and closed elsewhere.
    champions
        The version in service, and others by number.
    clock
        The time, UTC.
    new_id
        An id for a prediction whose caller gave none, and for this process.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        champions: Champions,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self.clock = clock
        self.champions = champions
        self.history = store.history
        self.live = Live(store, champions, clock)
        process = new_id()
        self.meter = Meter(store, champions.model, clock=clock, process=process)
        self.elsewhere = Elsewhere(store=store, model=self.model, clock=clock, new_id=new_id)
        self.shadowing = Shadowing(store, champions, clock=clock, holder=process)
        self.pulse = ServicePulse(Vigil(store=store, model=champions.model), clock)
        self.pulse.follow(self.champions, self.meter, self.shadowing)
        self._store = store
        self._writer = writer
        self._new_id = new_id
        self._scoring = Scoring()
        self._write_failed: str | None = None

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.champions.model

    @property
    def waiting(self) -> int:
        """Predictions that wait for their commit to begin, of all models of the process."""
        return self._writer.waiting

    @property
    def durable(self) -> bool:
        """Whether an answer is on the disk by the time it is given."""
        return self._writer.durable

    async def predict(
        self, rows: Sequence[RowRequest], champion: Champion, *, pinned: bool = False
    ) -> list[Prediction]:
        """The answers to `rows`, which are in the store by then.

        A row whose id was answered before gets that answer again, whatever version gave it.

        Parameters
        ----------
        pinned
            Whether the caller asked for this version by number.

        Raises
        ------
        Conflict
            When an id stands for another row already; all such rows are named.
        Unavailable
            When too much waits, or the store did not take the answers: they may be in it
            all the same, so try again with the same ids.
        """
        asked_for = champion.version.number if pinned else None
        encoded = [row.encoded() for row in rows]
        digests = [row.digest(asked_for, text) for row, text in zip(rows, encoded, strict=True)]
        if len(rows) > 1:  # one needs no look ahead: the transaction that stores it tells
            await self._refuse_clashes(rows, digests)
        ids = [row.prediction_id or self._new_id() for row in rows]
        by = [champion] * len(rows) if pinned else self._answering(rows, ids, champion)
        received_at = self.clock()
        scores = await self._scores(rows, by)
        asked = [
            Prediction(
                id=key,
                model=self.model,
                version=one.version.number,
                received_at=received_at,
                event_time=row.event_time,
                features=row.features,
                prediction=int(score >= one.version.threshold),
                probability=score,
                body_digest=digest,
                encoded=text,
            )
            for row, key, one, digest, text, score in zip(
                rows, ids, by, digests, encoded, scores, strict=True
            )
        ]
        return await self._submit(asked)

    def _answering(
        self, rows: Sequence[RowRequest], ids: Sequence[str], champion: Champion
    ) -> list[Champion]:
        """The version that answers each row: the champion, or the one its key is split to."""
        splits, tried = self.champions.splits, self.champions.tried
        if not splits:
            return [champion] * len(rows)
        numbers = [chosen(splits, row.split_key or key) for row, key in zip(rows, ids, strict=True)]
        return [champion if one is None else tried[one] for one in numbers]

    async def _scores(self, rows: Sequence[RowRequest], by: Sequence[Champion]) -> list[float]:
        """What each row's version says of it; every version is asked once."""
        if all(one is by[0] for one in by):
            features = [row.features for row in rows]
            return await self._scoring.probabilities(by[0].scorer, features)
        scores = [0.0] * len(rows)
        for champion in {one.version.number: one for one in by}.values():
            places = [i for i, one in enumerate(by) if one is champion]
            features = [rows[i].features for i in places]
            found = await self._scoring.probabilities(champion.scorer, features)
            for i, score in zip(places, found, strict=True):
                scores[i] = score
        return scores

    async def label(self, batch: LabelBatch) -> LabelReceipt:
        """What became of the labels; all are stored, or none.

        Raises
        ------
        UserError
            When a label is no class of the target, or its prediction is unknown and it is
            not to be parked, or of another model; all such labels are named.
        """
        target = (await self.champions.get()).version.schema.target
        labels = to_labels(batch.labels, target, now=self.clock())
        store = partial(self._store.add_labels, labels, park=batch.park, model=self.model)
        return await asyncio.to_thread(store)

    async def info(self) -> ModelInfo:
        """What is known of the version in service."""
        version = (await self.champions.get()).version
        deployment = self.champions.deployment
        promoted_at = deployment.promoted_at if deployment else None
        return ModelInfo(
            model_name=self.model,
            model_version=str(version.number),
            model_stage=STAGE,
            model_uri=f"models:/{self.model}/{version.number}",
            run_id=None,
            creation_timestamp=version.created_at,
            last_updated_timestamp=promoted_at or version.created_at,
            algorithm=version.algorithm,
            threshold=version.threshold,
            digest=version.digest,
            reference_digest=version.reference_digest,
            metrics={
                name: value if math.isfinite(value) else None
                for name, value in version.metrics.items()
            },
            features=[FeatureInfo.of(one) for one in version.schema.features],
        )

    async def health(self) -> Health:
        """Whether rows can be answered, and what stands in the way if not.

        A model that cannot be replaced by the one that should serve is "degraded"; without
        any model, or with a store that does not answer, the service is "unhealthy".
        """
        current = self.champions.current
        logged, trouble = await self._look_at_store()
        gone = None if trouble else await asyncio.to_thread(self._store.flag, MISSING)
        problem = "; ".join(one for one in (self.champions.problem, gone) if one)
        loaded = current is not None
        degraded = "degraded" if problem else "healthy"
        return Health(
            status="unhealthy" if trouble or not loaded else degraded,
            model_loaded=loaded,
            model_version=str(current.version.number) if current else None,
            model_stage=STAGE,
            predictions_logged=logged,
            message="; ".join(one for one in (trouble, problem) if one)
            or ("ready" if loaded else "no model is loaded yet"),
        )

    async def versions(self, length: timedelta) -> Versions:
        """What each version said of the newest rows, and how often it was right."""
        now = self.clock()
        look = partial(
            side_by_side, self._store, self.model, since=now - length, until=now + MINUTE
        )
        return await asyncio.to_thread(look)

    async def coverage(self) -> Coverage:
        """How many of all predictions have a label."""
        until = self.clock() + timedelta(days=1)
        labelled, total = await asyncio.to_thread(
            self._store.label_coverage, self.model, since=BEGINNING, until=until
        )
        return Coverage(
            total_predictions=total,
            labeled_predictions=labelled,
            coverage_rate=labelled / total if total else 0.0,
            unlabeled_predictions=total - labelled,
        )

    async def stats(self) -> Stats:
        """How many predictions there are, how the newest look, and what became of requests."""
        await self.meter.write()
        total = await asyncio.to_thread(self._store.count_predictions, self.model)
        recent = await asyncio.to_thread(self._store.recent_predictions, self.model, RECENT)
        by_version = await self._traffic(None)
        lately = total_traffic((await self._traffic(LATELY)).values())
        return Stats(
            total_predictions=total,
            recent_100=Recent.of(recent),
            note="of the newest 100 predictions, whatever version answered them",
            model_name=self.model,
            last_updated=recent[0].received_at if recent else None,
            requests_per_minute=lately.requests / (LATELY / MINUTE),
            requests=ModelTraffic.of(total_traffic(by_version.values())),
            by_version={str(number): ModelTraffic.of(one) for number, one in by_version.items()},
        )

    async def performance(self, version: int | None, as_of: datetime | None) -> PerformanceAnswer:
        """How good the answers of a version were, as the last look before a time saw it."""
        champion = self.champions.current
        number = version or (champion.version.number if champion else None)
        look = partial(known_performance, self._store, self.model, number, as_of)
        return await asyncio.to_thread(look)

    async def _traffic(self, lately: timedelta | None) -> dict[int, Traffic]:
        """What became of the requests, by version: the newest ones, or all."""
        now = self.clock()
        since = None if lately is None else now - lately
        until = now + MINUTE  # that of the minute that has just begun
        return await asyncio.to_thread(self._store.traffic, self.model, since=since, until=until)

    def keep_vigil(
        self, policy: LivenessPolicy, *, every_s: float | None, told: Told | None = None
    ) -> None:
        """Give signs of life and look at the loops every so many seconds; None: do not.

        Parameters
        ----------
        told
            Is told what every look says.
        """
        self.pulse.keep(policy, every_s=every_s, told=told)
        self.live = replace(self.live, liveness=policy)

    async def refresh(self) -> None:
        """Take over the version that the store says is in service."""
        await self.champions.refresh()

    async def stop(self) -> None:
        """Wait until all that is asked has been computed."""
        await asyncio.to_thread(self._scoring.close)
        await self.elsewhere.stop()

    async def _refuse_clashes(self, rows: Sequence[RowRequest], digests: Sequence[str]) -> None:
        """Refuse a batch with an id that is taken, before anything of the batch is stored."""
        given = [(i, row.prediction_id) for i, row in enumerate(rows) if row.prediction_id]
        if not given:
            return
        taken = {one: digests[i] for i, one in reversed(given)}
        taken |= await asyncio.to_thread(self._stored, list(taken))
        _refuse([i for i, one in given if taken[one] != digests[i]])

    def _stored(self, ids: Sequence[str]) -> dict[str, str]:
        found = self._store.predictions_by_id(ids)
        return {key: one.body_digest for key, one in found.items()}

    async def _submit(self, asked: Sequence[Prediction]) -> list[Prediction]:
        try:
            stored = await self._writer.submit(asked)
        except HomeostatError as error:
            self._write_failed = str(error)
            raise
        self._write_failed = None
        _refuse([i for i, one in enumerate(stored) if isinstance(one, Conflict)])
        return [one for one in stored if isinstance(one, Prediction)]

    async def _look_at_store(self) -> tuple[int | None, str | None]:
        """How many predictions are stored, and what is wrong with the store, if anything.

        After a write that failed, one is tried here: a service that is sent no rows because
        it is unhealthy would otherwise never learn that the disk has room again.
        """
        try:
            if self._write_failed:
                now = self.clock().isoformat()
                await asyncio.to_thread(self._store.set_flag, PROBE, now)
                self._write_failed = None
            return await asyncio.to_thread(self._store.count_predictions, self.model), None
        except HomeostatError as error:
            return None, str(error)


def _refuse(clashes: Sequence[int]) -> None:
    """Refuse the rows at these places, because their ids stand for other rows."""
    if clashes:
        problems = [f"rows[{i}].prediction_id: stands for another row already" for i in clashes]
        raise Conflict("an id stands for one row only; choose another for another row", problems)
