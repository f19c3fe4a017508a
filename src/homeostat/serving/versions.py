"""Versions side by side: what each answered, how often it was right, and by how much."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from pydantic import BaseModel, Field
from scipy.special import ndtri

from homeostat.challenger import Mode
from homeostat.metrics.confusion import Confusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.store import Said, Store

__all__ = ["Difference", "VersionRow", "Versions", "side_by_side"]

CONFIDENCE = 0.95


class Difference(BaseModel):
    """Brier score of the version minus that of the champion; below 0 it is better."""

    mean: float
    low: float = Field(description="of the 95 % confidence interval")
    high: float
    n: int = Field(description="labelled rows: those of both, or of the version where unpaired")
    paired: bool = Field(description="whether both were asked about the same rows")


class VersionRow(BaseModel):
    """What one version said in the window."""

    model_version: str
    role: str = Field(description="champion, split, shadow or earlier")
    share: float | None = Field(description="of the keys, for a split")
    rows: int = Field(description="that it answered, or was asked about in the shadow")
    positive_rate: float | None
    probability_mean: float | None
    probability_std: float | None
    labelled: int
    accuracy: float | None
    f1: float | None
    brier: float | None
    against_champion: Difference | None = Field(
        description="null for the champion, and with fewer than two labels on a side"
    )


class Versions(BaseModel):
    """The versions of a model that had rows in the window."""

    model_name: str
    since: datetime
    until: datetime
    versions: list[VersionRow]


def side_by_side(store: Store, model: str, *, since: datetime, until: datetime) -> Versions:
    """What the versions of a model said of the rows received in [since, until)."""
    deployment = store.deployment(model)
    champion = deployment.champion if deployment else None
    running = store.trials.running(model)
    groups: dict[tuple[int, bool], list[Said]] = {}  # by version, and whether in the shadow
    for one in store.trials.answered(model, since=since, until=until):
        groups.setdefault((one.version, False), []).append(one)
    for trial in running:
        if trial.mode is Mode.SHADOW:
            seen = store.trials.shadowed(model, trial.version, since=since, until=until)
            groups[trial.version, True] = seen
    shares = {one.version: one.share for one in running if one.mode is Mode.SPLIT}
    beside = groups.get((champion or 0, False), [])
    rows = []
    for (version, shadow), said in sorted(groups.items()):
        share = None if shadow or version == champion else shares.get(version)
        role = _role(champion=version == champion, shadow=shadow, split=share is not None)
        difference = None if role == "champion" else _difference(said, beside)
        rows.append(_row(version, said, role=role, share=share, difference=difference))
    return Versions(model_name=model, since=since, until=until, versions=rows)


def _role(*, champion: bool, shadow: bool, split: bool) -> str:
    if shadow:
        return "shadow"
    if champion:
        return "champion"
    return "split" if split else "earlier"


def _row(
    version: int,
    said: Sequence[Said],
    *,
    role: str,
    share: float | None,
    difference: Difference | None,
) -> VersionRow:
    scores = np.array([one.probability for one in said])
    known = [(one, one.label) for one in said if one.label is not None]
    labels = np.array([label for _, label in known], dtype=np.int64)
    answers = np.array([one.prediction for one, _ in known], dtype=np.int64)
    return VersionRow(
        model_version=str(version),
        role=role,
        share=share,
        rows=len(said),
        positive_rate=float(np.mean([one.prediction for one in said])) if said else None,
        probability_mean=float(scores.mean()) if said else None,
        probability_std=float(scores.std()) if said else None,
        labelled=len(known),
        accuracy=float((labels == answers).mean()) if known else None,
        f1=Confusion.of(labels, answers).f1 if known else None,
        brier=float(np.mean(list(_losses(said).values()))) if known else None,
        against_champion=difference,
    )


def _losses(said: Sequence[Said]) -> dict[str, float]:
    """The Brier loss of every row that has a label, by prediction id."""
    return {
        one.prediction_id: (one.label - one.probability) ** 2
        for one in said
        if one.label is not None
    }


def _difference(said: Sequence[Said], champion: Sequence[Said]) -> Difference | None:
    """The mean difference of the losses, on the same rows where there are any.

    References
    ----------
    Welch (1947), Biometrika 34, for rows that are not the same; with the normal law in place
    of Student's.
    """
    ours, theirs = _losses(said), _losses(champion)
    both = [key for key in ours if key in theirs]
    tail = (1 - CONFIDENCE) / 2
    if both:
        paired = PairedLoss.of(np.array([ours[key] - theirs[key] for key in both]))
        if paired.n <= 1:
            return None
        low, high = paired.bounds(tail)
        return Difference(mean=paired.mean, low=low, high=high, n=paired.n, paired=True)
    sides = [PairedLoss.of(np.array(list(one.values()))) for one in (ours, theirs)]
    if min(one.n for one in sides) <= 1:
        return None
    mean = sides[0].mean - sides[1].mean
    error = sum(one.m2 / (one.n - 1) / one.n for one in sides) ** 0.5
    width = float(ndtri(1 - tail)) * error
    n = sides[0].n
    return Difference(mean=mean, low=mean - width, high=mean + width, n=n, paired=False)
