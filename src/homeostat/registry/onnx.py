"""Models as ONNX graphs, run by ONNX Runtime in the thread that asks."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError
from homeostat.registry.compiling.graph import INPUT, OUTPUT

__all__ = ["OnnxEstimator", "load_onnx", "onnx_errors"]

FATAL = 4  #: the one level of the runtime's own log that is let through to standard error


class OnnxEstimator:
    """A graph with the one input and the one output that all of ours have.

    Parameters
    ----------
    data
        The graph, from `load_onnx`, which checks it.
    session
        What runs it.
    """

    def __init__(self, data: bytes, session: Any) -> None:
        self.data = data
        self._run = session.run
        self._outputs = (OUTPUT,)

    def probabilities(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the positive class, as the graph gives them: shape (n,), unchecked."""
        given: NDArray[np.float64] = self._run(self._outputs, {INPUT: x})[0]
        return given

    def predict_proba(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of both classes, as an estimator of scikit-learn would say it: shape (n, 2)."""
        positive = self.probabilities(np.ascontiguousarray(x, dtype=np.float64))
        return np.column_stack([1 - positive, positive])


def load_onnx(data: bytes) -> OnnxEstimator:
    """The estimator in the bytes of a graph; nothing in them is code.

    Raises
    ------
    StateError
        When it is no graph, reads other files, or has other inputs and outputs than ours.
    """
    import onnxruntime

    _refuse_other_files(data)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except onnx_errors() as error:
        cause = str(error).partition("\n")[0][:300]
        raise StateError(f"the model is no ONNX graph that can be run: {cause}") from error
    seen = [[(one.name, one.type) for one in ends] for ends in _ends(session)]
    if seen != [[(INPUT, "tensor(double)")], [(OUTPUT, "tensor(double)")]]:
        raise StateError(f"the graph reads and gives {seen}; register the model again")
    return OnnxEstimator(data, session)


def _ends(session: Any) -> tuple[Any, Any]:
    return session.get_inputs(), session.get_outputs()


@cache
def onnx_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its own kinds have nothing but Exception in common."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile")
    more = ("NotImplemented", "RuntimeException", "ModelLoadCanceled")
    found = [getattr(state, name) for name in (*names, *more) if hasattr(state, name)]
    return (*found, ValueError, RuntimeError)


def _refuse_other_files(data: bytes) -> None:
    """Tensors may lie in other files, by their path; ours never do."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise StateError("the model is no ONNX graph: its bytes cannot be read") from error
    if any(one.external_data or one.data_location for one in _tensors(model.graph)):
        raise StateError("the graph keeps tensors in other files; save it as one file")


def _tensors(graph: Any) -> list[Any]:
    """All tensors of a graph, those in the graphs within its nodes included."""
    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            found += [attribute.t, *attribute.tensors]
            for inner in (attribute.g, *attribute.graphs):
                found += _tensors(inner)
    return found
