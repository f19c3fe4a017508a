"""Estimation: the quality that is expected of the newest window, written down and scored later."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from homeostat.answers import Answers, Labelled
from homeostat.bins import PROBABILITY, FeatureBins
from homeostat.blend import Blended, BlendPolicy, Window, blend
from homeostat.errors import HomeostatError, UserError
from homeostat.estimated import Estimated, EstimatePolicy, Scored, judge_estimate
from homeostat.estimators import BLIND, Estimate
from homeostat.profile import Profile
from homeostat.store import KnownLabels, Store
from homeostat.verdict import Outcome, Verdict
from homeostat.version import Version
from homeostat.walk import Methods, seen

__all__ = ["Estimation", "Outlook", "binned"]

#: Windows that one look tries to score, the oldest first.
TRIES = 3

#: Windows that are remembered: with those whose labels are awaited enough to test coverage on.
REMEMBERED = 120

PARTS = 4  #: of a window, in each of which one look estimates: it replays what was said before

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Outlook:
    """What is expected of one window."""

    at: datetime
    version: int
    verdict: Verdict
    blended: Mapping[str, Blended] = field(default_factory=dict)  #: by metric
    said: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)  #: and method
    reference: Mapping[str, float] = field(default_factory=dict)
    past: tuple[Estimated, ...] = ()  #: earlier windows, oldest first


@dataclass(frozen=True, kw_only=True)
class Estimation:
    """Estimates the quality of one model without the labels of the newest window."""

    store: Store
    model: str
    #: Rows that a version did not learn from, as it scores them, with the labels known then.
    labelled: Callable[[Version, datetime], Labelled]
    policy: EstimatePolicy = field(default_factory=EstimatePolicy)
    blend: BlendPolicy = field(default_factory=BlendPolicy)
    _methods: dict[str, Methods] = field(default_factory=dict, repr=False)

    def look(
        self, version: Version, window: Profile, *, lookback: timedelta, at: datetime
    ) -> Verdict:
        """The verdict on the window that ends at `at`, written down, once older ones are scored.

        Windows that do not overlap with the one before are kept, to be scored when their
        labels are there.  A verdict holds for a part of its window, in which little of it
        changes, and is given again until then.
        """
        fresh = self._fresh(version, at=at, within=lookback / PARTS)
        if fresh is not None:
            return fresh
        self._score(version, window.bins.features[window.bins.index[PROBABILITY]], at=at)
        outlook = self.outlook(version, window, lookback=lookback, at=at)
        self.store.add_verdict(self.model, outlook.verdict, at)
        before = self.store.estimates.newest(self.model, version.number, until=at)
        if outlook.blended and (before is None or before.until <= at - lookback):
            self.store.estimates.add(self._estimated(outlook, window, lookback))
        return outlook.verdict

    def _fresh(self, version: Version, *, at: datetime, within: timedelta) -> Verdict | None:
        """The last verdict on this version, if it told something and is not too old."""
        for when, last in self.store.verdicts(self.model, "estimate", limit=1, until=at):
            told = last.outcome in {Outcome.PASS, Outcome.FAIL}
            if told and last.details.get("version") == version.number and at - when < within:
                return last
        return None

    def outlook(
        self, version: Version, window: Profile, *, lookback: timedelta, at: datetime
    ) -> Outlook:
        """What is expected of the window that ends at `at`, by what was known then.

        Nothing is written down but the labelled reference of a version that is new.
        """
        number = version.number
        try:
            methods = self.methods(version, at=at)
        except UserError as error:
            return Outlook(at=at, version=number, verdict=_untold(Outcome.INCONCLUSIVE, error))
        except HomeostatError as error:
            return Outlook(at=at, version=number, verdict=_untold(Outcome.ERROR, error))
        answers = Answers.of_profile(window)
        held = self.store.estimates.made(self.model, number, as_of=at, limit=REMEMBERED)
        past = [one for one in held if one.until <= at - lookback]
        if answers.n < self.policy.min_rows:
            verdict = judge_estimate({}, methods.reference, answers.n, self.policy)
            return Outlook(at=at, version=number, verdict=verdict, past=tuple(held))
        matured = [one.scored.labelled for one in past if one.scored is not None]
        said = methods.said(answers, matured)
        blended = self._blended(said, past, lookback=lookback, at=at)
        verdict = judge_estimate(blended, methods.reference, answers.n, self.policy)
        return Outlook(
            at=at,
            version=number,
            verdict=replace(
                verdict,
                window=(at - lookback, at),
                details={**verdict.details, "version": number},
            ),
            blended=blended,
            said=said,
            reference={name: one.value for name, one in methods.reference.items()},
            past=tuple(held),
        )

    def methods(self, version: Version, *, at: datetime) -> Methods:
        """What learnt from the labelled reference of a version.

        Raises
        ------
        UserError
            When there is no labelled reference, or it cannot be learnt from.
        """
        digest = version.digest
        if digest not in self._methods:
            held = self.store.estimates.reference(self.model, version.number, digest)
            if held is None:
                held = self.labelled(version, at)
            self._methods[digest] = Methods.of(held, self.policy.min_rows)
            self.store.estimates.keep_reference(self.model, version.number, digest, held)
        return self._methods[digest]

    def _blended(
        self,
        said: Mapping[str, Mapping[str, Estimate]],
        past: Sequence[Estimated],
        *,
        lookback: timedelta,
        at: datetime,
    ) -> dict[str, Blended]:
        """By metric; `past` are windows that ended before this one began, oldest first."""

        def window(one: Estimated, metric: str) -> Window:
            known = one.scored
            return Window(
                place=(one.until - EPOCH) / lookback,
                said=one.said[metric],
                seen=None if known is None else known.seen.get(metric),
                due=float("inf") if known is None else (known.at - EPOCH) / lookback,
            )

        return {
            metric: blend(
                [window(earlier, metric) for earlier in past if metric in earlier.said],
                Window(place=(at - EPOCH) / lookback, said=one),
                self.blend,
            )
            for metric, one in said.items()
        }

    def _estimated(self, outlook: Outlook, window: Profile, lookback: timedelta) -> Estimated:
        return Estimated(
            model=self.model,
            version=outlook.version,
            at=outlook.at,
            since=outlook.at - lookback,
            until=outlook.at,
            n=window.n,
            said=outlook.said,
            combined={name: (one.value, *one.interval) for name, one in outlook.blended.items()},
        )

    def _score(self, version: Version, bins: FeatureBins, *, at: datetime) -> None:
        """Score windows whose labels are there, or are not to come any more."""
        waiting = self.store.estimates.unscored(self.model, version.number, until=at, limit=TRIES)
        for one in waiting:
            held = self.store.scored_labels(
                self.model,
                since=one.since,
                until=one.until,
                known=KnownLabels(as_of=at),
                version=version.number,
            )
            over = at - one.until >= timedelta(days=self.policy.due_days)
            if len(held.values) < self.policy.matured_share * one.n and not over:
                continue
            labelled = Labelled.of(
                np.array(held.values, dtype=np.int64),
                np.array(held.probabilities, dtype=float),
                version.threshold,
            )
            told = seen(labelled) if labelled.n >= self.policy.min_rows else {}
            scored = Scored(at=at, n=labelled.n, seen=told, labelled=binned(labelled, bins))
            self.store.estimates.score(one, scored)


def binned(labelled: Labelled, bins: FeatureBins) -> Labelled:
    """The same labels with each score moved to the middle of its bin."""
    answers = labelled.answers
    place = np.searchsorted(np.asarray(bins.edges), answers.score, side="right")
    keys, inverse = np.unique(2 * place + answers.positive, return_inverse=True)
    return Labelled(
        answers=Answers(
            score=np.clip(bins.positions[keys // 2], 0.0, 1.0),
            positive=keys % 2 == 1,
            rows=np.bincount(inverse, answers.rows, len(keys)).astype(float),
        ),
        truth=np.bincount(inverse, labelled.truth, len(keys)).astype(float),
    )


def _untold(outcome: Outcome, error: HomeostatError) -> Verdict:
    reason = f"nothing can be estimated: {error}; {BLIND}"
    return Verdict(question="estimate", outcome=outcome, reason=reason)
