"""The tables of what came of it, and the targets beside it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, log
from typing import Any, TypeAlias

import numpy as np
from scipy.special import ndtr

from benchmarks.page import table
from benchmarks.quality.changes import CHANGES
from benchmarks.quality.creeping import DAYS
from benchmarks.quality.intervals import of_rate, of_share
from benchmarks.quality.rules import RULES
from benchmarks.quality.streams import KINDS
from benchmarks.quality.tasks import OURS, Results
from benchmarks.quality.watched import MOST

__all__ = ["WEEK", "Target", "report", "targets"]

WEEK = 2_016  #: windows of five minutes
BUDGET = 1.0  #: alarms a week

#: Shares of changes of the stated effect that are to be seen.
LEAST_SEEN, MOST_SEEN = 0.77, 0.83

#: Shares of the changes that are to be seen in time.
IN_TIME = 0.95

PACKAGES = ("nannyml, the package", "whylogs, the package")
COMPARED = (
    OURS,
    "any p < 0.05",
    "Bonferroni 0.05",
    "Bonferroni 1/2,016",
    "PSI > 0.2",
    "Evidently: any feature",
    *PACKAGES,
)

#: Rules whose waiting is shown beside homeostat's.
WAITING = ("Bonferroni 0.05", "Bonferroni 1/2,016")

#: What is said of the rows of a quiet window.
ROWS_ARE = {
    "independent": "are drawn independently",
    "ties and tails": "have heavy ties and long tails",
    "autocorrelated": "come from groups of users whose mix moves from window to window",
}

#: By case, which is kind or change, rows and features, and by rule: alarms, windows.
_Shares: TypeAlias = dict[tuple[str, int, int], dict[str, tuple[int, int]]]


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
        ("Tasks that failed, of which nothing is told", failed_table(results)),
        ("Targets", target_table(targets(results))),
        ("Quiet streams, looked at every five minutes", watch_table(results)),
        ("Quiet windows, one by one: share that alarms", quiet_table(results)),
        ("Windows of 200 rows until a change is seen", delay_table(results)),
        ("One window: share of changes that are caught", caught_table(results)),
        ("Changes of the stated minimum detectable effect", stated_table(results)),
        ("Slow creep: 200 rows a day", creep_table(results)),
        ("What overlapping windows are worth", overlap_table(results)),
        ("Do the rules say what the packages say?", agreement_table(results)),
    ]
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in parts if text)


def targets(results: Results) -> list[Target]:
    """Every target of this bench for which something was measured."""
    return [*_quiet_targets(results), *_delay_targets(results), *_stated_targets(results)]


def failed_table(results: Results) -> str:
    rows = [[one["task"], one["why"]] for one in results if one["table"] == "failed"]
    return table(["task", "why"], rows, names=2) if rows else ""


def target_table(found: Sequence[Target]) -> str:
    rows = [[one.what, one.asked, one.measured, "yes" if one.met else "**no**"] for one in found]
    if not rows:
        return ""
    return table(["what", "asked", "measured", "met"], rows, names=4)


def watch_table(results: Results) -> str:
    """The rate of false alarms of homeostat, by kind of stream."""
    held = _watches(results)
    if not held:
        return ""
    looks, alarms, failing = (
        sum(one[key] for one in held.values()) for key in ("looks", "alarms", "failing")
    )
    rows = [
        [kind, f"{n:,}", str(features), *_rate(one["looks"], one["alarms"], one["failing"])]
        for (kind, n, features), one in sorted(held.items())
    ]
    rows.append(["**all**", "", "", *_rate(looks, alarms, failing)])
    heads = ["stream", "rows of a window", "features", "windows", "that alarm", "alarms"]
    heads += ["alarms a week", "95 % interval"]
    blamed = sum((Counter(one["blamed"]) for one in held.values()), Counter())
    said = "; ".join(f"{count} × {name}" for name, count in blamed.most_common())
    return f"{table(heads, rows)}\n\nFalse alarms began with: {said or 'there was none'}."


def quiet_table(results: Results) -> str:
    """Every rule on quiet single windows, a table for each kind of them."""
    found = _shares(results)
    parts = []
    for kind in KINDS:
        cases = [key for key in found if key[0] == kind]
        if cases:
            parts.append(f"Rows {ROWS_ARE[kind]}:\n\n{_quiet_of_kind(found, cases)}")
    if not parts:
        return ""
    parts.append(f"The rules: {'; '.join(f'{name}: {what}' for name, what in RULES.items())}.")
    absent = [f"{one['peer']}: {one['why']}" for one in results if one["table"] == "absent"]
    if absent:
        parts.append(f"Not measured: {'; '.join(absent)}.")
    return "\n\n".join(parts)


def _quiet_of_kind(found: _Shares, cases: Sequence[tuple[str, int, int]]) -> str:
    usual = (cases[0][0], 200, 20)
    heads = ["rule", *(f"n = {n:,}{_features(k)}" for _, n, k in cases)]
    heads.append("alarms a week, n = 200")
    rows = []
    for name in (OURS, *RULES, *PACKAGES):
        if any(name in found[case] for case in cases):
            cells = [_share(found[case].get(name)) for case in cases]
            rows.append([name, *cells, _weekly(found.get(usual, {}).get(name))])
    return table(heads, rows)


def delay_table(results: Results) -> str:
    """Windows until seen: homeostat's, and what follows for a rule that has no memory."""
    delays, shares = _delays(results), _shares(results)
    if not any(delays.values()):
        return ""
    heads = ["change", "runs", "homeostat: median", "95th percentile", "asked"]
    heads += ["seen in time", "95 % interval", "in the worst stream"]
    heads += [f"{name}: median" for name in WAITING]
    rows = []
    for change in CHANGES:
        seen = delays.get(change.name)
        if seen:
            single = shares.get((change.name, 200, change.features), {})
            rules = [_without_memory(single.get(name)) for name in WAITING]
            rows.append([change.name, *_delay(seen, change.within), *rules])
    note = (
        f"At most {MOST} windows were waited for. A rule without memory sees a lasting change "
        "in a window of its own with the share below; its median follows from that, and its "
        "false alarms stand above."
    )
    return f"{table(heads, rows)}\n\n{note}"


def caught_table(results: Results) -> str:
    """Every rule on single windows in which something has changed, by their rows."""
    found = _shares(results)
    changed = {one.name for one in CHANGES}
    parts = []
    for n in sorted({n for name, n, _ in found if name in changed}):
        rows = []
        for one in CHANGES:
            held = found.get((one.name, n, one.features))
            if held:
                rows.append([one.name, *(_share(held.get(name)) for name in COMPARED)])
        parts.append(f"n = {n:,}:\n\n{table(['change', *COMPARED], rows)}")
    return "\n\n".join(parts)


def stated_table(results: Results) -> str:
    """How often a change of the stated effect is seen."""
    rows = []
    for one in (one for one in results if one["table"] == "stated"):
        begin = [one["statistic"], f"{one['rows']:,}"]
        if one["effect"] is None:
            rows.append([*begin, "none that can be planted", "", "", ""])
            continue
        seen = _share((one["seen"], one["windows"]))
        rows.append([*begin, f"{one['effect']:.3g}", f"{one['windows']:,}", seen])
        rows[-1].append(_share((one["any"], one["windows"])))
    heads = ["statistic", "rows", "stated effect", "windows", "seen by it", "seen by any"]
    return table(heads, rows) if rows else ""


def creep_table(results: Results) -> str:
    """Days until a creep is seen, by all that is asked and in the rows of a day alone."""
    rows = [
        [one["creep"], str(len(one["at_all"])), *_days(one["at_all"]), *_days(one["in_a_day"])]
        for one in results
        if one["table"] == "creep"
    ]
    heads = ["change", "streams", "days until seen: median", f"seen within {DAYS} days"]
    heads += ["in the rows of one day: median", f"within {DAYS} days"]
    return table(heads, rows) if rows else ""


def _days(until: Sequence[int | None]) -> list[str]:
    seen = sorted(day for day in until if day is not None)
    middle = ceil(len(until) / 2)
    median = str(seen[middle - 1]) if len(seen) >= middle else f"over {DAYS}"
    return [median, _share((len(seen), len(until)))]


def overlap_table(results: Results) -> str:
    """Alarms of overlapping windows over those of one window at each look."""
    rows = []
    for one in (one for one in results if one["table"] == "overlap"):
        each = one["looks"] * float(2 * ndtr(-one["critical"]))
        low, high = of_rate(one["alarms"], each)
        worth = f"{one['alarms'] / each:.2f} ({low:.2f} to {high:.2f})"
        rows.append([f"{one['critical']:g}", f"{one['alarms']:,}", worth])
    return table(["standard errors", "alarms", "windows that they are worth"], rows) if rows else ""


def agreement_table(results: Results) -> str:
    """Rules written here beside their packages."""
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in (one for one in results if one["table"] == "agreement"):
        counts = {key: one[key] for key in ("windows", "same", "alarms")}
        sums[one["rule"], one["peer"]].update(counts)
    rows = [
        [rule, peer, str(one["windows"]), str(one["alarms"]), str(one["same"])]
        for (rule, peer), one in sums.items()
    ]
    heads = ["rule", "package", "windows", "the package alarms", "the rule says the same"]
    return table(heads, rows, names=2) if rows else ""


def _quiet_targets(results: Results) -> Iterator[Target]:
    for (kind, n, features), one in sorted(_watches(results).items()):
        weeks = one["looks"] / WEEK
        low, high = of_rate(one["alarms"], weeks)
        measured = f"{one['alarms'] / weeks:.2f} ({low:.2f} to {high:.2f}), {one['looks']:,} looks"
        what = f"alarms a week: {kind}, {n:,} rows, {features} features"
        yield Target(what, "at most 1, by its interval", measured, low <= BUDGET)
    looks = sum(one["looks"] for one in _watches(results).values())
    if looks:
        alarms = sum(one["alarms"] for one in _watches(results).values())
        low, high = of_rate(alarms, looks / WEEK)
        measured = f"{alarms * WEEK / looks:.2f} ({low:.2f} to {high:.2f}), {looks:,} looks"
        yield Target("alarms a week: all of them", "at most 1", measured, alarms * WEEK <= looks)
        yield Target("quiet windows", "at least 10,000", f"{looks:,}", looks >= 10_000)


def _delay_targets(results: Results) -> Iterator[Target]:
    for change in CHANGES:
        seen = [one for stream in _delays(results)[change.name] for one in stream]
        if change.within and seen:
            inside = _inside(seen, change.within)
            what = f"{change.name}: seen within {change.within} windows of 200 rows"
            met = inside / len(seen) >= IN_TIME
            yield Target(what, "at least 95 % of runs", _share((inside, len(seen))), met)


def _stated_targets(results: Results) -> Iterator[Target]:
    for one in (one for one in results if one["table"] == "stated" and one["windows"]):
        low, high = of_share(one["seen"], one["windows"])
        what = f"stated effect of {one['statistic']}, {one['rows']:,} rows"
        met = low <= MOST_SEEN and high >= LEAST_SEEN
        yield Target(what, "77 to 83 %", _share((one["seen"], one["windows"])), met)


def _watches(results: Results) -> dict[tuple[str, int, int], dict[str, Any]]:
    """Sums over the streams of one kind."""
    sums: dict[tuple[str, int, int], dict[str, Any]] = {}
    for one in (one for one in results if one["table"] == "watch"):
        key = one["kind"], one["rows"], one["features"]
        held = sums.setdefault(key, {"looks": 0, "alarms": 0, "failing": 0, "blamed": Counter()})
        for name in ("looks", "alarms", "failing"):
            held[name] += one[name]
        held["blamed"].update(one["blamed"])
    return sums


def _delays(results: Results) -> dict[str, list[list[int | None]]]:
    """By change and by stream, the windows until it was seen."""
    found: dict[str, list[list[int | None]]] = defaultdict(list)
    for one in (one for one in results if one["table"] == "watch"):
        for name, delays in one["delays"].items():
            found[name].append(delays)
    return found


def _shares(results: Results) -> _Shares:
    """By case and rule, how many alarms in how many windows."""
    found: _Shares = defaultdict(dict)
    for one in (one for one in results if one["table"] == "windows"):
        key = one["case"], one["rows"], one["features"]
        found[key][one["rule"]] = one["alarms"], one["windows"]
    return dict(sorted(found.items()))


def _delay(streams: Sequence[Sequence[int | None]], within: int | None) -> list[str]:
    seen = [one for stream in streams for one in stream]
    waited = np.sort([np.inf if one is None else one for one in seen])
    median, late = (waited[ceil(share * len(waited)) - 1] for share in (0.5, 0.95))
    cells = [str(len(seen)), _windows(median), _windows(late)]
    if within is None:
        return [*cells, "", "", "", ""]
    low, high = of_share(_inside(seen, within), len(seen))
    share, interval = _inside(seen, within) / len(seen), f"{low:.1%} to {high:.1%}"
    worst = min(_inside(one, within) / len(one) for one in streams)
    return [*cells, str(within), f"{share:.1%}", interval, f"{worst:.0%}"]


def _inside(seen: Sequence[int | None], within: int) -> int:
    """How many were seen in time."""
    return sum(one is not None and one <= within for one in seen)


def _windows(number: float) -> str:
    return f"over {MOST}" if number == np.inf else f"{number:.0f}"


def _without_memory(single: tuple[int, int] | None) -> str:
    if single is None:
        return ""
    share = single[0] / single[1]
    if share in {0.0, 1.0}:
        return "1" if share else "never"
    return str(ceil(log(0.5) / log(1 - share)))


def _rate(looks: int, alarms: int, failing: int) -> list[str]:
    low, high = of_rate(alarms, looks / WEEK)
    rate = alarms * WEEK / looks
    return [f"{looks:,}", str(failing), str(alarms), f"{rate:.2f}", f"{low:.2f} to {high:.2f}"]


def _share(counts: tuple[int, int] | None) -> str:
    if counts is None:
        return ""
    cases, n = counts
    low, high = of_share(cases, n)
    return f"{cases / n:.2f} ({low:.2f}–{high:.2f})"


def _weekly(counts: tuple[int, int] | None) -> str:
    """Alarms a week of single windows, with the interval of a Poisson rate."""
    if counts is None:
        return ""
    low, high = of_rate(counts[0], counts[1] / WEEK)
    return f"{counts[0] * WEEK / counts[1]:,.0f} ({low:,.0f}–{min(high, WEEK):,.0f})"


def _features(number: int) -> str:
    return "" if number == 20 else f", {number} features"
