"""The bench of quality counts, judges and plants what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from benchmarks.quality import rules
from benchmarks.quality.__main__ import main
from benchmarks.quality.cases import Case
from benchmarks.quality.changes import CHANGES, Change, draw_changed
from benchmarks.quality.counting import fit, frame, profiles
from benchmarks.quality.detectable import Even
from benchmarks.quality.intervals import of_rate, of_share
from benchmarks.quality.overlap import CRITICAL, overlap
from benchmarks.quality.plan import Size, tasks
from benchmarks.quality.population import Block, mixed
from benchmarks.quality.report import report, targets
from benchmarks.quality.streams import KINDS, Stream, blocks, reference
from benchmarks.quality.tasks import (
    OURS,
    Creep,
    Overlapping,
    Package,
    Stated,
    Task,
    Watch,
    Windows,
    done,
)
from benchmarks.quality.watched import MOST, Watcher
from homeostat.engines.frames import count_frame
from homeostat.policy import DriftPolicy
from homeostat.profile import Profile
from homeostat.verdict import Outcome

REFERENCE_ROWS = 5_000


def stream(kind: str = "independent", rows: int = 200, features: int = 20) -> Stream:
    return Stream(kind=kind, rows=rows, features=features, seed=7)


def name_of(change: Change) -> str:
    return change.name


def same_counts(block: Block, of: Stream) -> bool:
    """Whether windows that were counted at once are what each is as a frame."""
    bins = fit(of.population, reference(of, REFERENCE_ROWS))
    counted = profiles(block, of.population, bins)
    frames = (frame(block, of.population, w) for w in range(block.windows))
    moments = [count_frame(one, bins) for one in frames]
    return counted == moments and all(
        np.allclose(a.moments, b.moments) for a, b in zip(counted, moments, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_windows_counted_at_once_are_what_each_is_as_a_frame(kind: str) -> None:
    of = stream(kind)

    assert same_counts(next(blocks(of, 4)), of)


@pytest.mark.parametrize("change", [one for one in CHANGES if one.features == 20], ids=name_of)
def test_so_are_windows_in_which_something_has_changed(change: Change) -> None:
    block = draw_changed(change, np.random.default_rng(1), 2, 300)

    assert same_counts(block, stream())


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_is_the_same_whenever_it_is_drawn(kind: str) -> None:
    one, other = next(blocks(stream(kind), 3)), next(blocks(stream(kind), 3))
    before = reference(stream(kind), 1_000)

    assert all(np.array_equal(one.columns[name], other.columns[name]) for name in one.columns)
    assert (one.windows, one.rows) == (3, 200)
    assert (before.windows, before.rows) == (1, 1_000)


def test_features_go_together_in_pairs_and_the_mix_of_users_moves_slowly() -> None:
    independent = next(blocks(stream(rows=20_000), 1)).columns
    moving = np.concatenate(
        [one.columns["00_normal"].mean(axis=1) for one in blocks(stream("autocorrelated"), 500)]
    )
    neighbours = np.corrcoef(moving[:-1], moving[1:])[0, 1]

    assert np.corrcoef(independent["00_normal"], independent["01_normal"])[0, 1] == (
        pytest.approx(0.6, abs=0.02)
    )
    assert abs(np.corrcoef(independent["00_normal"], independent["02_lognormal"])[0, 1]) < 0.03
    assert moving.std() > 2 / 200**0.5
    assert neighbours > 0.7


def test_the_rules_say_what_scipy_says() -> None:
    of = stream("ties and tails")
    before, now = reference(of, 3_000), next(blocks(of, 2))
    fitted = rules.Rules(of.population, before)
    for name, margin in of.population.margins.items():
        column, values = fitted._columns[name], now.columns[name]
        p_values, distances = column.p_values(values), column.distance(values)
        for w in range(now.windows):
            p_value, distance = by_scipy(before.columns[name][0], values[w], margin.levels)

            assert p_values[w] == pytest.approx(p_value, rel=1e-6)
            assert distances[w] == pytest.approx(distance, rel=1e-6, abs=1e-12)


def by_scipy(before: Any, now: Any, levels: int) -> tuple[float, float]:
    """The p-value of KS or chi-square, and Evidently's distance."""
    if not levels:
        p_value = stats.ks_2samp(before, now, method="asymp").pvalue
        few = np.unique(before)
        if len(few) > rules.FEW_VALUES:
            distance = stats.wasserstein_distance(before, now) / before.std()
            return float(p_value), float(distance)
        before, now = (np.array([(side == one).sum() for one in few]) for side in (before, now))
        return float(p_value), float(jensenshannon(before, now))
    table = np.array([np.bincount(side, minlength=levels) for side in (before, now)])
    held = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(held).pvalue), float(jensenshannon(held[0], held[1]))


def test_missing_values_do_not_count_as_values() -> None:
    before = np.sort(np.random.default_rng(0).standard_normal(2_000))
    values = np.random.default_rng(1).standard_normal((2, 300))
    values[0, :10] = np.nan
    fitted = rules._number(before)

    assert fitted.p_values(values)[0] == pytest.approx(
        float(stats.ks_2samp(before, values[0, 10:], method="asymp").pvalue)
    )
    assert fitted.p_values(values)[1] == pytest.approx(
        float(stats.ks_2samp(before, values[1], method="asymp").pvalue)
    )


def test_the_dummies_alarm_always_and_never() -> None:
    of = stream()
    alarms = rules.Rules(of.population, reference(of, 2_000)).alarms(next(blocks(of, 5)))

    assert alarms["always"].all()
    assert not alarms["never"].any()
    assert set(alarms) == set(rules.RULES)


@pytest.mark.parametrize(("cases", "n"), [(0, 50), (3, 50), (50, 50)])
def test_intervals_are_the_exact_ones(cases: int, n: int) -> None:
    share = stats.binomtest(cases, n).proportion_ci(method="exact")
    low, high = of_rate(cases, 2.0)

    assert of_share(cases, n) == pytest.approx((share.low, share.high))
    assert stats.poisson.sf(cases - 1, 2 * low) == pytest.approx(0.025 if cases else 1.0)
    assert stats.poisson.cdf(cases, 2 * high) == pytest.approx(0.025)


def test_overlapping_windows_are_worth_more_than_one_and_less_than_all_of_them() -> None:
    found = overlap(2_000_000, seed=1)

    assert 4.0 < found.worth(0) < 6.5
    assert list(found.alarms) == sorted(found.alarms, reverse=True)
    assert len(found.alarms) == len(CRITICAL)


def test_even_numbers_have_the_distribution_that_they_stand_for() -> None:
    numbers = Even(np.random.default_rng(0)).standard_normal((2, 1, 10_000))

    assert numbers.mean(axis=2) == pytest.approx(np.zeros((2, 1)), abs=1e-9)
    assert numbers.std(axis=2) == pytest.approx(np.ones((2, 1)), abs=1e-3)
    assert abs(np.mean(numbers[0] * numbers[1])) < 0.05


def watched() -> tuple[Watcher, Callable[[float], Profile]]:
    """A watcher of five features, and windows whose first one is shifted."""
    of = stream(features=5)
    bins = fit(of.population, reference(of, 20_000))
    (before,) = profiles(reference(of, 20_000), of.population, bins)
    rng = np.random.default_rng(3)

    def window(shift: float) -> Profile:
        z = of.population.normals(rng, 1, 200)
        z[0] += shift
        (part,) = profiles(Block(of.population.values(z)), of.population, bins)
        return part

    return Watcher(before, DriftPolicy()), window


def test_a_branch_leaves_the_stream_that_it_comes_from_alone() -> None:
    watcher, window = watched()
    quiet = [watcher.look(window(0.0)).outcome for _ in range(3)]
    branch = watcher.branch()
    changed = branch.look(window(2.0)).outcome

    assert quiet == [Outcome.PASS] * 3
    assert changed is Outcome.FAIL
    assert branch.failing
    assert not watcher.failing
    assert watcher.look(window(0.0)).outcome is Outcome.PASS


def test_every_piece_of_the_bench_works_and_has_its_table() -> None:
    """Few windows; how good homeostat is, is not asked here."""
    few = REFERENCE_ROWS
    quiet = Case(stream=stream(features=5), windows=8)
    changed = Case(stream=stream(), windows=3, change="mean 1 sd")
    pieces: list[Task] = [
        Watch(case=quiet, reference_rows=few),
        Watch(
            case=Case(stream=stream(), windows=3),
            changes=("mean 1 sd",),
            begin=2,
            reference_rows=few,
        ),
        Stated(statistic="location", rows=200, windows=5, seed=1),
        Windows(case=Case(stream=stream(), windows=4), reference_rows=few),
        Windows(case=changed, reference_rows=few),
        Overlapping(looks=1_000, seed=1),
        Creep(creep="mean 0.15 sd", streams=2, seed=1),
    ]
    results = [row for piece in pieces for row in done(piece)]
    by_table = {row["table"]: row for row in results}
    text = report(results)
    planted = next(row for row in results if row["table"] == "watch" and row["delays"])

    assert planted["delays"] == {"mean 1 sd": [1, 1]}
    assert by_table["stated"]["windows"] == 5
    assert all(day is not None and day <= 20 for day in by_table["creep"]["at_all"])
    assert {row["rule"] for row in results if row["table"] == "windows"} == {OURS, *rules.RULES}
    assert {one.what for one in targets(results)} >= {
        "quiet windows",
        "mean 1 sd: seen within 1 windows of 200 rows",
    }
    assert text.count("### ") == 8
    assert f"At most {MOST} windows" in text


def test_a_task_that_fails_is_named_first() -> None:
    text = report([{"table": "failed", "task": "some task", "why": "failed: ValueError: no"}])

    assert text.startswith("### Tasks that failed")
    assert "some task" in text


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "benchmarks.quality.tasks.ENVIRONMENTS", {"nannyml": ".venv-that-nobody-made"}
    )
    package = Package(peer="nannyml", cases=(Case(stream=stream(), windows=1),))
    quiet = Windows(case=Case(stream=stream(), windows=1), reference_rows=2_000)
    results = [*done(package), *done(quiet)]

    assert "nannyml: not installed: its environment was not made" in report(results)


def test_a_case_survives_json() -> None:
    case = Case(stream=stream("autocorrelated"), windows=3, change="mean 0.1 sd")

    assert Case.from_dict(case.to_dict()) == case


def test_the_plan_holds_ten_thousand_quiet_windows_and_two_hundred_runs() -> None:
    planned = tasks(Size())
    watches = [one for one in planned if isinstance(one, Watch)]
    usual = [one for one in watches if "mean 0.1 sd" in one.changes]
    runs = sum((one.case.windows - one.begin) // one.every + 1 for one in usual)

    assert sum(one.case.windows for one in watches) >= 10_000
    assert runs >= 200
    assert {change for one in watches for change in one.changes} == {one.name for one in CHANGES}
    assert {one.case.stream.kind for one in watches} == set(KINDS)
    assert {one.case.stream.rows for one in watches} == {200, 1_000, 10_000, 100_000}
    assert {one.case.stream.features for one in watches} >= {5, 20, 100}
    assert len(mixed(20).margins) == 20


def test_kept_results_give_the_same_tables_again(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["--kept", str(tmp_path / "results.json")]
    small = ["--only", "overlap", "--scale", "1e-5", "--jobs", "0", "--date", "2026-01-05"]
    codes = [main([*kept, *small]), main([*kept, "--again"])]
    first, _, second = (
        capsys.readouterr().out.partition("2026-01-05: ")[2].partition("2026-01-05: ")
    )

    assert codes == [0, 0]
    assert first == second
    assert "What overlapping windows are worth" in first


def test_parts_that_were_run_apart_are_joined(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    small = ["--quick", "--jobs", "0", "--reference", "2000", "--date", "2026-01-05"]
    for file, only in zip(files, ("stated effect of g, 200", "overlap"), strict=True):
        assert main(["--only", only, "--kept", str(file), *small]) == 0
    capsys.readouterr()
    assert main(["--again", "--kept", *map(str, files)]) == 0
    text = capsys.readouterr().out

    assert text.count("2026-01-05") == 1
    assert "stated effect of g, 200 rows" in text
    assert "### What overlapping windows are worth" in text
