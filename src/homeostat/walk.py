"""Walk: a stream of labelled windows, each estimated as if its labels came some windows later."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.answers import Answers, Labelled, qualities
from homeostat.blend import Blended, BlendPolicy, Window, blend_each
from homeostat.calibrator import calibrated
from homeostat.errors import UserError
from homeostat.estimators import Estimate
from homeostat.estimators.cbpe import Cbpe, FittedCbpe

__all__ = ["DECAY", "Methods", "Step", "pooled", "seen", "walk"]

#: Weight of the labels of a window in the recent calibration, of that of the one after it.
DECAY = 0.7

#: A window whose labels weigh less in it is left out.
LEAST_WEIGHT = 0.01


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Step:
    """One window of a stream: what was expected of each metric, and what its labels said."""

    window: int  #: its number, from 0
    n: int
    blended: Mapping[str, Blended]  #: by metric
    said: Mapping[str, Mapping[str, Estimate]]  #: by metric and method
    last: Mapping[str, float]  #: by metric, of the newest window whose labels were there
    seen: Mapping[str, float]  #: by metric


def seen(labelled: Labelled) -> dict[str, float]:
    """What the labels say of every metric that is defined."""
    found = qualities(labelled.answers, labelled.truth)
    return {name: one.value for name, one in found.items() if one is not None}


def pooled(parts: Sequence[Labelled], weights: Sequence[float]) -> Labelled:
    """The labelled rows of all parts, each row counted so many times."""
    answers = [one.answers for one in parts]
    return Labelled(
        answers=Answers(
            score=np.concatenate([one.score for one in answers]),
            positive=np.concatenate([one.positive for one in answers]),
            rows=np.concatenate([w * one.rows for one, w in zip(answers, weights, strict=True)]),
        ),
        truth=np.concatenate([w * one.truth for one, w in zip(parts, weights, strict=True)]),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Methods:
    """What can be said of the metrics of a classifier before the labels are there.

    "cbpe" calibrates on the reference; "recent" on the newest labels, the older the less;
    "labels" says what the labels of the reference did, and lives from being corrected.
    """

    cbpe: FittedCbpe
    reference: Mapping[str, Estimate]  #: what the labels of the reference say, by metric
    min_rows: int

    @classmethod
    def of(cls, reference: Labelled, min_rows: int = 200) -> "Methods":
        """Those that learnt from a labelled reference.

        Raises
        ------
        UserError
            When it has fewer rows than asked, or labels of one class only.
        """
        cbpe = Cbpe(min_rows=min_rows).fit(reference)
        said = seen(reference)
        promised = cbpe.estimate(reference.answers)
        return cls(
            cbpe=cbpe,
            reference={
                name: replace(one, value=said[name], doubt=one.noise)
                for name, one in promised.items()
                if name in said
            },
            min_rows=min_rows,
        )

    def said(self, answers: Answers, matured: Sequence[Labelled]) -> dict[str, dict[str, Estimate]]:
        """By metric and method.

        Parameters
        ----------
        matured
            The windows whose labels are there, the newest last.
        """
        plain = self.cbpe.estimate(answers)
        recent = self._recent(matured)
        newer = plain if recent is None else recent.estimate(answers)
        return {
            name: {
                "cbpe": one,
                "recent": newer.get(name, one),
                "labels": replace(self.reference[name], noise=one.noise, n=one.n),
            }
            for name, one in plain.items()
            if name in self.reference
        }

    def _recent(self, matured: Sequence[Labelled]) -> FittedCbpe | None:
        """The calibration on the newest labels; None where they are too few."""
        weights = DECAY ** np.arange(len(matured))[::-1]
        kept = int((weights < LEAST_WEIGHT).sum())
        parts = matured[kept:]
        if sum(one.n for one in parts) < self.min_rows:
            return None
        labelled = pooled(parts, weights[kept:].tolist())
        if not 0 < labelled.positives < float(labelled.answers.rows.sum()):
            return None
        return FittedCbpe(calibrated(labelled))


def walk(
    methods: Methods,
    windows: Sequence[Labelled | Answers],
    *,
    lag: int,
    policy: BlendPolicy | None = None,
    metrics: Collection[str] | None = None,
) -> list[Step]:
    """Every window of a stream, estimated with the labels of those `lag` windows before.

    With a lag of 1 the labels of a window are there when the next one is estimated.  A window
    that is given without labels never gets any.

    Parameters
    ----------
    metrics
        Those that are estimated; None for all.

    Raises
    ------
    UserError
        When the lag is under 1.
    """
    if lag < 1:
        raise UserError(f"a lag of {lag} windows; the labels of a window come after it, give 1")
    told = [seen(one) if isinstance(one, Labelled) else {} for one in windows]
    said = [
        methods.said(_answers(one), _with_labels(windows[: max(0, i + 1 - lag)]))
        for i, one in enumerate(windows)
    ]
    blended: list[dict[str, Blended]] = [{} for _ in windows]
    for metric in methods.reference if metrics is None else metrics:
        held = [i for i in range(len(windows)) if metric in said[i]]
        rows = [
            Window(place=i, said=said[i][metric], seen=told[i].get(metric), due=i + lag)
            for i in held
        ]
        for i, one in zip(held, blend_each(rows, policy), strict=True):
            blended[i][metric] = one
    start = {name: one.value for name, one in methods.reference.items()}
    return [
        Step(
            window=i,
            n=one.n,
            blended=blended[i],
            said=said[i],
            last={**start, **(told[i - lag] if i >= lag else {})},
            seen=told[i],
        )
        for i, one in enumerate(windows)
    ]


def _answers(window: Labelled | Answers) -> Answers:
    return window.answers if isinstance(window, Labelled) else window


def _with_labels(windows: Sequence[Labelled | Answers]) -> list[Labelled]:
    return [one for one in windows if isinstance(one, Labelled)]
