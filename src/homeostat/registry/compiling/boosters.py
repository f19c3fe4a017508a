"""Boosters of XGBoost and LightGBM as graphs, from what they say of their trees."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from homeostat.registry.compiling.graph import INPUT, Graph, Uncompilable
from homeostat.registry.compiling.trees import BELOW, Tree, add_trees

__all__ = ["compile_lightgbm", "compile_xgboost"]


def compile_xgboost(data: bytes, width: int, rounds: int) -> bytes:
    """The booster in XGBoost's JSON as a graph; of its first `rounds` rounds, 0 for all.

    XGBoost computes in floats of 32 bits: values are rounded to them first, so that every row
    takes the same way through the trees.

    Raises
    ------
    Uncompilable
        When it splits by sets of categories, or is no sum of trees.
    """
    learner = json.loads(data)["learner"]
    booster = learner["gradient_booster"]
    if booster["name"] != "gbtree":
        raise Uncompilable(f"a {booster['name']} of XGBoost")
    model = booster["model"]
    plain = model["trees"]
    if rounds:
        plain = plain[: model["iteration_indptr"][rounds]]
    graph = Graph(width)
    total = add_trees(
        graph, graph.rounded(INPUT), [_xgboost_tree(one) for one in plain], mode=BELOW
    )
    base = float(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    if not 0 < base < 1:
        raise Uncompilable(f"a booster of XGBoost with the base score {base:g}")
    margin = graph.constant([[math.log(base / (1 - base))]])
    return graph.to_bytes(graph.op("Sigmoid", graph.op("Add", total, margin)))


def _xgboost_tree(plain: dict[str, Any]) -> Tree:
    if any(plain.get("categories_nodes") or ()):
        raise Uncompilable("a booster of XGBoost that splits by sets of categories")
    left = np.array(plain["left_children"], dtype=np.int64)
    conditions = np.array(plain["split_conditions"], dtype=np.float32).astype(float)
    return Tree(
        feature=np.array(plain["split_indices"], dtype=np.int64),
        split=conditions,
        missing_left=np.array(plain["default_left"], dtype=bool),
        left=left,
        right=np.array(plain["right_children"], dtype=np.int64),
        leaf=left < 0,
        value=conditions,  # where there is nothing to split by, the answer
    )


def compile_lightgbm(booster: Any, width: int) -> bytes:
    """A loaded booster of LightGBM as a graph.

    Raises
    ------
    Uncompilable
        When it splits by sets of categories, or treats zeros as missing.
    """
    plain = booster.dump_model()
    name, *options = str(plain["objective"]).split(" ")
    trees = [_lightgbm_tree(one["tree_structure"]) for one in plain["tree_info"]]
    graph = Graph(width)
    total = add_trees(graph, INPUT, trees)
    if plain.get("average_output"):
        total = graph.op("Div", total, graph.constant([[len(trees)]]))
    steepness = next((float(one[8:]) for one in options if one.startswith("sigmoid:")), 1.0)
    if name == "binary" and steepness != 1:
        total = graph.op("Mul", total, graph.constant([[steepness]]))
    return graph.to_bytes(graph.op("Sigmoid", total))


def _lightgbm_tree(root: dict[str, Any]) -> Tree:
    nodes = list(_walk(root))
    place = {id(one): i for i, one in enumerate(nodes)}
    leaf = np.array(["split_index" not in one for one in nodes])
    if any("leaf_coeff" in one for one in nodes):
        raise Uncompilable("a booster of LightGBM with linear leaves")
    return Tree(
        feature=np.array([one.get("split_feature", 0) for one in nodes], dtype=np.int64),
        split=np.array([_threshold(one) for one in nodes]),
        missing_left=np.array([_missing_left(one) for one in nodes]),
        left=np.array([place.get(id(one.get("left_child")), 0) for one in nodes]),
        right=np.array([place.get(id(one.get("right_child")), 0) for one in nodes]),
        leaf=leaf,
        value=np.array([one.get("leaf_value", math.nan) for one in nodes]),
    )


def _walk(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [node[side] for side in ("left_child", "right_child") if side in node]


def _threshold(node: dict[str, Any]) -> float:
    if node.get("decision_type", "<=") != "<=":
        raise Uncompilable("a booster of LightGBM that splits by sets of categories")
    return float(node.get("threshold", 0.0))


def _missing_left(node: dict[str, Any]) -> bool:
    """Where NaN goes: it counts as zero where the booster learnt from none."""
    kind, default = node.get("missing_type", "None"), bool(node.get("default_left"))
    zero_left = _threshold(node) >= 0
    if kind == "None":
        return zero_left
    if kind == "Zero" and default != zero_left:
        raise Uncompilable("a booster of LightGBM that treats zeros as missing")
    return default
