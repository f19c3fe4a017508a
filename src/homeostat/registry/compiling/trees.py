"""Trees as one node of a graph, with splits and sums in doubles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.registry.compiling.graph import ML, Graph, Uncompilable

__all__ = ["BELOW", "UP_TO", "Tree", "add_trees", "search_tree"]

UP_TO, BELOW = 0, 1  #: which values go left: x <= split, or x < split

SUM, AS_IT_IS = 1, 0  #: how leaves are joined, and what is done to their sum

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tree:
    """One tree: a place in each array for a node, the first of them the root."""

    feature: Places  #: column that is asked; any number in a leaf
    split: NDArray[np.float64]  #: values up to it go left
    missing_left: NDArray[np.bool_]  #: whether NaN goes left
    left: Places  #: place of the next node
    right: Places
    leaf: NDArray[np.bool_]
    value: NDArray[np.float64]  #: what a leaf gives


def add_trees(graph: Graph, x: str, trees: Sequence[Tree], *, mode: int = UP_TO) -> str:
    """The sum over the trees, of shape (n, 1).

    `mode` says which values go left, in all of them.  The sum comes in the order of the trees.
    """
    if not trees:
        raise Uncompilable("no trees")
    parts, nodes, leaves = [], 0, 0
    for tree in trees:
        part = _numbered(tree, nodes, leaves)
        parts.append(part)
        nodes += len(part["feature"])
        leaves += len(part["value"])
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    sizes = [len(part["feature"]) for part in parts]
    return graph.op(
        "TreeEnsemble",
        x,
        domain=ML,
        aggregate_function=SUM,
        post_transform=AS_IT_IS,
        n_targets=1,
        tree_roots=np.cumsum([0, *sizes[:-1]]).tolist(),
        nodes_modes=graph.tensor(np.full(nodes, mode), np.uint8),
        nodes_splits=graph.tensor(joined["split"], np.float64),
        nodes_featureids=joined["feature"].tolist(),
        nodes_missing_value_tracks_true=joined["missing_left"].tolist(),
        nodes_truenodeids=joined["left"].tolist(),
        nodes_trueleafs=joined["left_leaf"].tolist(),
        nodes_falsenodeids=joined["right"].tolist(),
        nodes_falseleafs=joined["right_leaf"].tolist(),
        leaf_targetids=[0] * leaves,
        leaf_weights=graph.tensor(joined["value"], np.float64),
    )


def _numbered(tree: Tree, nodes: int, leaves: int) -> dict[str, NDArray[np.generic]]:
    """The tree in the way of ONNX, which counts splits and leaves apart, over all trees."""
    inner = np.flatnonzero(~tree.leaf)
    counted = (np.cumsum(tree.leaf) - 1 + leaves, np.cumsum(~tree.leaf) - 1 + nodes)
    number = np.where(tree.leaf, *counted)
    if not len(inner):  # a tree must have a split: here one with the same leaf on both sides
        same, yes = np.array([leaves]), np.ones(1, np.int64)
        parts = {"feature": yes - 1, "split": np.zeros(1), "missing_left": yes}
        sides = {"left": same, "left_leaf": yes, "right": same, "right_leaf": yes}
        return {**parts, **sides, "value": tree.value[:1]}
    left, right = tree.left[inner], tree.right[inner]
    return {
        "feature": tree.feature[inner],
        "split": tree.split[inner],
        "missing_left": tree.missing_left[inner].astype(np.int64),
        "left": number[left],
        "left_leaf": tree.leaf[left].astype(np.int64),
        "right": number[right],
        "right_leaf": tree.leaf[right].astype(np.int64),
        "value": tree.value[tree.leaf],
    }


def search_tree(edges: NDArray[np.float64]) -> Tree:
    """A balanced tree on column 0 that gives how many of the rising `edges` are at most x.

    To be read with `BELOW`.

    Examples
    --------
    >>> tree = search_tree(np.array([1.0, 2.0]))
    >>> tree.split[~tree.leaf].tolist(), tree.value[tree.leaf].tolist()
    ([2.0, 1.0], [0.0, 1.0, 2.0])
    """
    split: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []

    def grow(low: int, high: int) -> int:
        """The node that tells the counts from `low` to `high` apart."""
        place = len(split)
        split.append(0.0)
        left.append(0)
        right.append(0)
        value.append(float(low))
        if low < high:
            middle = (low + high) // 2
            split[place] = float(edges[middle])
            value[place] = np.nan
            left[place] = grow(low, middle)
            right[place] = grow(middle + 1, high)
        return place

    grow(0, len(edges))
    values = np.array(value)
    n = len(values)
    return Tree(
        feature=np.zeros(n, np.int64),
        split=np.array(split),
        missing_left=np.zeros(n, bool),
        left=np.array(left, np.int64),
        right=np.array(right, np.int64),
        leaf=~np.isnan(values),
        value=values,
    )
