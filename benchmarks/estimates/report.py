"""The tables of what came of it, and the targets beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from benchmarks.estimates.measure import (
    CONSTANT,
    LAST,
    METRICS,
    NANNYML,
    OURS,
    PERFECT,
    REFERENCE,
    SINGLE,
)
from benchmarks.estimates.stream import COVARIATE
from benchmarks.page import table
from homeostat.blend import BLEND

__all__ = ["Target", "report", "targets"]

Results: TypeAlias = list[dict[str, Any]]

#: Error of the combined estimator, of the best single method on a stream.
WORST_RATIO = 1.05
#: And on average of that of NannyML's CBPE.
MEAN_RATIO = 0.85
#: Shares of windows whose interval is to hold under covariate shift.
LEAST, MOST = 0.93, 0.97

SHOWN = (NANNYML, OURS, LAST, REFERENCE, BLEND)


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised, and what was measured."""

    what: str
    asked: str
    measured: str
    met: bool


def report(results: Results) -> str:
    """All tables, the targets first."""
    parts = [
        ("Targets", target_table(targets(results))),
        ("Error of combined as a share of others, by what changes", share_table(results)),
    ]
    parts += [(f"Mean absolute error of {one}", error_table(results, one)) for one in METRICS]
    parts += [
        ("Windows whose 95 % interval held what the labels said", coverage_table(results)),
        ("Dummies", dummy_table(results)),
        ("Not measured", absent_table(results)),
    ]
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts if text)


def targets(results: Results) -> list[Target]:
    """Every target for which something was measured."""
    ratios = _ratios(results, _best)
    found = []
    if ratios:
        key, worst = max(ratios.items(), key=lambda one: one[1])
        median = float(np.median(list(ratios.values())))
        found.append(
            Target(
                "combined, of the best single method on each stream",
                f"at most {WORST_RATIO:.2f}",
                f"{worst:.3f} ({', '.join(map(str, key))}); median {median:.3f}",
                worst <= WORST_RATIO,
            )
        )
    beside = _ratios(results, lambda held: held.get(NANNYML))
    if beside:
        mean = float(np.mean(list(beside.values())))
        asked = f"at most {MEAN_RATIO:.2f}"
        what = "combined, of NannyML's CBPE, mean over streams, lags and metrics"
        found.append(Target(what, asked, f"{mean:.3f}", mean <= MEAN_RATIO))
    for method in (BLEND, OURS):
        held, windows = _covered(results, method, lambda one: one["changes"] == COVARIATE)
        if windows:
            share = held / windows
            found.append(
                Target(
                    f"95 % intervals of {method} under covariate shift",
                    f"{LEAST:.0%} to {MOST:.0%}",
                    f"{share:.1%} of {windows:,}",
                    LEAST <= share <= MOST,
                )
            )
    return found


def target_table(found: Sequence[Target]) -> str:
    rows = [[one.what, one.asked, one.measured, "yes" if one.met else "**no**"] for one in found]
    return table(["what", "asked", "measured", "met"], rows, names=4) if rows else ""


def share_table(results: Results) -> str:
    """Mean over streams, lags and metrics, for each kind of change."""
    rows = []
    for changes in dict.fromkeys(one["changes"] for one in _real(results)):
        part = [one for one in _real(results) if one["changes"] == changes]
        cells = []
        for name in SINGLE:
            held = [
                errors[BLEND] / errors[name] for errors in _errors(part).values() if name in errors
            ]
            cells.append(f"{np.mean(held):.2f}" if held else "–")
        rows.append([changes, *cells])
    return table(["what changes", *SINGLE], rows) if rows else ""


def error_table(results: Results, metric: str) -> str:
    """By stream and lag, the smallest error of a single method and that of the blend in bold."""
    rows = []
    for (stream, lag, one), held in _errors(results).items():
        if one == metric:
            best = _best(held)
            cells = [_cell(held.get(name), bold=held.get(name) == best) for name in SHOWN]
            ratio = held[BLEND] / best if best else float("nan")
            rows.append([stream, str(lag), *cells, f"{ratio:.2f}"])
    heads = ["stream", "lag", *SHOWN, "combined of best"]
    return table(heads, rows) if rows else ""


def coverage_table(results: Results) -> str:
    """Of the blend and of cbpe, by stream and lag, over all metrics."""
    rows = []
    for stream, lag in dict.fromkeys((one["stream"], one["lag"]) for one in _real(results)):
        row, windows = [stream, str(lag)], 0
        part = [one for one in results if (one.get("stream"), one.get("lag")) == (stream, lag)]
        for method in (BLEND, OURS):
            held, windows = _covered(part, method, lambda _: True)
            row += [f"{held / windows:.1%}" if windows else "–"]
        rows.append([*row, f"{windows:,}"])
    return table(["stream", "lag", BLEND, OURS, "windows × metrics"], rows) if rows else ""


def dummy_table(results: Results) -> str:
    """What the targets say of estimators that are known to be good and bad."""
    rows = []
    for dummy in (PERFECT, CONSTANT):
        held = {key: one for key, one in _errors(results, dummies=True).items() if dummy in one}
        ratios = [one[dummy] / _best(one) for one in held.values()]
        covered, windows = _covered(results, dummy, lambda _: True)
        if ratios:
            rows.append([dummy, f"{max(ratios):.2f}", f"{covered / windows:.1%}"])
    return (
        table(["estimator", "largest ratio to the best single", "interval held"], rows)
        if rows
        else ""
    )


def absent_table(results: Results) -> str:
    rows = [[one["peer"], one["why"]] for one in results if one["table"] == "absent"]
    return table(["peer", "why"], rows, names=2) if rows else ""


def _real(results: Results) -> Results:
    return [one for one in results if one["table"] == "measured"]


def _errors(
    results: Results, *, dummies: bool = False
) -> dict[tuple[str, int, str], dict[str, float]]:
    """Mean absolute error over all windows of all draws, by stream, lag and metric, by method."""
    sums: dict[tuple[str, int, str], dict[str, list[float]]] = {}
    for one in _real(results):
        if one["method"] in (PERFECT, CONSTANT) and not dummies:
            continue
        held = sums.setdefault((one["stream"], one["lag"], one["metric"]), {})
        total = held.setdefault(one["method"], [0.0, 0.0])
        total[0] += one["error"] * one["windows"]
        total[1] += one["windows"]
    return {
        key: {name: total / n for name, (total, n) in held.items()} for key, held in sums.items()
    }


def _ratios(
    results: Results, beside: Callable[[dict[str, float]], float | None]
) -> dict[tuple[str, int, str], float]:
    """Error of the blend as a share of another one's, by stream, lag and metric."""
    found = {}
    for key, held in _errors(results).items():
        other = beside(held)
        if other:
            found[key] = held[BLEND] / other
    return found


def _best(held: dict[str, float]) -> float:
    return min(held[name] for name in SINGLE if name in held)


def _covered(
    results: Results, method: str, chosen: Callable[[dict[str, Any]], bool]
) -> tuple[int, int]:
    held = [
        one
        for one in _real(results)
        if one["method"] == method and one["covered"] is not None and chosen(one)
    ]
    return sum(one["covered"] for one in held), sum(one["windows"] for one in held)


def _cell(value: float | None, *, bold: bool) -> str:
    if value is None:
        return "–"
    return f"**{value:.4f}**" if bold else f"{value:.4f}"
