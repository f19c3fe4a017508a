"""What is known of real files is what a comparison says of them."""

from pathlib import Path

import polars as pl
import pytest

from homeostat.comparison import compare, compare_by
from homeostat.verdict import Outcome


@pytest.fixture(scope="module")
def car_loans(data_dir: Path) -> tuple[Path, Path]:
    folder = data_dir / "nannyml_car_loan"
    return (
        folder / "synthetic_car_loan_reference.csv",
        folder / "synthetic_car_loan_analysis.csv",
    )


def test_car_loans_changed_in_april_2019(car_loans: tuple[Path, Path]) -> None:
    """The file is made so: its second half has cars of another value."""
    found = compare_by(*car_loans, "timestamp")

    assert found.period == "month"
    assert found.changed == ["2019-04", "2019-05", "2019-06", "2019-07", "2019-08"]
    assert all("car_value" in one.changed for name, one in found.groups.items() if name > "2019-03")
    assert all(
        one.outcome is Outcome.PASS for name, one in found.groups.items() if name < "2019-04"
    )


def test_car_loans_as_a_whole(car_loans: tuple[Path, Path]) -> None:
    found = compare(*car_loans)

    assert found.outcome is Outcome.FAIL
    assert {"car_value", "loan_length", "repaid_loan_on_prev_car"} <= set(found.changed)
    assert not {"debt_to_income_ratio", "size_of_downpayment"} & set(found.changed)
    assert set(found.left_out) == {"id", "timestamp"}
    assert found.untold == {"repaid": "not in the current data"}
    assert "The values moved up by 0.46 standard deviations" in found.to_html()


@pytest.fixture(scope="module")
def telco(data_dir: Path) -> pl.DataFrame:
    return pl.read_csv(data_dir / "telco" / "Telco-Customer-Churn.csv")


def test_the_two_halves_of_telco_are_alike(telco: pl.DataFrame) -> None:
    found = compare(telco[:3500], telco[3500:])

    assert found.outcome is Outcome.PASS
    assert found.left_out == {"customerID": "an identifier: a different text in each row"}


def test_customers_with_other_contracts_differ(telco: pl.DataFrame) -> None:
    parts = telco.partition_by("Contract", as_dict=True)

    found = compare(parts["Two year",], parts["Month-to-month",].drop("Contract"))

    assert {"tenure", "Churn", "TechSupport"} <= set(found.changed)
    assert found.features["gender"].outcome is Outcome.PASS
    assert found.features["tenure"].severity == "critical"
