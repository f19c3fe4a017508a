"""Blend: estimates without labels and labels that come late, each by how well it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from homeostat.estimators import LEVEL, Estimate
from homeostat.mixture import Mixture

__all__ = [
    "BLEND",
    "BlendPolicy",
    "Blended",
    "Coverage",
    "Window",
    "blend",
    "blend_each",
]

_Floats = NDArray[np.float64]

BLEND = "combined"  #: name of the blend beside those of the methods in it

BACK_AFTER = 3  #: covered windows in a row that give a vote back


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendPolicy:
    """How the methods are put together; chosen on simulated streams (`make bench-estimates`)."""

    #: Prior weight of each method; those that say nothing of a window are left out.
    prior: Mapping[str, float] = field(
        default_factory=lambda: {"cbpe": 0.8, "recent": 0.1, "labels": 0.1}
    )
    bare: float = 0.8  #: of the weight of a method, for taking its word as it is
    #: How fast the error of a method moves from window to window, in deviations of the labels.
    steps: tuple[float, ...] = (0.0, 0.25, 1.0, 4.0, 16.0)
    #: How much it scatters besides, in the same unit.
    scatters: tuple[float, ...] = (1.0, 3.0)
    share: float = 0.02  #: of all weight, given back to the prior after each window
    memory: int = 60  #: windows over which coverage is tested
    sure: float = 0.001  #: chance that a sound estimator is found to cover too little


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What each method said of one window, and what its labels said when they came."""

    place: float  #: of the window in time, in lengths of a window
    said: Mapping[str, Estimate]  #: by method, of one metric
    seen: float | None = None  #: what the labels say; None until they come
    due: float = float("inf")  #: when the labels came, in the unit of `place`


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often what labels said lay in the interval, of the newest windows that have any."""

    windows: int
    covered: int
    sure: float  #: chance that a sound estimator is found to cover too little
    in_a_row: int = 0  #: covered windows since the last that was not

    @property
    def share(self) -> float:
        """Covered windows; NaN when there were none."""
        return self.covered / self.windows if self.windows else float("nan")

    @property
    def p_value(self) -> float:
        """One-sided, exact: chance of so few or fewer when `LEVEL` of all are covered."""
        return float(bdtr(self.covered, self.windows, LEVEL)) if self.windows else 1.0

    @property
    def lost(self) -> bool:
        """Whether the estimator has no vote: it is shown to cover too little.

        It has it again once the newest windows, `BACK_AFTER` of them, were all covered; the
        weight that it is heard with is small until more of them were.
        """
        return self.p_value < self.sure and self.in_a_row < BACK_AFTER

    @property
    def reason(self) -> str:
        """The number seen and the number asked, for people."""
        return (
            f"{self.covered} of {self.windows} labelled windows in its {LEVEL:.0%} interval, "
            f"p {self.p_value:.2g} ({self.sure:g} asked)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended:
    """What is expected of the labels of a window, once all methods are heard."""

    value: float  #: above and below it labels are as likely
    interval: tuple[float, float]  #: the labels say something within it in `LEVEL` of all windows
    n: int  #: rows of the window
    mixture: Mixture
    weights: Mapping[str, float]  #: of each method, 1 together
    coverage: Mapping[str, Coverage]  #: of each method, and of the blend under `BLEND`
    errors: Mapping[str, float]  #: mean absolute error of each where labels came; NaN without


def blend(past: Sequence[Window], now: Window, policy: BlendPolicy | None = None) -> Blended:
    r"""What the labels of a window will say, by its methods and by how well they did.

    Each method is heard as it is, and corrected by what its error is learnt to be: a level
    that moves as a random walk, with the variances

    .. math:: e_t = b_t + \varepsilon_t, \quad b_t = b_{t-1} + \eta_t

    and one Kalman filter to each speed of the walk (a multi-process model).  The method
    "labels" says nothing itself, so that its error is the metric: its filters are means of
    what late labels said, over many windows or a few.  A filter predicts the window that is
    asked about from the labels that were there when it was asked, so the lag of the labels is
    in its spread, and its weight goes by the density that it gave to what labels said then,
    a share of all weight going back to the prior after each window, so that another method
    can take over soon after a change.

    Parameters
    ----------
    past
        Windows before, in order; what came of them counts when their labels were there.
    now
        The window that is asked about.

    Returns
    -------
    Blended
        A mixture of normal distributions.  A method whose own interval covers too little,
        as tested over the newest windows, is heard only with its corrections.

    References
    ----------
    Multi-process models: Harrison and Stevens (1976), J. Royal Statistical Society B 38(3);
    West and Harrison (1997), Bayesian Forecasting and Dynamic Models, chapter 12.  Shares and
    their regret: Herbster and Warmuth (1998), Machine Learning 32; Raftery, Karny and Ettler
    (2010), Technometrics 52(1).

    Examples
    --------
    >>> def window(place, seen=None):
    ...     said = Estimate(metric="accuracy", value=0.9, noise=0.01, doubt=0.002, n=900)
    ...     return Window(place=place, said={"cbpe": said}, seen=seen, due=place + 1)
    >>> round(blend([], window(0)).value, 3)
    0.9
    >>> wrong = [window(i, seen=0.8) for i in range(6)]
    >>> round(blend(wrong, window(6)).value, 2)
    0.8
    """
    return blend_each([*past, now], policy)[-1]


def blend_each(windows: Sequence[Window], policy: BlendPolicy | None = None) -> list[Blended]:
    """What `blend` says of each window after those before it; none for no windows."""
    found: list[Blended] = []
    if not windows:
        return found
    bank = _Bank.of(windows[0], policy or BlendPolicy())
    waiting: list[tuple[Window, Blended]] = []
    for window in windows:
        for one, predicted in [held for held in waiting if held[0].due <= window.place]:
            bank = bank.after(one, predicted)
        waiting = [held for held in waiting if held[0].due > window.place]
        found.append(bank.blended(window))
        waiting.append((window, found[-1]))
    return found


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _Bank:
    """All filters, those of a method in a row: the first takes its word, others correct it."""

    policy: BlendPolicy
    methods: tuple[str, ...]
    prior: _Floats  #: weight of each filter, (m, k)
    speed: _Floats  #: of the walk of each, in deviations of the labels, (k,)
    scatter: _Floats  #: besides, in the same unit, (k,)
    weight: _Floats  #: learnt, (m, k)
    mean: _Floats  #: of the error of each method, (m, k)
    variance: _Floats  #: of that, (m, k); NaN before the first label
    place: float | None = None  #: of the newest window whose labels came
    #: Of the newest windows whose labels came: how far off each method was, and whether its
    #: interval held what they say.
    history: tuple[Mapping[str, tuple[float, bool]], ...] = ()

    @classmethod
    def of(cls, window: Window, policy: BlendPolicy) -> "_Bank":
        methods = tuple(name for name in policy.prior if name in window.said)
        kinds = [(0.0, 0.0), *((one, 0.0) for one in policy.steps)]
        kinds += [(0.0, one) for one in policy.scatters]
        speed, scatter = np.array(kinds).T
        parts = np.array([policy.prior[name] for name in methods])
        inner = np.full(len(kinds), (1 - policy.bare) / (len(kinds) - 1))
        inner[0] = policy.bare
        prior = np.outer(parts / parts.sum(), inner)
        shape = prior.shape
        return cls(
            policy=policy,
            methods=methods,
            prior=prior,
            speed=speed,
            scatter=scatter,
            weight=prior,
            mean=np.zeros(shape),
            variance=np.full(shape, np.nan),
        )

    def predicted(self, window: Window) -> Mixture:
        """What all filters say that the labels of a window will say."""
        value, noise, doubt = self._said(window)
        level = self._level(window, noise, doubt)
        level[:, 0] = doubt[:, 0] ** 2
        spread = level + noise**2 * (1 + self.scatter**2)
        return Mixture(self._heard().ravel(), (value + self.mean).ravel(), np.sqrt(spread).ravel())

    def after(self, window: Window, blended: Blended) -> "_Bank":
        """The filters with the labels of one more window, whose prediction was made then."""
        seen = window.seen
        if seen is None:
            return self
        value, noise, doubt = self._said(window)
        predicted = blended.mixture
        miss = (seen - predicted.mean) / predicted.deviation
        density = (-(miss**2) / 2 - np.log(predicted.deviation)).reshape(self.prior.shape)
        weight = _normal(self.weight * np.exp(density - density.max()))
        inner = self.weight * np.exp(density - density.max(axis=1, keepdims=True))
        level = self._level(window, noise, doubt)
        gain = level / (level + noise**2 * (1 + self.scatter**2))
        gain[:, 0] = 0.0  # a method that is taken at its word is not corrected
        mean = self.mean + gain * (seen - value - self.mean)
        mean, variance = self._mixed(mean, (1 - gain) * level, inner)
        return replace(
            self,
            weight=(1 - self.policy.share) * weight + self.policy.share * self.prior,
            mean=mean,
            variance=variance,
            place=window.place,
            history=(*self.history, self._scored(window, seen, blended))[-self.policy.memory :],
        )

    def _mixed(self, mean: _Floats, variance: _Floats, weight: _Floats) -> tuple[_Floats, _Floats]:
        """The filters of each method, each moved to where all of them are by the share it gets.

        So a slow filter that lost its weight to a fast one goes on from where that one is.
        """
        own = (1 - self.policy.share) * weight / weight.sum(axis=1, keepdims=True)
        given = self.policy.share * self.prior / self.prior.sum(axis=1, keepdims=True)
        part = given / (own + given)
        part[:, 0] = 0.0
        share = weight / weight.sum(axis=1, keepdims=True)
        centre = (share * mean).sum(axis=1, keepdims=True)
        spread = (share * (variance + (mean - centre) ** 2)).sum(axis=1, keepdims=True)
        moved = (1 - part) * mean + part * centre
        apart = (1 - part) * (variance + (mean - moved) ** 2)
        return moved, apart + part * (spread + (centre - moved) ** 2)

    def blended(self, window: Window) -> Blended:
        """The answer, with what is known of each method."""
        mixture = self.predicted(window)
        any_one = window.said[self.methods[0]]
        weights = mixture.weight.reshape(self.prior.shape).sum(axis=1)
        coverage = {name: self._coverage(name) for name in (*self.methods, BLEND)}
        asked = ((1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2)
        quantiles = np.clip(mixture.quantiles(asked), any_one.lowest, any_one.highest)
        low, value, high = quantiles.tolist()
        return Blended(
            value=value,
            interval=(low, high),
            n=any_one.n,
            mixture=mixture,
            weights=dict(zip(self.methods, weights.tolist(), strict=True)),
            coverage=coverage,
            errors={name: self._error(name) for name in coverage},
        )

    def _said(self, window: Window) -> tuple[_Floats, _Floats, _Floats]:
        """Value, noise and doubt of each method, shape (m, 1)."""
        held = [window.said[name] for name in self.methods]
        table = np.array([(one.value, max(one.noise, 0.5 / one.n), one.doubt) for one in held])
        return table[:, :1], table[:, 1:2], table[:, 2:]

    def _level(self, window: Window, noise: _Floats, doubt: _Floats) -> _Floats:
        """The variance of the error of each method at the place of a window."""
        gap = 1.0 if self.place is None else max(0.0, window.place - self.place)
        before = np.where(np.isnan(self.variance), doubt**2, self.variance)
        return before + (self.speed * noise) ** 2 * gap

    def _heard(self) -> _Floats:
        """The weights of the filters, without methods that have lost their vote."""
        weight = self.weight.copy()
        for i, name in enumerate(self.methods):
            if self._coverage(name).lost:
                weight[i, 0] = 0.0
        return _normal(weight)

    def _scored(
        self, window: Window, seen: float, blended: Blended
    ) -> dict[str, tuple[float, bool]]:
        """How far off each method was, and whether its interval held what the labels say."""
        low, high = blended.interval
        found = {BLEND: (abs(seen - blended.value), low <= seen <= high)}
        for name in self.methods:
            one = window.said[name]
            low, high = one.interval
            found[name] = abs(seen - one.value), low <= seen <= high
        return found

    def _coverage(self, name: str) -> Coverage:
        held = [one[name][1] for one in self.history]
        missed = next((i for i, one in enumerate(reversed(held)) if not one), len(held))
        return Coverage(len(held), sum(held), self.policy.sure, missed)

    def _error(self, name: str) -> float:
        """Mean absolute error over the labelled windows; NaN when there are none."""
        errors = [one[name][0] for one in self.history]
        return float(np.mean(errors)) if errors else float("nan")


def _normal(weight: _Floats) -> _Floats:
    """Weights that are 1 together."""
    normal: _Floats = weight / weight.sum()
    return normal
