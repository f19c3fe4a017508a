import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from homeostat.baseline import Baseline
from homeostat.errors import Conflict, HomeostatError, NotFound, StateError, UserError
from tests.shell.project import MODEL, START, Town

ROWS, SHARE = 3000, 0.2
GOLDEN = 600


@pytest.fixture
def baseline(start: Town) -> Baseline:
    return anew(start.project.baseline)


def anew(baseline: Baseline) -> Baseline:
    """As another process sees it."""
    return replace(baseline)


def unfrozen(baseline: Baseline, tmp_path: Path) -> Baseline:
    return replace(baseline, model="new", folder=tmp_path / "new")


def keys(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.rows()


# Freezing.


def test_the_newest_rows_are_frozen(baseline: Baseline) -> None:
    rows = baseline.rows(baseline.data)

    assert keys(baseline._frozen_frame()) == keys(rows[-GOLDEN:])
    assert baseline.reference().rows == GOLDEN


def test_the_newest_are_those_of_the_time_column(baseline: Baseline, tmp_path: Path) -> None:
    rows = pl.read_csv(baseline.data).with_row_index("day")
    dates = [f"20{20 + i // 360:02}-{1 + i // 30 % 12:02}-{1 + i % 28:02}" for i in range(ROWS)]
    data = tmp_path / "shuffled.csv"
    rows.with_columns(pl.Series("at", dates)).sample(fraction=1, shuffle=True, seed=1).write_csv(
        data
    )
    timed = replace(unfrozen(baseline, tmp_path), data=data, time_column="at")

    timed.freeze(share=SHARE, now=START)

    frozen = keys(timed._frozen_frame())
    assert {row[:2] for row in frozen} <= {row[:2] for row in keys(timed.rows(data)[-GOLDEN:])}
    assert max(dates[:-GOLDEN]) <= min(sorted(dates)[-GOLDEN:])
    assert keys(timed.training_frame()) == keys(timed.rows(data)[:-GOLDEN])


def test_the_metadata_tell_what_was_frozen(baseline: Baseline) -> None:
    text = (baseline.folder / "reference_data.csv").read_bytes()
    plain = json.loads((baseline.folder / "reference_metadata.json").read_text())

    assert plain["reference_hash"] == hashlib.sha256(text).hexdigest()
    assert (plain["num_samples"], plain["num_features"]) == (GOLDEN, 4)
    assert plain["features"] == ["income", "age", "debt", "job"]
    assert (plain["source"], plain["mutation_policy"]) == ("loans.csv", "NEVER")
    assert plain["created_at"] == START.isoformat()
    assert plain["profile_digest"] == baseline.reference().digest


def test_the_reference_holds_missing_values_as_they_are(baseline: Baseline) -> None:
    missing = baseline.reference().profile.feature("job").missing

    assert missing == baseline._frozen_frame()["job"].null_count() > 0


def test_a_frozen_reference_is_not_frozen_again(baseline: Baseline) -> None:
    before = baseline.reference().digest

    with pytest.raises(Conflict, match="--force"):
        baseline.freeze(share=0.5, now=START)

    assert anew(baseline).reference().digest == before


def test_it_is_with_force(baseline: Baseline) -> None:
    frozen = baseline.freeze(share=0.5, now=START, force=True)

    assert frozen.rows == ROWS / 2
    assert anew(baseline).reference().digest == frozen.digest


@pytest.mark.parametrize("share", [1e-9, 0.5])
def test_at_least_one_row_is_frozen(baseline: Baseline, tmp_path: Path, share: float) -> None:
    frozen = unfrozen(baseline, tmp_path).freeze(share=share, now=START)

    assert frozen.rows == max(1, round(share * ROWS))


def test_nothing_is_written_for_data_that_cannot_be_used(
    baseline: Baseline, tmp_path: Path
) -> None:
    data = tmp_path / "bad.csv"
    data.write_text("income,age\n1,2\n")
    bad = replace(unfrozen(baseline, tmp_path), data=data)

    with pytest.raises(UserError, match=r"debt.*bad"):
        bad.freeze(share=SHARE, now=START)

    assert not bad.folder.exists()


# Reading.


def test_what_is_not_frozen_is_not_found(baseline: Baseline, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="homeostat reference freeze"):
        unfrozen(baseline, tmp_path).reference()


def change_a_value(folder: Path) -> None:
    file = folder / "reference_data.csv"
    file.write_text(file.read_text().replace("1", "2", 1))


def change_file_and_hash(folder: Path) -> None:
    change_a_value(folder)
    metadata = folder / "reference_metadata.json"
    plain = json.loads(metadata.read_text())
    text = (folder / "reference_data.csv").read_bytes()
    metadata.write_text(json.dumps({**plain, "reference_hash": hashlib.sha256(text).hexdigest()}))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        pytest.param(change_a_value, StateError, "is not what was frozen", id="one value"),
        pytest.param(change_file_and_hash, StateError, "the store says", id="and its hash"),
        pytest.param(
            lambda folder: (folder / "reference_data.csv").unlink(), StateError, "gone", id="gone"
        ),
        pytest.param(
            lambda folder: (folder / "reference_metadata.json").write_text("{"),
            StateError,
            "damaged",
            id="damaged metadata",
        ),
    ],
)
def test_what_was_changed_by_hand_is_not_used(
    baseline: Baseline, change: Callable[[Path], object], error: type[HomeostatError], says: str
) -> None:
    change(baseline.folder)

    with pytest.raises(error, match=says) as refused:
        anew(baseline).reference()
    with pytest.raises(error):
        _ = anew(baseline).golden
    assert "restore" in str(refused.value)


def test_the_golden_rows_have_their_labels(baseline: Baseline) -> None:
    golden = baseline.golden

    assert len(golden.rows) == len(golden.labels) == GOLDEN
    assert set(golden.labels.tolist()) == {0, 1}
    assert set(golden.rows[0]) == {"income", "age", "debt", "job"}


# The rows to learn from.


def test_no_frozen_row_is_learnt_from(baseline: Baseline) -> None:
    learnt = keys(baseline.training_frame())

    assert len(learnt) == ROWS - GOLDEN
    assert not set(learnt) & set(keys(baseline._frozen_frame()))


def test_no_frozen_row_is_learnt_from_in_a_file_that_grew(
    baseline: Baseline, tmp_path: Path
) -> None:
    grown = tmp_path / "grown.csv"
    grown.write_text(baseline.data.read_text() + "5000.5,44,0.25,pilot,0\n4000.25,33,0.5,,1\n")

    learnt = keys(baseline.training_frame(grown))

    assert len(learnt) == ROWS - GOLDEN + 2
    assert learnt[:-2] == keys(baseline.training_frame())
    assert learnt[-1] == (4000.25, 33, 0.5, None, "1")
    assert not set(learnt) & set(keys(baseline._frozen_frame()))


def test_the_model_is_that_of_the_project(baseline: Baseline) -> None:
    assert baseline.reference().model == baseline.model == MODEL
