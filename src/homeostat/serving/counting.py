"""Counting what was answered, by minute and version, in the bins of each version."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from homeostat.bins import PREDICTION, PROBABILITY, Bins
from homeostat.engines.rows import RowCounter
from homeostat.prediction import Prediction
from homeostat.store import MinuteProfile, minute_of

__all__ = ["Counting"]

MINUTE = timedelta(minutes=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Counting:
    """Makes the minute profiles that are committed together with their predictions.

    It is called in the thread of the writer, inside the writer's transaction, and therefore
    never reads the store: the bins of a version are told before it answers.
    """

    def __init__(self) -> None:
        self._bins: dict[tuple[str, int], Bins] = {}

    def learn(self, model: str, version: int, bins: Bins) -> None:
        """Count the answers of this version of the model in `bins` from now on."""
        self._bins[model, version] = bins

    def __call__(self, predictions: Sequence[Prediction]) -> list[MinuteProfile]:
        counters: dict[tuple[str, int, datetime], RowCounter] = {}
        counter, of, minute, end = None, None, _NEVER, _NEVER  # alike for most of one commit
        for one in predictions:
            other = (one.model, one.version) != of or not minute <= one.received_at < end
            if counter is None or other:
                of, minute = (one.model, one.version), minute_of(one.received_at)
                end = minute + MINUTE
                counter = counters.setdefault((*of, minute), RowCounter(self._bins[of]))
            counter.add(
                {**one.features, PROBABILITY: one.probability, PREDICTION: str(one.prediction)}
            )
        return [
            MinuteProfile(model, version, minute, counter.sparse())
            for (model, version, minute), counter in counters.items()
        ]
