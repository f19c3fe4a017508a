"""The bench of serving measures what it says, and a target that is missed is called so."""

import asyncio
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.serving.__main__ import main
from benchmarks.serving.contestants import BARE, COMPILED_ONE, MLFLOW, MLSERVER, ORIGINAL
from benchmarks.serving.load import CONNECTIONS, paced
from benchmarks.serving.measure import Measured, Setting, measure
from benchmarks.serving.project import GRAPH, make
from benchmarks.serving.report import Found, report, report_soak, soak_targets, targets
from benchmarks.serving.trials import At, Soaked, Swapped, sync_ms
from benchmarks.serving.workload import estimator, rows, training

OURS = Measured(per_s=700.0, cpu_us=140.0, p50_ms=2.0, p99_ms=9.0, answered=90, told=95, stored=95)
AT = At(rate=200, asked=9, answered=9, stored=9, p50_ms=3.0, p99_ms=20.0, sync_ms=2.0)
SWAPPED = Swapped(
    changes=100, asked=500, failed=0, disagreeing=0, by_version={"1": 250, "2": 250}, stored=500
)
SOAKED = Soaked(
    minutes=30,
    rate=100,
    asked=10,
    answered=10,
    stored=10,
    slope_mib=0.2,
    memory_mib=(250.0, 250.4),
    files=(21, 21),
    sockets=(4, 4),
    log_mib=4.0,
    p99_ms=12.0,
)
FOUND = Found(
    runs={
        COMPILED_ONE.name: [replace(OURS, cpu_us=190.0), OURS],
        ORIGINAL.name: [replace(OURS, cpu_us=700.0)],
        BARE.name: [Measured(per_s=1000.0, cpu_us=100.0, p50_ms=1.0, p99_ms=2.0)],
        MLFLOW.name: [Measured(per_s=90.0, cpu_us=3_000.0, p50_ms=90.0, p99_ms=200.0)],
        MLSERVER.name: [Measured(per_s=90.0, cpu_us=1_400.0, p50_ms=90.0, p99_ms=200.0)],
    },
    at=AT,
    swapped=SWAPPED,
)


def test_every_environment_has_the_same_model() -> None:
    x, y = training()
    ours, again = (estimator().predict_proba(rows(50))[:, 1] for _ in range(2))
    other = estimator(1).predict_proba(rows(50))[:, 1]

    assert 0.2 < y.mean() < 0.6
    assert x.shape == (20_000, 10)
    assert ours.tolist() == again.tolist()
    assert abs(ours - other).max() > 0.05


def test_every_target_can_be_met() -> None:
    assert [one.met for one in targets(FOUND)] == [True] * 9
    assert "**no**" not in report(FOUND)


def test_every_target_can_be_missed() -> None:
    slow = replace(OURS, per_s=100.0, cpu_us=1_500.0, stored=94)
    missed = Found(
        runs={**FOUND.runs, COMPILED_ONE.name: [slow], ORIGINAL.name: [slow]},
        at=replace(AT, p99_ms=30.0),
        swapped=replace(SWAPPED, failed=1, disagreeing=1),
    )

    assert [one.met for one in targets(missed)] == [False] * 9


def test_a_long_run_is_judged_when_it_was_long_enough() -> None:
    missed = replace(SOAKED, stored=9, slope_mib=1.5, files=(21, 22))
    short = replace(SOAKED, minutes=5.0)

    assert [one.met for one in soak_targets(SOAKED)] == [True] * 3
    assert [one.met for one in soak_targets(missed)] == [False] * 3
    assert [one.met for one in soak_targets(short)] == [True, None, None]
    assert "+1.50 MiB per 10 minutes | **no** |" in report_soak(missed)


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    absent = {MLFLOW.name: [Measured(note="not installed: no")], COMPILED_ONE.name: [OURS]}
    found = targets(Found(runs=absent))

    assert [one.met for one in found if "rows in the store" not in one.what] == [None] * 8
    assert "not installed: no" in {one.measured for one in found}
    assert f"{MLFLOW.name}: not installed: no" in report(Found(runs=absent))


def test_one_run_with_a_row_too_few_is_told_whatever_the_others_say() -> None:
    bad = replace(OURS, cpu_us=200.0, stored=94)
    found = Found(runs={COMPILED_ONE.name: [OURS, bad]})
    rows_kept = next(one for one in targets(found) if "rows in the store" in one.what)

    assert (rows_kept.measured, rows_kept.met) == ("1 of 2 runs", False)
    assert found.results[COMPILED_ONE.name] is OURS


@pytest.mark.parametrize(
    ("told", "stored", "kept"),
    [
        pytest.param(95, 95, True, id="five answers that the load did not read"),
        pytest.param(95, 94, False, id="an answer without its row"),
        pytest.param(94, 95, False, id="a row without its answer"),
        pytest.param(89, 89, False, id="an answer that the server does not know of"),
        pytest.param(90 + 3 * CONNECTIONS, 90 + 3 * CONNECTIONS, False, id="too many unread"),
    ],
)
def test_rows_are_compared_with_answers(told: int, stored: int, kept: bool) -> None:
    assert replace(OURS, told=told, stored=stored).kept is kept


def test_the_disk_takes_its_time(tmp_path: Path) -> None:
    assert 0 < sync_ms(tmp_path, 5) < 60_000
    assert not list(tmp_path.iterdir())


async def _refused() -> list[int]:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        found = await paced(address, {"path": "/"}, [b"{}", b"{}"], rate=1_000.0)
    return [one.status for one in found.answers]


def test_a_connection_that_breaks_is_no_answer() -> None:
    assert asyncio.run(_refused()) == [0, 0]


def test_a_peer_that_is_not_installed_is_named_with_the_reason(tmp_path: Path) -> None:
    absent = replace(MLFLOW, environment=".venv-that-nobody-made")
    setting = Setting(
        folder=tmp_path, project=tmp_path, original=tmp_path, probability=0.5, seconds=1.0
    )

    assert measure(absent, setting).note == "not installed: its environment was not made"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk (Debian: wrk)")
def test_a_server_with_another_model_is_refused(tmp_path: Path) -> None:
    project = make(tmp_path / "project").folder
    setting = Setting(
        folder=tmp_path, project=project, original=project, probability=-1.0, seconds=1.0
    )

    assert (project / GRAPH).exists()
    assert measure(BARE, setting).note.startswith("failed: it answers 0.")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk (Debian: wrk)")
def test_the_whole_command_in_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--quick", "--date", "2026-01-05", "--folder", str(tmp_path / "bench")])
    said = capsys.readouterr().out

    assert code == 0
    assert said.startswith("2026-01-05: ")
    assert f"Python {sys.version.split()[0]}" in said
    assert "| rows in the store are the answers with 200 | every run | 4 of 4 runs | yes |" in said
    assert "failed:" not in said
