"""The command: measures one after the other, prints the tables, writes them to the page."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import described
from benchmarks.page import fill
from benchmarks.processes import ROOT, run
from benchmarks.serving.contestants import ALL, COMPILED_ONE, Contestant
from benchmarks.serving.measure import Measured, Setting, measure, served
from benchmarks.serving.project import Project, make
from benchmarks.serving.report import Found, report, report_soak, soak_targets, targets
from benchmarks.serving.trials import At, Soaked, Swapped, at_rate, soak, swap
from benchmarks.serving.workload import estimator, rows

PAGE = ROOT / "docs" / "explanation" / "bench-serving.md"
SECONDS, ROUNDS, CHANGES = 10.0, 5, 100
RATE, RATE_S = 200.0, 30.0
SWAP_RATE, SOAK_RATE = 100.0, 100.0
SWAP_ROWS = 2_000
VERSIONS = (0, 1)  #: seeds of the models; the first is served, the other is changed to

#: The versions of what a contestant's environment holds.
INSTALLED = (
    "import json, sys; from benchmarks.machine import versions;"
    "print(json.dumps(versions(*sys.argv[1:])))"
)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of load, each server")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of all servers")
    parser.add_argument("--changes", type=int, default=CHANGES, help="of the champion")
    parser.add_argument("--rate-seconds", type=float, default=RATE_S, help="at 200 per second")
    parser.add_argument(
        "--soak-minutes", type=float, default=0.0, help="at 100 per second, and nothing else"
    )
    parser.add_argument("--without-peers", action="store_true", help="ours and the bare handler")
    parser.add_argument("--quick", action="store_true", help="a second of each, without peers")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-serving")
    parser.add_argument("--date", help="of the run [default: today, UTC]")
    parser.add_argument("--write", action="store_true", help=f"the tables to {PAGE.name}")
    parser.add_argument("--check", action="store_true", help="leave with 1 when a target is missed")
    asked = parser.parse_args(given)
    if asked.quick:
        asked.without_peers, asked.seconds, asked.rounds = True, 1.0, 1
        asked.changes, asked.rate_seconds = 4, 1.0
    return asked


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments(given)
    machine = described(asked.date or f"{datetime.now(UTC):%Y-%m-%d}")
    if asked.soak_minutes:
        soaked = _soaked(asked)
        name, text, aims = "bench-soak", report_soak(soaked), soak_targets(soaked)
        some: Sequence[Contestant] = [COMPILED_ONE]
    else:
        some = [one for one in ALL if not (asked.without_peers and one.environment)]
        found = measured(some, asked)
        name, text, aims = "bench-serving", report(found), targets(found)
    text = f"{machine}. {_versions(some)}.\n\n{text}"
    print(text)
    if asked.write:
        fill(PAGE, name, text)
    return 1 if asked.check and any(one.met is False for one in aims) else 0


def measured(some: Sequence[Contestant], asked: argparse.Namespace) -> Found:
    """All but a long run, one after the other."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    folder: Path = asked.folder
    shutil.rmtree(folder, ignore_errors=True)
    project = make(folder / "project", versions=len(VERSIONS))
    answers = {
        str(i + 1): estimator(seed).predict_proba(rows(SWAP_ROWS))[:, 1].tolist()
        for i, seed in enumerate(VERSIONS)
    }
    setting = Setting(
        folder=folder,
        project=project.folder,
        original=make(folder / "original", compiling=False).folder,
        probability=answers["1"][0],
        seconds=asked.seconds,
    )
    runs: dict[str, list[Measured]] = {one.name: [] for one in some}
    for i in range(asked.rounds):
        for one in some:
            _say(f"round {i + 1}: {one.name}")
            runs[one.name].append(measure(one, setting))
    at, swapped = _trials(folder, project, answers, asked)
    return Found(runs=runs, at=at, swapped=swapped)


def _trials(
    folder: Path,
    project: Project,
    answers: dict[str, list[float]],
    asked: argparse.Namespace,
) -> tuple[At, Swapped]:
    copy = Project(folder / "trials")
    shutil.copytree(project.folder, copy.folder)
    settings = json.loads(copy.config.read_text(encoding="utf-8"))
    settings["serving"]["refresh_s"] = 0.05  # 100 changes in seconds
    copy.config.write_text(json.dumps(settings), encoding="utf-8")
    with served(COMPILED_ONE, copy.folder) as server:
        _say(f"{asked.changes} changes of the champion")
        swapped = swap(server, copy, answers, changes=asked.changes, rate=SWAP_RATE)
        _say(f"{RATE:g} requests per second")
        return at_rate(server, copy, rate=RATE, seconds=asked.rate_seconds), swapped


def _soaked(asked: argparse.Namespace) -> Soaked:
    """The service alone, for as long as is asked."""
    folder: Path = asked.folder
    shutil.rmtree(folder, ignore_errors=True)
    project = make(folder / "soak")
    _say(f"{asked.soak_minutes:g} minutes at {SOAK_RATE:g} requests per second")
    with served(COMPILED_ONE, project.folder) as server:
        return soak(server, project, minutes=asked.soak_minutes, rate=SOAK_RATE)


def _versions(some: Sequence[Contestant]) -> str:
    """What is installed, environment by environment."""
    said = []
    for python in dict.fromkeys(one.python for one in some if one.python.exists()):
        packages = [name for one in some if one.python == python for name in one.packages]
        ended = run(python, ["-c", INSTALLED, *dict.fromkeys(packages)], wall_limit_s=60.0)
        held = json.loads(ended.output)
        said.append(", ".join(f"{name} {version}" for name, version in held.items()))
    return "; ".join(said)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
