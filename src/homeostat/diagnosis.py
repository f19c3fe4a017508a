"""Verdicts to a cause: is it the data, the world, or nothing?"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from homeostat.battery import TOGETHER
from homeostat.bins import PREDICTION, PROBABILITY
from homeostat.profile import FeatureProfile, Profile
from homeostat.statistics.unit import unit_factor
from homeostat.verdict import Outcome, Verdict

__all__ = ["Cause", "Diagnosis", "Scene", "bad_version", "diagnose"]

#: A jump of the missing, unseen or constant share from which on a feed is taken for broken.
BROKEN_SHARE = 0.2


#: What is said of a feed that was broken and seems whole again.
PAST = "its feed was broken in a part of this window"

#: Rows under which the newest part of a window says nothing about a feed.
LEAST_ROWS = 30


class Cause(StrEnum):
    """Why a model is no longer well."""

    NONE = "none"
    DATA_FAULT = "data fault"  #: a feed is broken; never retrained on
    COVARIATE_SHIFT = "covariate shift"  #: other rows, the same relation to the target
    PRIOR_SHIFT = "prior shift"  #: only the share of the classes moved
    CONCEPT_DRIFT = "concept drift"  #: another relation to the target
    BAD_VERSION = "bad version"  #: the version in service is worse than the one before
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The most likely cause, with what speaks for it and what to do."""

    cause: Cause
    reason: str
    features: tuple[str, ...] = ()
    past: tuple[str, ...] = ()  #: those of them whose feed seems whole again
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain data that JSON can hold."""
        plain = {**asdict(self), "cause": self.cause.value}
        return {**plain, "features": list(self.features), "past": list(self.past)}


def bad_version(aftermath: Verdict, champion: int | None) -> Diagnosis:
    """The diagnosis when a promotion is shown to have been a mistake."""
    return Diagnosis(
        cause=Cause.BAD_VERSION,
        reason=f"version {champion} does worse than the one before: {aftermath.reason}",
        advice="The version before is put back into service.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the verdicts were made of."""

    reference: Profile
    current: Profile  #: the window that was judged
    newest: Profile  #: its last part, where a fault that has just begun shows most clearly
    known_faults: frozenset[str] = frozenset()  #: features whose feed broke within the window


def diagnose(drift: Verdict, quality: Verdict, scene: Scene) -> Diagnosis:
    """The most likely cause of what `drift` and `quality` say.

    A broken feed is looked for first, since it makes everything else look wrong too.

    Parameters
    ----------
    drift, quality
        From `homeostat.policy`.
    scene
        The profiles that `drift` compared, and what is known of the feeds.
    """
    drifted = [one for one in drift.details.get("drifted", []) if one in scene.current.bins.index]
    features = [name for name in drifted if name not in {PROBABILITY, PREDICTION}]
    faults = _faults(features, scene)
    if drift.outcome is Outcome.FAIL and faults:
        return Diagnosis(
            cause=Cause.DATA_FAULT,
            reason="; ".join(f"{name}: {fault}" for name, fault in faults.items()),
            features=tuple(faults),
            past=tuple(name for name, fault in faults.items() if fault == PAST),
            advice=f"Repair the feed of {', '.join(faults)}; the model is not retrained on it.",
        )
    if quality.outcome is Outcome.FAIL:
        return Diagnosis(
            cause=Cause.CONCEPT_DRIFT,
            reason=f"labels no longer agree with the scores: {quality.reason}",
            features=tuple(features),
            advice="A candidate is trained as soon as enough new labels are in.",
        )
    if drift.outcome is Outcome.FAIL:
        return _shift(features, quality, drift)
    if Outcome.ERROR in {drift.outcome, quality.outcome}:
        return Diagnosis(
            cause=Cause.UNKNOWN,
            reason=f"drift: {drift.reason}; quality: {quality.reason}",
            advice="Look at the error; nothing is done until the model can be judged again.",
        )
    if drift.outcome is Outcome.INCONCLUSIVE:
        advice = "Nothing to do until there is enough data."
        return Diagnosis(
            cause=Cause.NONE, reason=f"no change is shown: {drift.reason}", advice=advice
        )
    return Diagnosis(
        cause=Cause.NONE, reason="nothing has changed that matters", advice="Nothing to do."
    )


def _faults(features: list[str], scene: Scene) -> dict[str, str]:
    """What is broken about the feeds of these features, in words, by name."""
    found = {}
    for name in features:
        reference = scene.reference.feature(name)
        fault = _fault(reference, scene.newest.feature(name)) or _fault(
            reference, scene.current.feature(name)
        )
        if fault is None and name in scene.known_faults:
            fault = PAST
        if fault is not None:
            found[name] = fault
    return found


def _shift(features: list[str], quality: Verdict, drift: Verdict) -> Diagnosis:
    if features:
        cause, what = Cause.COVARIATE_SHIFT, f"{len(features)} features moved"
    elif TOGETHER in drift.details.get("drifted", []):
        cause, what = Cause.COVARIATE_SHIFT, "all features together moved"
    else:
        cause, what = Cause.PRIOR_SHIFT, "only the scores moved"
    labels = (
        "the labels still agree with the scores"
        if quality.outcome is Outcome.PASS
        else "the labels cannot tell yet"
    )
    return Diagnosis(
        cause=cause,
        reason=f"{what}; {labels}: {drift.reason}",
        features=tuple(features),
        advice="A candidate is trained as soon as enough new labels are in.",
    )


def _fault(reference: FeatureProfile, current: FeatureProfile) -> str | None:
    """What is broken about a feed, in words; None when nothing is, or there are no rows."""
    if current.n < LEAST_ROWS:
        return None
    rise = current.missing / current.n - reference.missing / reference.n
    if rise >= BROKEN_SHARE:
        return (
            f"{current.missing / current.n:.0%} missing, {reference.missing / reference.n:.0%} "
            "in the reference"
        )
    factor = unit_factor(reference, current)
    if factor is not None:
        size = f"{factor:.3g} times" if factor >= 1 else f"1/{1 / factor:.3g} of"
        return f"values are about {size} those of the reference: another unit"
    present = current.present.sum()
    if not present:
        return None
    outside = current.present[reference.bins.out_of_range].sum() / present
    if outside >= BROKEN_SHARE:
        return f"{outside:.0%} of the values are unknown to the reference"
    usual = reference.present[int(np.argmax(current.present))] / reference.present.sum()
    if current.present.max() / present >= 1 - 1e-9 and usual <= 1 - BROKEN_SHARE:
        return "stuck: all values are the same"
    return None
