"""What Prometheus is told: as many series as are allowed, whatever comes in.

Counts are those of this process and begin at 0 with it, as Prometheus expects; with several
workers each is scraped for itself.  What is judged is judged from the store and is the same
in all of them.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeostat.serving.judging import Judged, Judging

__all__ = ["MOST_VALUES", "OTHER", "Gauges", "Labels", "Metrics", "Observed", "Observer"]

OTHER = "other"

MOST_VALUES = 100  #: of one label, `other` included
MOST_ROUTES = 40  #: of the label of routes, each of which has a histogram
MOST_MODELS = 20  #: of which is told what is in service
MOST_LOOPS = 160  #: of all models, of which is told when they last did their work
MOST_SCORES = 600  #: series of drift scores, over all versions and features

#: Ends of the bins of latencies, in seconds.
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

SEVERITIES = ("none", "warning", "critical")


class Labels:
    """The values of one label: the first ones as they are, the others together.

    Examples
    --------
    >>> labels = Labels(at_most=3)
    >>> [labels.of(one) for one in "abcda"], labels.truncated
    (['a', 'b', 'other', 'other', 'a'], 2)
    """

    def __init__(self, *, at_most: int = MOST_VALUES) -> None:
        self._at_most = at_most
        self._known = {OTHER}
        self.truncated = 0  #: times that a value was told as another

    def of(self, value: str) -> str:
        """The value, or `other` when there are too many."""
        if value in self._known:
            return value
        if len(self._known) < self._at_most:
            self._known.add(value)
            return value
        self.truncated += 1
        return OTHER


@dataclass(slots=True)
class _Latencies:
    """A histogram of seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.seconds += seconds

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """Cumulated, with the upper end of each."""
        ends = [*(f"{one:g}" for one in BUCKETS_S), "+Inf"]
        return list(zip(ends, accumulate(self.counts), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What stands somewhere else and is read when one asks; None where there is nothing."""

    champions: Mapping[str, int]  #: the number of the version in service, by model
    problems: Mapping[str, bool]  #: whether the version that should serve cannot be loaded
    waiting: int
    reports_waiting: int
    baseline_loaded: bool
    last_written_at: float | None  #: seconds since 1970
    #: Seconds since 1970, by model and loop.
    succeeded: Mapping[tuple[str, str], float] = field(default_factory=dict)


class Metrics(Collector):
    """Counts what happens in one application, and tells it.

    Everything happens in the thread of the event loop.

    Parameters
    ----------
    gauges
        Reads what is not counted here.
    judging
        Whose judgements are told.
    """

    def __init__(self, gauges: Callable[[], Gauges], judging: Judging) -> None:
        self._gauges, self._judging = gauges, judging
        self._routes = Labels(at_most=MOST_ROUTES)
        self._versions, self._served = Labels(), Labels()
        self._requests: dict[tuple[str, ...], int] = {}
        self._latencies: dict[str, _Latencies] = {}
        self._keys: dict[tuple[str, int], tuple[str, str]] = {}  #: of known routes, by status
        self._rows: dict[str, int] = {}
        self._served_rows: dict[tuple[str, ...], int] = {}
        self._alerts: dict[tuple[str, ...], int] = {}
        self._truncated_scores = 0
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that a route, by its template, gave this HTTP status."""
        key = self._keys.get((route, status)) or self._key(route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        self._latencies[key[0]].add(seconds)

    def _key(self, route: str, status: int) -> tuple[str, str]:
        """The labels of a request; those of a route that is told as itself are kept."""
        told = self._routes.of(route)
        self._latencies.setdefault(told, _Latencies())
        key = (told, f"{status // 100}xx")
        if told == route:
            self._keys[route, status] = key
        return key

    def served(self, model: str, version: int, rows: int) -> None:
        """Count rows that one of our versions answered."""
        known = self._served.of(f"{model} {version}") != OTHER
        key = (model, str(version)) if known else (OTHER, OTHER)
        self._served_rows[key] = self._served_rows.get(key, 0) + rows

    def reported(self, version: str, rows: int) -> None:
        """Count rows of a model that is served elsewhere."""
        name = self._versions.of(version)
        self._rows[name] = self._rows.get(name, 0) + rows

    def judged(self, one: Judged) -> None:
        """Count a drift that was found, or that got worse or better."""
        if one.told.drift_detected:
            key = (self._versions.of(one.told.model_version), one.severity.value)
            self._alerts[key] = self._alerts.get(key, 0) + 1

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Every metric with its series."""
        yield _counter(
            "model_predictions",
            "Rows of models served elsewhere that were stored.",
            ("model_version",),
            {(version,): n for version, n in self._rows.items()},
        )
        yield from self._judgements()
        yield _counter(
            "model_drift_alerts",
            "Judgements that found a drift, or found it to be of another severity.",
            ("model_version", "severity"),
            self._alerts,
        )
        yield _counter(
            "homeostat_predictions",
            "Rows that versions of ours answered and stored.",
            ("model", "version"),
            self._served_rows,
        )
        yield _counter(
            "homeostat_requests",
            "Requests by route and class of their status.",
            ("route", "status"),
            self._requests,
        )
        yield self._histogram()
        yield from _gauges(self._gauges())
        yield _counter(
            "homeostat_label_values_truncated",
            "Times that a value was told as `other`, because its label had too many.",
            ("label",),
            {
                ("model_version",): self._versions.truncated,
                ("feature",): self._truncated_scores,
                ("route",): self._routes.truncated,
                ("version",): self._served.truncated,
            },
        )

    def _judgements(self) -> Iterator[Metric]:
        scores = GaugeMetricFamily(
            "model_drift_score",
            "PSI of a feature beside the baseline; absent while it cannot be told.",
            labels=("model_version", "feature"),
        )
        made = GaugeMetricFamily(
            "model_drift_judged_rows",
            "Rows of the window that was last looked at.",
            labels=("model_version",),
        )
        found: dict[tuple[str, str], float] = {}
        for one in self._judging.held.values():
            version = self._versions.of(one.told.model_version)
            if one.told.n is not None:
                made.add_metric((version,), one.told.n)
            for feature, score in one.told.feature_scores.items():
                if score is not None and one.told.drift_detected is not None:
                    found[version, feature] = score
        for labels, score in self._bounded(found).items():
            scores.add_metric(labels, score)
        yield scores
        yield made

    def _bounded(self, found: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], float]:
        """As many scores as may be told; of the features that are left out, the largest."""
        features = Labels()
        names = dict.fromkeys(feature for _, feature in found)
        told_as = {name: features.of(name) for name in names}
        versions = Labels(at_most=max(2, MOST_SCORES // max(1, len(set(told_as.values())))))
        bounded: dict[tuple[str, str], float] = {}
        for (version, feature), score in found.items():
            key = (versions.of(version), told_as[feature])
            bounded[key] = max(score, bounded.get(key, score))
        self._truncated_scores += features.truncated + versions.truncated
        return bounded

    def _histogram(self) -> Metric:
        told = HistogramMetricFamily(
            "homeostat_request_seconds",
            "Seconds from the first byte of a request to the last of its answer.",
            labels=("route",),
        )
        for route, one in self._latencies.items():
            told.add_metric((route,), one.buckets, one.seconds)
        return told


@dataclass(frozen=True, slots=True)
class Observer:
    """Is told of every request."""

    metrics: Metrics
    written: Callable[[], None]  #: is told when rows of ours were stored

    def note(
        self, route: str, status: int, seconds: float, answered: tuple[str, int, int] | None
    ) -> None:
        """Count a request; with its model, version and rows where it was one for a version."""
        self.metrics.request(route, status, seconds)
        if status < 300 and answered:
            self.metrics.served(*answered)
            self.written()


class Observed:
    """Counts every request, whoever answers it.

    Parameters
    ----------
    app
        What answers.
    observer
        Is told of every request.
    unrouted
        Paths that may be answered without being routed.
    monotonic
        Seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        observer: Observer,
        unrouted: Collection[str],
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app, self._observer, self._unrouted = app, observer, unrouted
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # of a request whose answer never began

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = self._monotonic()
        try:
            await self._app(scope, receive, sending)
        finally:
            answered = scope.get("state", {}).get("answered")
            seconds = self._monotonic() - begun
            self._observer.note(self._route(scope), status, seconds, answered)

    def _route(self, scope: Scope) -> str:
        """Its template, of which there are few; a path may be anything."""
        path: str = scope["path"]
        if path in self._unrouted:
            return path
        route = scope.get("route")
        return OTHER if route is None else str(route.path)


def _counter(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], int]
) -> Metric:
    told = CounterMetricFamily(name, text, labels=labels)
    for key, n in values.items():
        told.add_metric(key, n)
    return told


def _gauges(seen: Gauges) -> Iterable[Metric]:
    champions = GaugeMetricFamily(
        "homeostat_champion_version", "Number of the version in service.", labels=("model",)
    )
    problems = GaugeMetricFamily(
        "homeostat_refresh_problem",
        "1 while the version that should serve cannot be loaded.",
        labels=("model",),
    )
    for model, number in list(seen.champions.items())[:MOST_MODELS]:
        champions.add_metric((model,), number)
    for model, problem in list(seen.problems.items())[:MOST_MODELS]:
        problems.add_metric((model,), problem)
    yield champions
    yield problems
    successes = GaugeMetricFamily(
        "homeostat_last_success_timestamp_seconds",
        "When a loop last did its work, in seconds since 1970; absent before the first time.",
        labels=("model", "loop"),
    )
    for labels, at in list(seen.succeeded.items())[:MOST_LOOPS]:
        successes.add_metric(labels, at)
    yield successes
    told: dict[str, tuple[str, float | None]] = {
        "homeostat_queue_length": ("Predictions that wait for their commit.", seen.waiting),
        "homeostat_reports_queue_length": (
            "Rows of models served elsewhere that wait for their commit.",
            seen.reports_waiting,
        ),
        "homeostat_baseline_loaded": (
            "1 while reported rows can be compared with something.",
            float(seen.baseline_loaded),
        ),
        "homeostat_last_write_timestamp_seconds": (
            "When rows were last stored, in seconds since 1970.",
            seen.last_written_at,
        ),
    }
    for name, (text, value) in told.items():
        if value is not None:
            yield GaugeMetricFamily(name, text, value=value)
