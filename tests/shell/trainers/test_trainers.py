import numpy as np

from homeostat.testing.trainer import sample_data
from homeostat.trainers import TRAINERS, pipeline


def test_the_three_are_there() -> None:
    assert list(TRAINERS) == ["hist_gradient_boosting", "logistic_regression", "random_forest"]


def test_each_kind_has_its_columns() -> None:
    data = sample_data()
    columns = pipeline(data.schema, None)[0]
    x = np.array([[np.nan, 2, 1, 3], [10, 2, 0, np.nan], [30, 4, 1, -1]])

    assert columns.fit_transform(x).tolist() == [
        # children; income, member, income missing; north, south, east, west, missing
        [2, 20, 1, 1, 0, 0, 0, 1, 0],
        [2, 10, 0, 0, 0, 0, 0, 0, 1],
        [4, 30, 1, 0, 0, 0, 0, 0, 0],
    ]
