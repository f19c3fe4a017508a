"""Gates: questions that a candidate must answer before it is put into service.

Bad news is a verdict, never an exception.  Too little data is INCONCLUSIVE, and only PASS
promotes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from homeostat.extension import Catalog
from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.confusion import Confusion, PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.verdict import Verdict

__all__ = ["GATES", "Evidence", "Gate", "build_gates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a candidate, all of it on rows that neither model was trained on."""

    now: datetime  #: UTC
    last_promoted_at: datetime | None = None  #: UTC; None before the first promotion
    due: int = 0  #: predictions of the evaluation window, with a label or without
    shared_rows: int = 0  #: evaluated rows that either model was trained on
    paired: PairedConfusion = field(default_factory=PairedConfusion)
    brier: PairedLoss = field(default_factory=PairedLoss)
    segments: Mapping[str, PairedConfusion] = field(default_factory=dict)
    safest: Confusion | None = None  #: the fifth of rows that the candidate finds safest
    safest_golden: Confusion | None = None  #: the champion's safest fifth of the golden rows
    golden_champion: RankingQuality | None = None  #: on the frozen reference rows
    golden_candidate: RankingQuality | None = None

    @property
    def rows(self) -> int:
        """Labelled rows on which both models were scored."""
        return self.paired.n


class Gate(Protocol):
    """One question to a candidate."""

    def judge(self, evidence: Evidence) -> Verdict:
        """PASS, FAIL or INCONCLUSIVE, with the number seen and the number asked."""
        ...


GATES: Catalog[Callable[..., Gate]] = Catalog("gate", "homeostat.gates")


def build_gates(options: Mapping[str, Mapping[str, Any]]) -> list[Gate]:
    """Every gate there is, with the options given for some of them.

    Raises
    ------
    NotFound
        When an option names a gate that does not exist.
    """
    for name in options:
        GATES[name]
    return [make(**options.get(name, {})) for name, make in GATES.items()]
