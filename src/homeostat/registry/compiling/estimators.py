"""Estimators of scikit-learn that end a pipeline, as parts of a graph.

Each gives two tensors of shape (n, 1): the decision, where it has one, and the probability of
the positive class.  A calibration reads the first of them that there is, as scikit-learn does.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeostat.registry.compiling.graph import INPUT, Graph, Uncompilable
from homeostat.registry.compiling.steps import add_step
from homeostat.registry.compiling.trees import BELOW, Tree, add_trees, search_tree

__all__ = ["Answer", "compile_estimator"]


@dataclass(frozen=True, slots=True)
class Answer:
    """Tensors of what an estimator says."""

    probability: str
    decision: str | None = None


def compile_estimator(estimator: Any, width: int) -> bytes:
    """The estimator as an ONNX model, for rows of `width` columns.

    Raises
    ------
    Uncompilable
        When there is no graph for it, or for a part of it.
    """
    graph = Graph(width)
    return graph.to_bytes(_answer(graph, estimator, INPUT).probability)


def _answer(graph: Graph, estimator: Any, x: str) -> Answer:
    kind = type(estimator)
    maker = MAKERS.get(kind.__name__) if kind.__module__.startswith("sklearn.") else None
    if maker is None:
        raise Uncompilable(f"{kind.__name__} has no graph")
    return maker(graph, estimator, x)


def _pipeline(graph: Graph, pipeline: Any, x: str) -> Answer:
    for _, step in pipeline.steps[:-1]:
        x = add_step(graph, step, x)
    return _answer(graph, pipeline.steps[-1][1], x)


def _frozen(graph: Graph, frozen: Any, x: str) -> Answer:
    return _answer(graph, frozen.estimator, x)


def _logistic(graph: Graph, estimator: Any, x: str) -> Answer:
    _two_classes(estimator)
    if getattr(estimator, "multi_class", "deprecated") == "multinomial":
        raise Uncompilable("a multinomial LogisticRegression")
    weighed = graph.op("MatMul", x, graph.constant(estimator.coef_.T))
    decision = graph.op("Add", weighed, graph.constant(estimator.intercept_))
    return Answer(graph.op("Sigmoid", decision), decision)


def _boosting(graph: Graph, estimator: Any, x: str) -> Answer:
    _two_classes(estimator)
    if getattr(estimator, "is_categorical_", None) is not None:
        raise Uncompilable("HistGradientBoostingClassifier with categories of its own")
    steps, base = estimator._predictors, estimator._baseline_prediction  # noqa: SLF001  # the only way
    trees = [_boosted(one.nodes) for step in steps for one in step]
    base = graph.constant(np.reshape(base, (1, 1)))
    decision = graph.op("Add", add_trees(graph, x, trees), base)
    return Answer(graph.op("Sigmoid", decision), decision)


def _boosted(nodes: Any) -> Tree:
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        split=nodes["num_threshold"].astype(float),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        leaf=nodes["is_leaf"].astype(bool),
        value=nodes["value"].astype(float),
    )


def _forest(graph: Graph, estimator: Any, x: str) -> Answer:
    trees = [_grown(one) for one in estimator.estimators_]
    _two_classes(estimator)
    total = add_trees(graph, graph.rounded(x), trees)
    return Answer(graph.op("Div", total, graph.constant([[len(trees)]])))


def _decision_tree(graph: Graph, estimator: Any, x: str) -> Answer:
    _two_classes(estimator)
    return Answer(add_trees(graph, graph.rounded(x), [_grown(estimator)]))


def _grown(estimator: Any) -> Tree:
    """A tree that gives the share of the positive class."""
    totals = estimator.tree_.value[:, 0, :]
    return _tree(estimator.tree_, totals[:, 1] / totals.sum(axis=1))


def _tree(tree: Any, value: Any) -> Tree:
    """A tree of scikit-learn, which rounds what it reads to 32 bits."""
    leaf = tree.children_left < 0
    missing = getattr(tree, "missing_go_to_left", np.zeros(len(leaf)))
    return Tree(
        feature=np.where(leaf, 0, tree.feature),
        split=tree.threshold,
        missing_left=np.asarray(missing, dtype=bool),
        left=tree.children_left,
        right=tree.children_right,
        leaf=leaf,
        value=value,
    )


def _gradient_boosting(graph: Graph, estimator: Any, x: str) -> Answer:
    """The older boosting, whose first guess is the share of the positive class."""
    _two_classes(estimator)
    if estimator.loss != "log_loss" or type(estimator.init_).__name__ != "DummyClassifier":
        raise Uncompilable("a GradientBoostingClassifier with another loss or first guess")
    share = float(estimator.init_.class_prior_[1])
    rate = float(estimator.learning_rate)
    trees = [_regressing(one, rate) for one in estimator.estimators_[:, 0]]
    base = graph.constant([[math.log(share / (1 - share))]])
    decision = graph.op("Add", add_trees(graph, graph.rounded(x), trees), base)
    return Answer(graph.op("Sigmoid", decision), decision)


def _regressing(estimator: Any, rate: float) -> Tree:
    return _tree(estimator.tree_, rate * estimator.tree_.value[:, 0, 0])


def _calibrated(graph: Graph, estimator: Any, x: str) -> Answer:
    _two_classes(estimator)
    parts = [_one_calibrated(graph, one, x) for one in estimator.calibrated_classifiers_]
    total = parts[0]
    for part in parts[1:]:
        total = graph.op("Add", total, part)
    if len(parts) > 1:
        total = graph.op("Div", total, graph.constant([[len(parts)]]))
    return Answer(total)


def _one_calibrated(graph: Graph, calibrated: Any, x: str) -> str:
    answer = _answer(graph, calibrated.estimator, x)
    [calibrator] = calibrated.calibrators
    maker = CALIBRATORS.get(type(calibrator).__name__)
    if maker is None:
        raise Uncompilable(f"{type(calibrator).__name__} has no graph")
    return maker(graph, calibrator, answer.decision or answer.probability)


def _sigmoid(graph: Graph, calibrator: Any, score: str) -> str:
    scaled = graph.op("Mul", score, graph.constant([[-calibrator.a_]]))
    return graph.op("Sigmoid", graph.op("Add", scaled, graph.constant([[-calibrator.b_]])))


def _isotonic(graph: Graph, calibrator: Any, score: str) -> str:
    """Between two points of the staircase, on the line between them."""
    at = np.asarray(calibrator.X_thresholds_, dtype=float)
    to = np.asarray(calibrator.y_thresholds_, dtype=float)
    if calibrator.out_of_bounds != "clip":
        raise Uncompilable("an isotonic calibration that does not clip")
    if len(at) == 1:
        zero = graph.op("Mul", score, graph.constant([[0.0]]))
        return graph.op("Add", zero, graph.constant([[to[0]]]))
    if calibrator.X_thresholds_.dtype != np.float64:
        score = graph.rounded(score)
    least, most = (graph.constant([[one]]) for one in (calibrator.X_min_, calibrator.X_max_))
    score = graph.op("Min", graph.op("Max", score, least), most)
    slopes = np.append(np.diff(to) / np.diff(at), 0.0)
    count = add_trees(graph, score, [search_tree(at[1:])], mode=BELOW)
    place = graph.op("Cast", graph.op("Reshape", count, graph.constant([-1], np.int64)), to=7)
    start, slope, height = (
        graph.op("Gather", graph.constant(one.reshape(-1, 1)), place, axis=0)
        for one in (at, slopes, to)
    )
    gone = graph.op("Mul", slope, graph.op("Sub", score, start))
    return graph.op("Add", gone, height)


def _two_classes(estimator: Any) -> None:
    if list(estimator.classes_) != [0, 1]:
        raise Uncompilable(f"the classes {list(estimator.classes_)} where 0 and 1 are asked")


MAKERS: dict[str, Callable[[Graph, Any, str], Answer]] = {
    "CalibratedClassifierCV": _calibrated,
    "DecisionTreeClassifier": _decision_tree,
    "ExtraTreesClassifier": _forest,
    "FrozenEstimator": _frozen,
    "GradientBoostingClassifier": _gradient_boosting,
    "HistGradientBoostingClassifier": _boosting,
    "LogisticRegression": _logistic,
    "Pipeline": _pipeline,
    "RandomForestClassifier": _forest,
}

CALIBRATORS: dict[str, Callable[[Graph, Any, str], str]] = {
    "IsotonicRegression": _isotonic,
    "_SigmoidCalibration": _sigmoid,
}
