"""What reported rows are compared with, and when they count as drifted."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from homeostat.cli.project import Project, drift_policy, new_id
from homeostat.cli.settings import Settings

if TYPE_CHECKING:
    from homeostat.reference import Reference
    from homeostat.schema import Schema
    from homeostat.serving.elsewhere import Elsewhere
    from homeostat.store import Store

__all__ = ["FrozenBaseline", "build_elsewhere"]


class FrozenBaseline:
    """Finds the frozen reference of the project, or else that of the version in service.

    The files are verified when they are new, not with each look.
    """

    def __init__(self, settings: Settings, store: "Store") -> None:
        from homeostat.serving.elsewhere import ChampionBaseline

        self._settings, self._store = settings, store
        self._champion = ChampionBaseline(store, settings.model)
        self._frozen: tuple[int, Reference] | None = None

    def __call__(self) -> "tuple[Reference, Schema] | None":
        from homeostat.baseline import METADATA

        try:
            changed_at = (self._settings.reference.path / METADATA).stat().st_mtime_ns
        except FileNotFoundError:
            return self._champion()
        if self._frozen is None or self._frozen[0] != changed_at:
            project = Project(settings=self._settings, store=self._store)
            self._frozen = (changed_at, project.baseline.reference())
        return self._frozen[1], self._settings.schema()


def build_elsewhere(
    settings: Settings, store: "Store", clock: Callable[[], datetime]
) -> "Elsewhere":
    """What takes in the rows of models that are served elsewhere."""
    from homeostat.serving.elsewhere import Elsewhere
    from homeostat.serving.judging import JudgingPolicy

    lookback = timedelta(hours=settings.monitoring.lookback_h)
    return Elsewhere(
        store=store,
        model=settings.model,
        clock=clock,
        new_id=new_id,
        policy=JudgingPolicy(drift=drift_policy(settings), lookback=lookback),
        find=FrozenBaseline(settings, store),
    )
