"""What is to be done, in pieces that know nothing of each other, and what came of each."""

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

from benchmarks.processes import NUMPY1, PEERS, last_line, python_of, run, why_absent
from benchmarks.quality.cases import REFERENCE_ROWS, Case

__all__ = [
    "OURS",
    "Agreement",
    "Creep",
    "Overlapping",
    "Package",
    "Results",
    "Stated",
    "Task",
    "Watch",
    "Windows",
    "done",
]

#: Plain data; the key "table" says of which table it is a row.
Results: TypeAlias = list[dict[str, Any]]

OURS = "homeostat, one window"  #: the name of its rule among those for single windows

ENVIRONMENTS = {"nannyml": PEERS, "evidently": PEERS, "whylogs": NUMPY1, "alibi": NUMPY1}

WALL_LIMIT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Single windows, judged by all rules that are written here, and by homeostat."""

    case: Case
    reference_rows: int = REFERENCE_ROWS

    @property
    def name(self) -> str:
        return f"windows {self.case.key}"

    def work(self) -> Results:
        from benchmarks.quality.counting import fit, profiles
        from benchmarks.quality.rules import Rules
        from homeostat.policy import DriftPolicy, judge_drift
        from homeostat.verdict import Outcome

        population, policy = self.case.population, DriftPolicy()
        reference = self.case.reference(self.reference_rows)
        rules = Rules(population, reference)
        bins = fit(population, reference)
        (before,) = profiles(reference, population, bins)
        alarms: Counter[str] = Counter()
        for block in self.case.blocks():
            alarms.update({name: int(one.sum()) for name, one in rules.alarms(block).items()})
            verdicts = [
                judge_drift(before, one, policy) for one in profiles(block, population, bins)
            ]
            alarms[OURS] += sum(one.outcome is Outcome.FAIL for one in verdicts)
        return [_windows_row(self.case, rule, count) for rule, count in alarms.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A quiet stream looked at again and again, and changes planted into copies of it."""

    case: Case
    changes: tuple[str, ...] = ()  #: names
    begin: int = 0
    every: int = 1
    most: int = 40  #: windows until which one waits
    reference_rows: int = REFERENCE_ROWS

    @property
    def name(self) -> str:
        planted = f", {len(self.changes)} changes planted" if self.changes else ""
        return f"watch {self.case.key} seed {self.case.stream.seed}{planted}"

    def work(self) -> Results:
        from benchmarks.quality.watched import Branches, quiet

        branches = Branches(
            changes=self.changes, begin=self.begin, every=self.every, most=self.most
        )
        stream = self.case.stream
        found = quiet(
            stream, self.case.windows, branches if self.changes else None, self.reference_rows
        )
        plain = {"kind": stream.kind, "rows": stream.rows, "features": stream.features}
        return [{"table": "watch", **plain, **found.to_dict()}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Changes of just the stated minimum detectable effect."""

    statistic: str
    rows: int
    windows: int
    seed: int

    @property
    def name(self) -> str:
        return f"stated effect of {self.statistic}, {self.rows} rows"

    def work(self) -> Results:
        from benchmarks.quality.detectable import seen

        found = seen(self.statistic, self.rows, self.windows, self.seed)
        row = {"table": "stated", "statistic": self.statistic, "rows": self.rows}
        counts = {"windows": found.windows, "seen": found.seen, "any": found.any}
        return [{**row, "effect": found.effect, **counts}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlapping:
    """What overlapping windows are worth."""

    looks: int
    seed: int

    @property
    def name(self) -> str:
        return f"overlap of {self.looks:,} looks"

    def work(self) -> Results:
        from benchmarks.quality.overlap import CRITICAL, overlap

        found = overlap(self.looks, self.seed)
        return [
            {"table": "overlap", "critical": z, "looks": found.looks, "alarms": found.alarms[i]}
            for i, z in enumerate(CRITICAL)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Creep:
    """Streams of a window a day that creep away."""

    creep: str  #: which of `benchmarks.quality.creeping.CREEPS`
    streams: int
    seed: int

    @property
    def name(self) -> str:
        return f"slow creep, {self.creep}, {self.streams} streams"

    def work(self) -> Results:
        from benchmarks.quality.creeping import days_until

        seen = [days_until(self.creep, 100 * self.seed + i) for i in range(self.streams)]
        days = {"at_all": [one.at_all for one in seen], "in_a_day": [one.in_a_day for one in seen]}
        return [{"table": "creep", "creep": self.creep, **days}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """Single windows, judged by a peer's package in its own environment."""

    peer: str
    cases: tuple[Case, ...]
    reference_rows: int = REFERENCE_ROWS

    @property
    def name(self) -> str:
        return f"{self.peer}, {len(self.cases)} cases"

    def work(self) -> Results:
        found = self.alarms()
        if isinstance(found, str):
            return [{"table": "absent", "peer": self.peer, "why": found}]
        return [
            _windows_row(case, f"{self.peer}, the package", sum(alarms), len(alarms))
            for case, alarms in zip(self.cases, found, strict=True)
        ]

    def alarms(self) -> list[list[bool]] | str:
        """By case and window; or why there are none."""
        python = python_of(ENVIRONMENTS[self.peer])
        if not python.exists():
            return f"not installed: {why_absent(ENVIRONMENTS[self.peer])}"
        asked = {
            "reference_rows": self.reference_rows,
            "cases": [one.to_dict() for one in self.cases],
        }
        command = ["-m", "benchmarks.quality.peers", self.peer]
        ended = run(python, command, given=json.dumps(asked), wall_limit_s=WALL_LIMIT_S)
        if ended.code:
            return f"failed: {last_line(ended.errors)}"
        found: list[list[bool]] = json.loads(ended.output.splitlines()[-1])
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How often a rule as it is written here says what the package says."""

    package: Package
    rule: str

    @property
    def name(self) -> str:
        return f"agreement with {self.package.peer}"

    def work(self) -> Results:
        from benchmarks.quality.rules import Rules

        theirs = self.package.alarms()
        if isinstance(theirs, str):
            return [{"table": "absent", "peer": self.package.peer, "why": theirs}]
        found: Results = []
        for case, alarms in zip(self.package.cases, theirs, strict=True):
            rules = Rules(case.population, case.reference(self.package.reference_rows))
            ours = [bool(x) for one in case.blocks() for x in rules.alarms(one)[self.rule]]
            row = {"table": "agreement", "peer": self.package.peer, "rule": self.rule}
            same = sum(a == b for a, b in zip(ours, alarms, strict=True))
            found.append({**row, "windows": len(alarms), "same": same, "alarms": sum(alarms)})
        return found


Task: TypeAlias = Windows | Watch | Stated | Overlapping | Creep | Package | Agreement


def done(task: Task) -> Results:
    """What came of it, and what it cost."""
    before = time.perf_counter()
    found = task.work()
    cost = {"table": "cost", "task": task.name, "wall_s": time.perf_counter() - before}
    return [*found, cost]


def _windows_row(case: Case, rule: str, alarms: int, windows: int | None = None) -> dict[str, Any]:
    return {
        "table": "windows",
        "case": case.change or case.stream.kind,
        "rows": case.stream.rows,
        "features": case.stream.features,
        "rule": rule,
        "alarms": alarms,
        "windows": case.windows if windows is None else windows,
    }
