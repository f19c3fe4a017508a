"""What the service does, without HTTP: answer, keep labels, say how it is."""

import asyncio
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from homeostat.errors import Conflict, HomeostatError
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
from homeostat.serving.request import RowRequest
from homeostat.serving.scoring import Scoring
from homeostat.store import LabelReceipt, Store, Writer
from homeostat.traffic import Traffic, total_traffic

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
        Where everything is kept.  The writer is started and stopped with the service, the
        store is closed by whoever opened it.
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
        self.live = Live(store, champions, clock)
        self.meter = Meter(store, champions.model, clock=clock, process=new_id())
        self.elsewhere = Elsewhere(store=store, model=self.model, clock=clock, new_id=new_id)
        self.open_paths: tuple[str, ...] = ()  #: that need no key, besides `/health`
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
        """Predictions that wait for their commit to begin."""
        return self._writer.waiting

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
        number = champion.version.number
        digests = [row.digest(number if pinned else None) for row in rows]
        await self._refuse_clashes(rows, digests)
        features = [row.features for row in rows]
        received_at = self.clock()
        scores = await self._scoring.probabilities(champion.scorer, features)
        asked = [
            Prediction(
                id=row.prediction_id or self._new_id(),
                model=self.model,
                version=number,
                received_at=received_at,
                event_time=row.event_time,
                features=row.features,
                prediction=int(score >= champion.version.threshold),
                probability=score,
                body_digest=digest,
            )
            for row, digest, score in zip(rows, digests, scores, strict=True)
        ]
        return await self._submit(asked)

    async def label(self, batch: LabelBatch) -> LabelReceipt:
        """What became of the labels; all are stored, or none.

        Raises
        ------
        UserError
            When a label is no class of the target, or its prediction is unknown and it is
            not to be parked; all such labels are named.
        """
        target = (await self.champions.get()).version.schema.target
        labels = to_labels(batch.labels, target, now=self.clock())
        return await asyncio.to_thread(self._store.add_labels, labels, park=batch.park)

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
        problem = self.champions.problem
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

    async def _traffic(self, lately: timedelta | None) -> dict[int, Traffic]:
        """What became of the requests, by version: the newest ones, or all."""
        now = self.clock()
        since = None if lately is None else now - lately
        until = now + MINUTE  # that of the minute that has just begun
        return await asyncio.to_thread(self._store.traffic, self.model, since=since, until=until)

    async def refresh(self) -> None:
        """Take over the version that the store says is in service."""
        await self.champions.refresh()

    def start(self) -> None:
        """Begin to take answers into the store."""
        self._writer.start()

    async def stop(self) -> None:
        """Wait until all that was answered is in the store."""
        await asyncio.to_thread(self._scoring.close)
        await asyncio.to_thread(self._writer.stop)

    async def _refuse_clashes(self, rows: Sequence[RowRequest], digests: Sequence[str]) -> None:
        """Refuse a batch with an id that is taken, before anything of the batch is stored.

        One row needs no look ahead: the transaction that stores it tells.
        """
        given = [(i, row.prediction_id) for i, row in enumerate(rows) if row.prediction_id]
        if len(rows) == 1 or not given:
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
