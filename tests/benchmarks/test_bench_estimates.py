"""The bench of estimates measures what it says, and homeostat says what NannyML does."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.estimates.__main__ import KEPT, main
from benchmarks.estimates.measure import CONSTANT, LAST, OURS, PERFECT, REFERENCE, measured
from benchmarks.estimates.real import STORIES, car_loan, credit, drawn, telco
from benchmarks.estimates.report import report, targets
from benchmarks.estimates.simulated import WORLDS, simulated
from benchmarks.estimates.stream import CHANGES, CONCEPT, COVARIATE, strength
from homeostat.blend import BLEND
from homeostat.walk import Methods
from tests.core.made_answers import drawn as drawn_rows

#: What NannyML 0.13.1 says of every fifth window of 1,000 rows of its car loan data, with
#: `CBPE(chunk_size=1000)` fitted on its reference.
NANNYML = {
    "accuracy": [
        *(0.947906, 0.948458, 0.951587, 0.945400, 0.945751),
        *(0.920680, 0.921738, 0.917837, 0.921394, 0.915329),
    ],
    "f1": [
        *(0.947415, 0.948103, 0.949138, 0.943424, 0.946196),
        *(0.925157, 0.925022, 0.921455, 0.921774, 0.921962),
    ],
    "roc_auc": [
        *(0.971329, 0.971309, 0.971571, 0.970325, 0.970917),
        *(0.961940, 0.962446, 0.960853, 0.963009, 0.960242),
    ],
}


@pytest.mark.parametrize("metric", NANNYML)
def test_on_its_own_data_homeostat_says_what_nannyml_does(data_dir: Path, metric: str) -> None:
    stream = car_loan(data_dir)
    cbpe = Methods.of(stream.reference.labelled(stream.threshold)).cbpe

    ours = [cbpe.estimate(one.answers)[metric].value for one in stream.windows[::5]]

    assert ours == pytest.approx(NANNYML[metric], abs=1e-6)


def test_on_its_own_data_the_blend_is_as_good_and_its_intervals_hold(data_dir: Path) -> None:
    found = {
        (one.metric, one.method): one for lag in (1, 5) for one in measured(car_loan(data_dir), lag)
    }

    for metric in NANNYML:
        blend = found[metric, BLEND]
        best = min(found[metric, one].error for one in (OURS, LAST, REFERENCE))
        assert blend.error <= 1.05 * best
        assert blend.windows == 50
        assert blend.covered is not None
        assert blend.covered >= 44


@pytest.mark.parametrize("pool", [credit, telco])
def test_a_drawn_stream_changes_what_it_says(data_dir: Path, pool: object) -> None:
    held = pool(data_dir)  # type: ignore[operator]
    streams = {one.name: drawn(held, one, one.name, 0) for one in STORIES}
    scores = {
        name: stream.rows.score.reshape(60, -1).mean(axis=1) for name, stream in streams.items()
    }

    quiet, moved, turned = "nothing changes", "rows ramp", "relation steps"
    assert scores[moved][-5:].mean() > 1.3 * scores[moved][:5].mean()
    assert scores[turned][-5:].mean() == pytest.approx(scores[quiet].mean(), rel=0.15)
    rows = streams[turned].rows
    third = len(rows.score) // 3
    before, after = (
        np.corrcoef(rows.score[part], rows.label[part])[0, 1]
        for part in (slice(None, third), slice(-third, None))
    )
    assert after < 0.6 * before
    again = drawn(held, STORIES[1], STORIES[1].name, 0)
    assert np.array_equal(again.rows.score, streams[moved].rows.score)


def test_changes_begin_with_none_and_grow_to_all() -> None:
    for name in CHANGES:
        held = strength(name, 60)
        assert held[0] == 0
        assert held.min() >= 0
        assert held.max() == (0 if name == "none" else pytest.approx(1))


@pytest.mark.parametrize("changes", [COVARIATE, CONCEPT])
def test_on_a_simulated_stream_the_blend_is_hardly_worse_than_the_best(changes: str) -> None:
    world = next(one for one in WORLDS if one.changes == changes and one.size == 1_000)

    found = measured(simulated(world, 0), 1)

    for metric in NANNYML:
        held = {one.method: one.error for one in found if one.metric == metric}
        assert held[BLEND] <= 1.06 * min(held[one] for one in (OURS, LAST, REFERENCE))
        assert held[PERFECT] == 0
        assert held[CONSTANT] > held[BLEND]


def results(blend: float, covered: int) -> list[dict[str, object]]:
    """What a run keeps, with an error of the blend and its covered windows of 100."""
    world = next(one for one in WORLDS if one.changes == COVARIATE and one.size == 300)
    rows = [
        {"table": "measured", "draw": 0, **asdict(one)} for one in measured(simulated(world, 0), 1)
    ]
    for row in rows:
        if row["method"] == BLEND:
            row.update(error=blend, covered=covered, windows=100)
    return rows


@pytest.mark.parametrize(
    ("blend", "covered", "met"), [(0.01, 95, True), (0.5, 50, False), (0.5, 100, False)]
)
def test_a_target_that_is_missed_is_told(*, blend: float, covered: int, met: bool) -> None:
    found = [one for one in targets(results(blend, covered)) if OURS not in one.what]

    assert [one.met for one in found] == [met, met]
    assert ("**no**" in report(results(blend, covered))) is not met


def test_a_file_of_ones_own_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, scores = drawn_rows(6_000)
    rows = {"time": np.arange(6_000), "score": scores, "label": labels}
    pl.DataFrame(rows).write_parquet(tmp_path / "mine.parquet")
    kept = tmp_path / "results.json"
    given = ["--stream", f"{tmp_path / 'mine.parquet'}", "--reference", "2000", "--rows", "500"]

    code = main([*given, "--without-peers", "--kept", str(kept), "--date", "2026-01-05"])
    first = capsys.readouterr().out
    again = main(["--again", "--kept", str(kept)])
    second = capsys.readouterr().out

    assert code == again == 0
    assert first == second
    assert "| mine | 1 |" in first
    assert "2026-01-05" in first
    assert {one["windows"] for one in json.loads(kept.read_text())["results"]} == {8}
    assert KEPT.name == "results.json"


def test_a_peer_that_is_not_installed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, scores = drawn_rows(3_000)
    rows = {"time": np.arange(3_000), "score": scores, "label": labels}
    pl.DataFrame(rows).write_parquet(tmp_path / "mine.parquet")
    given = ["--stream", f"{tmp_path / 'mine.parquet'}", "--reference", "2000", "--rows", "500"]
    given += ["--peers", f"{tmp_path / 'no-python'}", "--kept", f"{tmp_path / 'results.json'}"]

    assert main(given) == 0
    assert "| NannyML | not installed: " in capsys.readouterr().out
