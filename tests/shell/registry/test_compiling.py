"""A compiled model answers like its original, or it does not serve."""

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from homeostat.registry.brought import unpickle
from homeostat.registry.compiled import compiled_form
from homeostat.registry.compiling import Graph, Uncompilable, compile_estimator
from homeostat.registry.compiling.estimators import CALIBRATORS
from homeostat.registry.compiling.graph import INPUT
from homeostat.registry.compiling.trees import BELOW, add_trees, search_tree
from homeostat.registry.native import load_lightgbm, load_xgboost
from homeostat.registry.onnx import load_onnx
from homeostat.registry.parity import Trial, prove
from homeostat.testing.trainer import sample_data
from homeostat.trainers import TRAINERS
from homeostat.trainers.train import train

NULLABLE = (True, False, True, True)
DATA = sample_data(1000)
NEW = sample_data(600, seed=4)
LINEAR = LogisticRegression(max_iter=10_000)


def filled(estimator: Any) -> Any:
    steps = SimpleImputer(strategy="median"), StandardScaler(), estimator
    return make_pipeline(*steps).fit(DATA.x, DATA.y)


@pytest.mark.parametrize("rows", [300, 12_000], ids=["sigmoid", "isotonic"])
@pytest.mark.parametrize("algorithm", list(TRAINERS))
def test_what_we_train_compiles_and_answers_alike(algorithm: str, rows: int) -> None:
    trained = train(sample_data(rows), algorithm=algorithm, seed=0)
    trial = Trial(x=NEW.x, threshold=trained.threshold, nullable=NULLABLE)

    compiled, parity = compiled_form(trained.estimator, trial)

    assert compiled is not None
    assert parity.largest is not None
    assert parity.largest <= 1e-12
    assert parity.rows > 512 + 4 * 9 * 15
    assert str(parity).startswith("compiled: yes, largest difference ")


@pytest.mark.parametrize(
    "estimator",
    [
        pytest.param(DecisionTreeClassifier(max_depth=5, random_state=0), id="tree"),
        pytest.param(DecisionTreeClassifier(max_depth=1, random_state=0), id="stump"),
        pytest.param(ExtraTreesClassifier(20, random_state=0), id="extra trees"),
        pytest.param(RandomForestClassifier(20, random_state=0), id="forest"),
        pytest.param(GradientBoostingClassifier(n_estimators=20, random_state=0), id="boosting"),
        pytest.param(HistGradientBoostingClassifier(max_iter=20), id="histograms"),
        pytest.param(LogisticRegression(max_iter=1000), id="regression"),
    ],
)
def test_what_others_train_compiles_too(estimator: Any) -> None:
    compiled, parity = compiled_form(filled(estimator), Trial(x=NEW.x, nullable=NULLABLE))

    assert compiled is not None, parity.reason
    assert parity.largest is not None
    assert parity.largest <= 1e-12


def test_a_tree_that_is_one_leaf_compiles() -> None:
    leaf = DecisionTreeClassifier(min_samples_leaf=600).fit(np.nan_to_num(DATA.x), DATA.y)

    compiled, parity = compiled_form(leaf, Trial(x=np.nan_to_num(NEW.x)))

    assert leaf.tree_.node_count == 1
    assert compiled is not None, parity.reason


def test_times_in_seconds_keep_their_digits() -> None:
    """Floats of 32 bits tell times of today apart by two minutes."""
    x = NEW.x.copy()
    x[:, 0] = 1.7e9 + np.arange(len(x))
    model = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5)
    y = (np.arange(len(x)) // 7 % 2).astype(int)
    trial = Trial(x=x, threshold=0.5, nullable=NULLABLE)

    compiled, parity = compiled_form(model.fit(x, y), trial)

    assert compiled is not None, parity.reason


def test_categories_of_boosting_are_not_converted_silently() -> None:
    """sklearn-onnx flips most labels of such a model and says nothing."""
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=[3])

    compiled, parity = compiled_form(model.fit(DATA.x, DATA.y), Trial(x=NEW.x))

    assert compiled is None
    assert "categories of its own" in parity.reason
    assert str(parity).startswith("not compiled: ")


def odd(values: Any) -> Any:
    return np.where(np.isnan(values), 0.0, values)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(make_pipeline(FunctionTransformer(odd), LINEAR), id="function"),
        pytest.param(make_pipeline(SimpleImputer(), OneHotEncoder(), LINEAR), id="refusing"),
    ],
)
def test_what_has_no_graph_of_ours_says_why(model: Any) -> None:
    with pytest.raises(Uncompilable):
        compile_estimator(model.fit(np.round(DATA.x), DATA.y), 4)


def test_other_classes_than_0_and_1_are_not_compiled() -> None:
    model = filled(LogisticRegression(max_iter=1000))
    model[-1].classes_ = np.array(["no", "yes"])

    with pytest.raises(Uncompilable, match="where 0 and 1 are asked"):
        compile_estimator(model, 4)


def test_another_model_is_no_compiled_form() -> None:
    """The negative control: a proof that cannot fail proves nothing."""
    one = filled(LogisticRegression(max_iter=1000))
    other = load_onnx(compile_estimator(filled(LogisticRegression(C=0.001)), 4))

    parity = prove(one, other, Trial(x=NEW.x, threshold=0.5))

    assert not parity.compiled
    assert "off by" in parity.reason
    assert "1e-09 is allowed" in parity.reason
    assert "of another class" in parity.reason


def test_one_row_on_the_other_side_of_the_threshold_is_too_much() -> None:
    model = filled(LogisticRegression(max_iter=1000))
    compiled = load_onnx(compile_estimator(model, 4))

    class Shifted:
        def predict_proba(self, x: Any) -> Any:
            scores = compiled.predict_proba(x)[:, 1] + 1e-7
            return np.column_stack([1 - scores, np.minimum(scores, 1)])

    score = float(model.predict_proba(NEW.x[:1])[0, 1])
    near, far = (Trial(x=NEW.x, threshold=one) for one in (score + 5e-8, None))

    assert prove(model, Shifted(), far, tolerance=1e-6).compiled
    refused = prove(model, Shifted(), near, tolerance=1e-6)
    assert not refused.compiled
    assert "other side of the threshold" in refused.reason


def test_what_may_be_missing_must_be_answered_by_the_original() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(np.nan_to_num(DATA.x), DATA.y)
    x = np.nan_to_num(NEW.x)

    allowed, refused = (compiled_form(model, Trial(x=x, nullable=one)) for one in ((), NULLABLE))

    assert allowed[0] is not None
    assert refused[0] is None
    assert "refuses rows that may come" in refused[1].reason


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(make_pipeline(MinMaxScaler(), LINEAR), id="scaled to one"),
        pytest.param(GaussianNB(), id="naive"),
    ],
)
def test_what_is_not_written_here_goes_by_skl2onnx(model: Any) -> None:
    given = sample_data(600, nullable=False)
    model.fit(given.x, given.y)

    compiled, parity = compiled_form(model, Trial(x=given.x, threshold=0.5))

    assert compiled is not None, parity.reason
    assert parity.tolerance == 1e-9


@pytest.mark.parametrize("pickled", [False, True], ids=["its own file", "pickled"])
def test_xgboost_stops_where_it_stopped_early(tmp_path: Path, *, pickled: bool) -> None:
    x, y = np.nan_to_num(DATA.x), DATA.y
    model = xgboost.XGBClassifier(n_estimators=200, learning_rate=0.5, early_stopping_rounds=3)
    model.fit(x[:500], y[:500], eval_set=[(x[500:], y[500:])], verbose=False)
    model.save_model(tmp_path / "model.json")
    own = load_xgboost((tmp_path / "model.json").read_bytes())
    booster = unpickle._native(model) if pickled else own

    compiled, parity = compiled_form(booster, Trial(x=NEW.x, nullable=NULLABLE))

    assert 0 < model.best_iteration < model.get_booster().num_boosted_rounds() - 1
    assert compiled is not None, parity.reason
    expected = model.predict_proba(NEW.x)[:, 1]
    assert np.allclose(booster.predict_proba(NEW.x)[:, 1], expected, rtol=0, atol=0)
    assert np.allclose(compiled.predict_proba(NEW.x)[:, 1], expected, rtol=0, atol=1e-6)
    assert parity.tolerance == 1e-6


def test_xgboost_with_categories_of_its_own_serves_as_it_is() -> None:
    kinds = ["q", "q", "q", "c"]
    data = xgboost.DMatrix(DATA.x, DATA.y, feature_types=kinds, enable_categorical=True)
    options = {"objective": "binary:logistic", "max_cat_to_onehot": 1}
    booster = load_xgboost(bytes(xgboost.train(options, data, 10).save_raw("ubj")))
    unknown, missing = NEW.x[:9].copy(), NEW.x[:9].copy()
    unknown[:, 3], missing[:, 3] = -1, np.nan

    compiled, parity = compiled_form(booster, Trial(x=NEW.x, nullable=NULLABLE))

    assert compiled is None
    assert "sets of categories" in parity.reason
    seen = [booster.predict_proba(one).tolist() for one in (unknown, missing)]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("missing", [True, False], ids=["learnt from missing", "never saw any"])
def test_lightgbm_sends_missing_values_where_it_does(missing: bool) -> None:
    x = DATA.x if missing else np.nan_to_num(DATA.x)
    options = {"objective": "binary", "verbose": -1}
    made = lightgbm.train(options, lightgbm.Dataset(x, DATA.y), 30)
    booster = load_lightgbm(made.model_to_string().encode())

    compiled, parity = compiled_form(booster, Trial(x=NEW.x, nullable=NULLABLE))

    assert compiled is not None, parity.reason
    assert parity.largest is not None
    assert parity.largest <= 1e-12


@given(
    edges=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40, unique=True).map(sorted),
    values=st.lists(st.floats(-2e6, 2e6), min_size=1, max_size=20),
)
@settings(max_examples=50, deadline=None)
def test_a_search_tree_counts_as_searchsorted_does(edges: list[float], values: list[float]) -> None:
    at, asked = np.array(edges), np.array(values + edges).reshape(-1, 1)
    graph = Graph(1)
    model = load_onnx(graph.to_bytes(add_trees(graph, INPUT, [search_tree(at)], mode=BELOW)))

    assert model.probabilities(asked).tolist() == np.searchsorted(at, asked[:, 0], "right").tolist()


def test_a_staircase_is_followed_beyond_its_ends() -> None:
    staircase = IsotonicRegression(out_of_bounds="clip").fit([0, 1, 2, 3, 4], [0, 0, 1, 1, 1])
    graph = Graph(1)
    model = load_onnx(graph.to_bytes(CALIBRATORS["IsotonicRegression"](graph, staircase, INPUT)))
    asked = np.linspace(-3, 7, 101)

    assert np.allclose(
        model.probabilities(asked.reshape(-1, 1)), staircase.predict(asked), rtol=0, atol=1e-15
    )
