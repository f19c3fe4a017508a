"""Generated credit rows look like the published ones, and a changed world is one to notice."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from polars.testing import assert_frame_equal
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import brier_score_loss, f1_score, precision_recall_curve, roc_auc_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from homeostat.demo.credit import (
    CREDIT_FEATURES,
    CREDIT_TARGET,
    RISK_BEFORE,
    broken_units,
    changed_world,
    credit_frame,
    draw_targets,
    poisoned_labels,
    read_credit,
)

#: of the published file, at 0.1, 0.2, ... 0.9, the lower of two neighbours, without nulls
DECILES: dict[str, list[float]] = {
    "RevolvingUtilizationOfUnsecuredLines": [
        *(0.00297, 0.01922, 0.04346, 0.08318, 0.15418, 0.27150, 0.44507, 0.69886, 0.98128),
    ],
    "age": [33, 39, 44, 48, 52, 56, 61, 65, 72],
    "NumberOfTime30-59DaysPastDueNotWorse": [0, 0, 0, 0, 0, 0, 0, 0, 1],
    "DebtRatio": [0.0308, 0.1338, 0.2137, 0.2874, 0.3665, 0.4675, 0.6492, 4, 1267],
    "MonthlyIncome": [2005, 3000, 3800, 4544, 5400, 6300, 7500, 9083, 11666],
    "NumberOfOpenCreditLinesAndLoans": [3, 4, 5, 6, 8, 9, 10, 12, 15],
    "NumberOfTimes90DaysLate": [0, 0, 0, 0, 0, 0, 0, 0, 0],
    "NumberRealEstateLoansOrLines": [0, 0, 0, 1, 1, 1, 1, 2, 2],
    "NumberOfTime60-89DaysPastDueNotWorse": [0, 0, 0, 0, 0, 0, 0, 0, 0],
    "NumberOfDependents": [0, 0, 0, 0, 0, 1, 1, 2, 2],
}
#: shares that a table of deciles does not show
SHARES = [
    pytest.param(pl.col("RevolvingUtilizationOfUnsecuredLines") > 1, 0.0221, id="over limit"),
    pytest.param(pl.col("NumberOfTime30-59DaysPastDueNotWorse") > 0, 0.1599, id="late by 30"),
    pytest.param(pl.col("NumberOfTime60-89DaysPastDueNotWorse") > 0, 0.0507, id="late by 60"),
    pytest.param(pl.col("NumberOfTimes90DaysLate") > 0, 0.0556, id="late by 90"),
    pytest.param(pl.col("NumberOfTimes90DaysLate") >= 96, 0.0018, id="coded"),
    pytest.param(pl.col("NumberRealEstateLoansOrLines") > 2, 0.0663, id="real estate"),
]
#: Spearman's, of the published file, on complete rows
RANK_CORRELATIONS = [
    ("RevolvingUtilizationOfUnsecuredLines", "age", -0.26),
    ("RevolvingUtilizationOfUnsecuredLines", "NumberOfTimes90DaysLate", 0.25),
    ("DebtRatio", "NumberRealEstateLoansOrLines", 0.56),
    ("MonthlyIncome", "NumberRealEstateLoansOrLines", 0.39),
    ("NumberOfOpenCreditLinesAndLoans", "NumberRealEstateLoansOrLines", 0.46),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    f1: float
    auc: float
    brier: float


@dataclass(frozen=True, slots=True)
class Model:
    trees: HistGradientBoostingClassifier
    threshold: float  #: the best one for F1 on rows it was not fitted to

    def quality(self, frame: pl.DataFrame) -> Quality:
        labels, scores = frame[CREDIT_TARGET].to_numpy(), scored(self.trees, frame)
        return Quality(
            f1=f1_score(labels, scores >= self.threshold),
            auc=roc_auc_score(labels, scores),
            brier=brier_score_loss(labels, scores),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Disjoint rows of one source, and the models of the two worlds."""

    old_rows: pl.DataFrame
    new_rows: pl.DataFrame
    champion: Model
    candidate: Model  #: trained on 5,000 new and 5,000 old rows


@pytest.fixture(scope="module")
def generated() -> pl.DataFrame:
    return credit_frame(rng=np.random.default_rng(7))


@pytest.fixture(scope="module")
def published(data_dir: Path) -> pl.DataFrame:
    path = data_dir / "gmsc" / "cs-training.csv"
    if not path.is_file():
        pytest.skip(f"no {path.name} in the folder gmsc of the data files")
    return read_credit(path)


@pytest.fixture(
    scope="module",
    params=["generated", pytest.param("published", marks=pytest.mark.data)],
)
def scene(request: pytest.FixtureRequest) -> Scene:
    frame = request.getfixturevalue(request.param).sample(fraction=1, shuffle=True, seed=7)
    new = changed_world(frame[70_000:95_000], rng=np.random.default_rng(8))
    return Scene(
        old_rows=frame[50_000:70_000],
        new_rows=new[5_000:],
        champion=trained(frame[:40_000], tuned_on=frame[40_000:50_000]),
        candidate=trained(pl.concat([new[:3_750], frame[:5_000]]), tuned_on=new[3_750:5_000]),
    )


def trained(frame: pl.DataFrame, *, tuned_on: pl.DataFrame) -> Model:
    trees = HistGradientBoostingClassifier(
        learning_rate=0.15, max_iter=50, max_leaf_nodes=15, early_stopping=False, random_state=0
    )
    # its threads wait for each other by spinning, for ever so long when tests run side by side
    with threadpool_limits(1):
        trees.fit(inputs(frame), frame[CREDIT_TARGET].to_numpy())
    precision, recall, thresholds = precision_recall_curve(
        tuned_on[CREDIT_TARGET].to_numpy(), scored(trees, tuned_on)
    )
    f1 = 2 * precision * recall / (precision + recall + 1e-12)
    return Model(trees, float(thresholds[np.argmax(f1[:-1])]))


def scored(trees: HistGradientBoostingClassifier, frame: pl.DataFrame) -> NDArray[np.float64]:
    with threadpool_limits(1):
        scores: NDArray[np.float64] = trees.predict_proba(inputs(frame))[:, 1]
    return scores


def inputs(frame: pl.DataFrame) -> NDArray[np.float64]:
    return frame.select(pl.col(CREDIT_FEATURES).cast(pl.Float64)).to_numpy()


def quantiles(values: pl.Series, shift: float) -> NDArray[np.float64]:
    """At 0.1, 0.2, ... 0.9, each moved by `shift`."""
    probabilities = np.arange(1, 10) / 10 + shift
    known = values.drop_nulls().to_numpy()
    return np.asarray(np.quantile(known, probabilities, method="lower"), dtype=np.float64)


@pytest.mark.parametrize("column", CREDIT_FEATURES)
def test_deciles_are_the_published_ones(generated: pl.DataFrame, column: str) -> None:
    """To one row in a hundred; where rows are sparse, as for debt ratios near 4, values vary."""
    low, high = (quantiles(generated[column], shift) for shift in (-0.01, 0.01))

    assert np.all(low <= np.array(DECILES[column]))
    assert np.all(high >= np.array(DECILES[column]))


@pytest.mark.data
@pytest.mark.parametrize("column", CREDIT_FEATURES)
def test_deciles_are_those_of_the_file(published: pl.DataFrame, column: str) -> None:
    assert quantiles(published[column], 0) == pytest.approx(DECILES[column], rel=0.002, abs=1e-4)


@pytest.mark.parametrize(("condition", "expected"), SHARES)
def test_tails_are_the_published_ones(
    generated: pl.DataFrame, condition: pl.Expr, expected: float
) -> None:
    share = generated.filter(condition).height / generated.height

    assert share == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(("one", "other", "expected"), RANK_CORRELATIONS)
def test_rank_correlations_are_the_published_ones(
    generated: pl.DataFrame, one: str, other: str, expected: float
) -> None:
    complete = generated.select(CREDIT_FEATURES).drop_nulls()

    assert complete.select(pl.corr(one, other, method="spearman")).item() == pytest.approx(
        expected, abs=0.04
    )


@pytest.mark.parametrize(("rows", "incomes", "dependents"), [(150_000, 29_731, 3_924), (1, 0, 0)])
def test_gaps_are_exact(rows: int, incomes: int, dependents: int) -> None:
    frame = credit_frame(rows, rng=np.random.default_rng(1))
    without = frame.filter(pl.col("NumberOfDependents").is_null())

    assert frame.height == rows
    assert frame["MonthlyIncome"].null_count() == without["MonthlyIncome"].null_count() + (
        incomes - dependents
    )
    assert without.height == without["MonthlyIncome"].null_count() == dependents
    assert sum(frame.null_count().row(0)) == incomes + dependents


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot make 0 rows"):
        credit_frame(0, rng=np.random.default_rng(1))


def test_positives_are_as_rare_as_published(generated: pl.DataFrame) -> None:
    assert generated[CREDIT_TARGET].mean() == pytest.approx(0.06684, abs=0.002)


def test_one_seed_makes_one_frame() -> None:
    once, again, other = (credit_frame(500, rng=np.random.default_rng(k)) for k in (3, 3, 4))

    assert_frame_equal(once, again)
    assert not once.equals(other)


@pytest.mark.data
def test_both_sources_have_one_schema(generated: pl.DataFrame, published: pl.DataFrame) -> None:
    assert generated.schema == published.schema
    assert generated["Id"].to_list() == published["Id"].to_list()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    frame = credit_frame(200, rng=np.random.default_rng(2))
    frame.rename({"Id": ""}).write_csv(tmp_path / "rows.csv", null_value="NA")

    assert_frame_equal(read_credit(tmp_path / "rows.csv"), frame)


@pytest.mark.parametrize("header", ["", ",SeriousDlqin2yrs,DebtRatio\n"])
def test_every_missing_column_is_named(tmp_path: Path, header: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(header)

    with pytest.raises(ValueError, match=r"^rows\.csv lacks ") as refusal:
        read_credit(path)
    assert all((c in str(refusal.value)) != (c in header) for c in CREDIT_FEATURES)


def test_a_model_does_as_well_as_on_the_published_rows(scene: Scene) -> None:
    quality = scene.champion.quality(scene.old_rows)

    assert quality.auc == pytest.approx(0.862, abs=0.015)
    assert 0.41 < quality.f1 < 0.48


def test_the_old_model_fails_in_the_changed_world(scene: Scene) -> None:
    before = scene.champion.quality(scene.old_rows)
    after = scene.champion.quality(scene.new_rows)

    assert after.f1 < 0.85 * before.f1
    assert after.brier > 1.5 * before.brier
    assert 0.09 < float(scene.new_rows[CREDIT_TARGET].to_numpy().mean()) < 0.14


def test_retraining_recovers_the_quality(scene: Scene) -> None:
    old = scene.champion.quality(scene.new_rows)
    new = scene.candidate.quality(scene.new_rows)

    assert new.f1 > 1.15 * old.f1
    assert new.auc > old.auc + 0.05
    assert new.brier < old.brier


def test_retraining_keeps_most_of_the_old_ranking(scene: Scene) -> None:
    old = scene.champion.quality(scene.old_rows)
    new = scene.candidate.quality(scene.old_rows)

    assert old.auc - new.auc < 0.06


@pytest.mark.parametrize("rows", [0, 1, 300])
def test_a_changed_world_keeps_shape_gaps_and_identity(rows: int) -> None:
    before = credit_frame(300, rng=np.random.default_rng(5))[:rows]
    after = changed_world(before, rng=np.random.default_rng(6))

    assert after.schema == before.schema
    assert_frame_equal(after.null_count(), before.null_count())
    assert_frame_equal(after.select("Id"), before.select("Id"))


@pytest.mark.parametrize(
    ("column", "direction"),
    [
        ("RevolvingUtilizationOfUnsecuredLines", +1),
        ("age", -1),
        ("NumberOfTime30-59DaysPastDueNotWorse", +1),
        ("DebtRatio", +1),
        ("MonthlyIncome", -1),
        ("NumberOfTimes90DaysLate", +1),
        ("NumberRealEstateLoansOrLines", +1),
        ("NumberOfTime60-89DaysPastDueNotWorse", +1),
    ],
)
def test_in_a_changed_world_no_row_moves_the_other_way(column: str, direction: int) -> None:
    before = credit_frame(2_000, rng=np.random.default_rng(5))
    after = changed_world(before, rng=np.random.default_rng(6))
    moves = direction * (after[column] - before[column]).drop_nulls().to_numpy()

    assert moves.min() >= -1e-12
    assert moves.max() > 0
    assert (after["age"] >= 21).all()


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_drawn_targets_have_the_share_asked_for(generated: pl.DataFrame, share: float) -> None:
    targets = draw_targets(
        generated, risk=RISK_BEFORE, positive_share=share, rng=np.random.default_rng(9)
    )

    assert targets.mean() == pytest.approx(share, abs=0.005)


def test_broken_units_change_one_column(generated: pl.DataFrame) -> None:
    broken = broken_units(generated)
    expected = generated["MonthlyIncome"] / 1000

    assert_frame_equal(broken.drop("MonthlyIncome"), generated.drop("MonthlyIncome"))
    assert_frame_equal(broken.select("MonthlyIncome"), expected.to_frame())
    assert broken.columns == generated.columns


@pytest.mark.parametrize(("share", "flipped"), [(0.0, 0), (0.3, 300), (0.0125, 12), (1.0, 1000)])
def test_the_share_of_poisoned_labels_is_exact(share: float, flipped: int) -> None:
    labels = np.arange(1000) % 2
    poisoned = poisoned_labels(labels, share=share, rng=np.random.default_rng(1))

    assert np.count_nonzero(poisoned != labels) == flipped
    assert set(poisoned) <= {0, 1}
    assert labels.sum() == 500


def test_importing_needs_no_heavy_library() -> None:
    program = (
        "import sys, homeostat.demo.credit; "
        "print(*{'sklearn', 'pandas', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == ""
