import subprocess
import sys
from pathlib import Path

import pytest

from homeostat.dataset import (
    Description,
    describe,
    fingerprint,
    frame_rows,
    read_frame,
    targets,
    validate_frame,
)
from homeostat.schema import Kind


@pytest.fixture
def credit(data_dir: Path) -> Path:
    return present(data_dir / "gmsc" / "cs-training.csv")


@pytest.fixture
def telco(data_dir: Path) -> Path:
    return present(data_dir / "telco" / "Telco-Customer-Churn.csv")


@pytest.fixture
def car_loan(data_dir: Path) -> Path:
    return present(data_dir / "nannyml_car_loan" / "synthetic_car_loan_reference.csv")


def present(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    return path


def left_out(found: Description) -> set[str]:
    return {one.split("'")[1] for one in found.warnings if "was left out" in one}


def test_credit(credit: Path) -> None:
    frame = read_frame(credit)
    found = describe(frame, target="SeriousDlqin2yrs")
    valid = validate_frame(frame, found.schema, with_target=True)

    assert frame.shape == (150_000, 12)
    assert left_out(found) == {"column 1"}
    assert len(found.schema.features) == 10
    assert found.positives == targets(valid, found.schema).sum() == 10_026
    assert found.notes["MonthlyIncome"] == "0 to 3,008,750, 19.8 % missing"
    nullable = {one.name for one in found.schema.features if one.nullable}
    assert nullable == {"MonthlyIncome", "NumberOfDependents"}
    rows = frame_rows(valid, found.schema)
    assert sum(row["MonthlyIncome"] is None for row in rows) == 29_731
    assert sum(row["NumberOfDependents"] is None for row in rows) == 3_924
    assert fingerprint(frame) == fingerprint(read_frame(credit))


def test_blank_amounts_are_missing_numbers(telco: Path) -> None:
    frame = read_frame(telco)
    found = describe(frame, target="Churn", id_column="customerID")
    kinds = {one.name: one for one in found.schema.features}

    assert frame["TotalCharges"].null_count() == 11
    assert kinds["TotalCharges"].kind is Kind.NUMBER
    assert kinds["TotalCharges"].nullable
    assert kinds["Contract"].categories == ("Month-to-month", "One year", "Two year")
    assert found.schema.target.positive == "Yes"
    assert found.positives == 1_869
    assert found.warnings == ()
    assert validate_frame(frame, found.schema, with_target=True).height == 7_043


def test_car_loans(car_loan: Path) -> None:
    frame = read_frame(car_loan)
    found = describe(frame, target="repaid", id_column="id", time_column="timestamp")
    kinds = {one.name: one.kind for one in found.schema.features}

    assert left_out(found) == {"y_pred", "y_pred_proba"}
    assert kinds["salary_range"] is Kind.CATEGORY
    assert kinds["repaid_loan_on_prev_car"] is Kind.BOOLEAN
    assert (found.schema.target.positive, found.schema.target.classes) == ("1", ("0", "1"))
    assert found.positives == 24_979
    assert validate_frame(frame, found.schema, with_target=True).height == 50_000


def test_times_that_were_not_given_are_found(car_loan: Path) -> None:
    found = describe(read_frame(car_loan), target="repaid")

    assert {"id", "timestamp"} < left_out(found)
    assert any("give --time timestamp" in one for one in found.warnings)


def test_importing_is_light() -> None:
    code = (
        "import sys, homeostat.dataset; "
        "print(*({'pandera', 'sklearn', 'pandas', 'mlflow', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert done.stdout.strip() == ""
