"""Graph: ONNX nodes, added one after the other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["INPUT", "OUTPUT", "Graph", "Uncompilable"]

INPUT, OUTPUT = "x", "probability"

#: Versions of the operators: the oldest that have all that is used, for older runtimes.
OPSET, ML_OPSET, IR_VERSION = 18, 5, 9
ML = "ai.onnx.ml"


class Uncompilable(Exception):  # its edge is `compile_estimator`'s caller
    """There is no graph for this; the message says for what."""


class Graph:
    """A graph that grows.  Tensors are named by what `op` and `constant` give.

    Parameters
    ----------
    width
        Columns of the input.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The output of a new node."""
        from onnx import helper

        output = f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """A tensor that is part of the graph."""
        from onnx import numpy_helper

        name = f"constant{len(self._constants)}"
        array: NDArray[Any] = np.asarray(values, dtype=dtype)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def tensor(self, values: Any, dtype: Any) -> Any:
        """A tensor for an attribute of a node."""
        from onnx import numpy_helper

        return numpy_helper.from_array(np.asarray(values, dtype=dtype), "")

    def columns(self, x: str, places: Any) -> str:
        """Some columns of `x`, in this order."""
        return self.op("Gather", x, self.constant(places, np.int64), axis=1)

    def floats(self, x: str, *, single: bool) -> str:
        """`x` in floats of 32 bits, or of 64."""
        from onnx import TensorProto

        return self.op("Cast", x, to=TensorProto.FLOAT if single else TensorProto.DOUBLE)

    def rounded(self, x: str) -> str:
        """`x` in doubles, but each to what a float of 32 bits can hold."""
        return self.floats(self.floats(x, single=True), single=False)

    def to_bytes(self, probability: str) -> bytes:
        """The graph as a model, with `probability` of shape (n, 1) as what it answers."""
        from onnx import TensorProto, helper

        shape = self.constant([-1], np.int64)
        self._nodes.append(helper.make_node("Reshape", [probability, shape], [OUTPUT]))
        graph = helper.make_graph(
            self._nodes,
            "homeostat",
            [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, self.width])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="homeostat"
        )
        data: bytes = model.SerializeToString()
        return data
