"""The bench of speed measures what it says, and says what it could not measure."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.drift import inside
from benchmarks.drift.__main__ import main
from benchmarks.drift.child import measured, peak_mib, processor_s
from benchmarks.drift.contestants import AT_HAND, EVIDENTLY, POLARS, SCIPY, Contestant
from benchmarks.drift.engines import ours, scipy_tests
from benchmarks.drift.measure import Measured, Paths, measure
from benchmarks.drift.report import report, targets
from benchmarks.drift.workload import DRIFTED, LEVELS, NAMES, file, rows
from benchmarks.page import fill
from homeostat.engines.frames import count_frame, fit_frame_bins

INSIDE: dict[str, Any] = {
    "windows": 100,
    "row_us": 9.0,
    "sums": [{"rows_a_minute": 40, "minutes": 5, "memory_ms": 20.0, "store_ms": 60.0}],
}
OURS = Measured(cpu_s=1.0, wall_s=1.0, peak_mib=500.0, found=DRIFTED)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    folder = tmp_path_factory.mktemp("workload")
    return Paths(
        reference=file(folder, 20_000, drifted=False),
        current=file(folder, 20_000, drifted=True),
        small=file(folder, 100, drifted=True),
    )


def test_the_workload_is_the_one_that_is_described(paths: Paths, tmp_path: Path) -> None:
    frame = pl.read_parquet(paths.current)
    again = pl.read_parquet(file(tmp_path, 20_000, drifted=True))
    texts = [name for name in NAMES if frame[name].dtype == pl.String]

    assert frame.equals(again)
    assert frame.columns == list(NAMES)
    assert len(NAMES) == 20
    assert len(DRIFTED) == 5
    assert {name: frame[name].n_unique() for name in texts} == dict(LEVELS)
    assert frame["with_gaps"].null_count() / len(frame) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    "prepare",
    [ours.at_hand, ours.from_rows, ours.one_call, ours.one_call_at_hand, scipy_tests.ks_and_chi2],
    ids=lambda one: one.__name__,
)
def test_what_is_measured_finds_what_drifted(prepare: Any, paths: Paths) -> None:
    call = prepare(paths.reference)
    found = measured(call, paths.current)

    assert set(found["found"]) == DRIFTED
    assert 0 < found["cpu_s"] < processor_s()
    assert 10 < found["peak_mib"] <= peak_mib()


def test_a_contestant_runs_in_a_process_of_its_own(paths: Paths) -> None:
    found = measure(POLARS, paths, repeats=2)

    assert found.note == ""
    assert found.found is None
    assert found.cpu_s is not None
    assert found.peak_mib is not None
    assert 10 < found.peak_mib < 1_000


def test_one_that_takes_too_long_is_stopped_and_named(paths: Paths) -> None:
    endless = Contestant(name="endless", target="tests.benchmarks.endless:waiting", packages=())
    found = measure(endless, paths, limit_s=1)

    assert found.note == "stopped after 1 CPU s"
    assert found.cpu_s is not None
    assert found.cpu_s > 0.5


def test_one_that_fails_or_is_not_installed_is_named_with_the_reason(paths: Paths) -> None:
    failing = measure(replace(POLARS, target="tests.benchmarks.absent:waiting"), paths)
    absent = measure(replace(EVIDENTLY, environment=".venv-that-nobody-made"), paths)
    text = report({1000: {POLARS.name: OURS, AT_HAND.name: OURS, EVIDENTLY.name: absent}}, INSIDE)

    assert failing.note.startswith("failed: ModuleNotFoundError")
    assert absent.note == "not installed: its environment was not made"
    assert f"{EVIDENTLY.name}: {absent.note}" in text


@pytest.mark.parametrize(
    ("evidently", "shown", "met"),
    [
        pytest.param(Measured(cpu_s=41.0), "1/41.0", True, id="more than forty times"),
        pytest.param(Measured(cpu_s=39.0), "1/39.0", False, id="less than forty times"),
        pytest.param(Measured(cpu_s=300.0, note="stopped"), "1/300.0", True, id="stopped"),
        pytest.param(Measured(note="not installed: no"), "not installed: no", None, id="absent"),
    ],
)
def test_a_target_is_met_missed_or_not_measured(
    evidently: Measured, shown: str, met: bool | None
) -> None:
    by_name = {AT_HAND.name: OURS, POLARS.name: OURS, EVIDENTLY.name: evidently}
    first = targets({1_000_000: by_name}, INSIDE)[0]

    assert (first.measured, first.met) == (shown, met)


def test_every_target_is_named_and_can_be_missed() -> None:
    slow = Measured(cpu_s=100.0, peak_mib=2_000.0)
    quick = Measured(cpu_s=1.0)
    million = {AT_HAND.name: slow, POLARS.name: quick, EVIDENTLY.name: quick}
    many = {AT_HAND.name: slow, SCIPY.name: quick}
    sums = [{**INSIDE["sums"][0], "memory_ms": 60.0}]
    found = targets(
        {1_000_000: million, 10_000_000: many}, {**INSIDE, "sums": sums, "row_us": 11.0}
    )

    assert [one.met for one in found] == [False] * 6


def test_the_sums_of_minutes_are_those_of_their_rows(tmp_path: Path) -> None:
    bins = fit_frame_bins(rows(2_000, seed=0, drifted=False), ours.schema())
    parts = inside.minutes(bins, 5)
    whole = count_frame(rows(inside.DISTINCT * 5, seed=1, drifted=False), bins)
    with inside.filled(tmp_path, parts, inside.DISTINCT) as store:
        end = inside.START + inside.DISTINCT * (inside.STEP / 5)
        held = store.window_profile("m", 1, bins, inside.START, end)

    assert held == whole


def test_only_the_text_between_the_marks_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x begins -->\nold\n<!-- x ends -->\nafter\n", encoding="utf-8")
    fill(page, "x", "new")
    text = page.read_text(encoding="utf-8")

    assert text == "before\n<!-- x begins -->\n\nnew\n\n<!-- x ends -->\nafter\n"
    with pytest.raises(SystemExit, match="y begins"):
        fill(page, "y", "new")


@pytest.mark.slow
def test_the_whole_command_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--rows", "3000", "--reference", "3000", "--repeats", "1", "--without-peers"]
    parts = ["--windows", "1", "--minutely", "2", "--date", "2026-01-05"]
    code = main([*small, *parts, "--folder", str(tmp_path)])
    said = capsys.readouterr().out

    assert code == 0
    assert said.startswith("2026-01-05: ")
    assert f"Python {sys.version.split()[0]}" in said
    assert "### 3,000 rows" in said
    assert "failed" not in said
    assert "| 60 | 2 | 120 |" in said
