"""An ONNX model made elsewhere, with the one input and the one output that ours have."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from homeostat.errors import StateError, UserError
from homeostat.extension import did_you_mean
from homeostat.registry.compiling.graph import INPUT, ML, OUTPUT
from homeostat.registry.onnx import onnx_errors
from homeostat.schema import Feature, Kind, Schema

__all__ = ["adapt_onnx"]

GIVEN = "given_"  #: before every name of the model, so that ours are free
FLOAT, INT64, STRING, BOOL, DOUBLE = 1, 7, 8, 9, 11  #: element types of ONNX
FLOATS = (FLOAT, DOUBLE)


def adapt_onnx(data: bytes, schema: Schema | None) -> bytes:
    """The model with nodes before and behind it: encoded rows in, probabilities out.

    Its input is one matrix with the columns of the schema, or a column for each feature, of
    its name; texts are what the schema's categories stand for, "" for an unknown or missing
    one.  Its output is the one whose name holds "prob", or else its last of floats: one
    column, or two of which the second is the positive class.

    Parameters
    ----------
    schema
        None for a model with one matrix of numbers.

    Raises
    ------
    StateError
        When the bytes are no ONNX model.
    UserError
        When its inputs or outputs cannot be those of such a model; all that is wrong is named.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model)
        model = onnx.compose.add_prefix(model, GIVEN)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        cause = str(error).partition("\n")[0][:200]
        raise StateError(f"the model is no ONNX graph: {cause}") from error
    _without_zip_map(model.graph)
    output = _output(model.graph)
    before = _inputs(model, schema)
    for node in reversed(before):
        model.graph.node.insert(0, node)
    _set_ends(model.graph, [_end(INPUT, DOUBLE, [None, _width(schema, model)])], output)
    _answer(model, output)
    result: bytes = model.SerializeToString()
    return result


def _without_zip_map(graph: Any) -> None:
    """Take out what turns the probabilities into a list of dictionaries."""
    for node in [one for one in graph.node if one.op_type == "ZipMap"]:
        graph.node.remove(node)
        for output in [one for one in graph.output if one.name == node.output[0]]:
            graph.output.remove(output)
            graph.output.append(_end(node.input[0], FLOAT, None))


def _output(graph: Any) -> Any:
    """The tensor of probabilities."""
    floats = [one for one in graph.output if one.type.tensor_type.elem_type in FLOATS]
    named = [one for one in floats if "prob" in one.name.removeprefix(GIVEN).lower()]
    if not floats:
        names = [one.name.removeprefix(GIVEN) for one in graph.output]
        raise UserError(f"the model gives {names}; none of them can be probabilities")
    return (named or floats)[-1]


def _inputs(model: Any, schema: Schema | None) -> list[Any]:
    """Nodes that make the model's own inputs out of the encoded matrix."""
    graph = model.graph
    constants = {one.name for one in graph.initializer}
    inputs = [one for one in graph.input if one.name not in constants]
    if schema is None or (len(inputs) == 1 and _is_matrix(inputs[0], schema)):
        return _matrix(inputs[0], schema) if len(inputs) == 1 else _refuse_inputs(inputs)
    names = [one.name.removeprefix(GIVEN) for one in inputs]
    problems = [
        f"{one!r}: no such feature; {did_you_mean(one, list(schema.names))}"
        for one in names
        if one not in schema.names
    ]
    problems += [f"{one!r}: no input of the model" for one in schema.names if one not in names]
    if problems:
        raise UserError("the model's inputs are not the features of the schema", problems)
    features = {one.name: (i, one) for i, one in enumerate(schema.features)}
    nodes = []
    for name, one in zip(names, inputs, strict=True):
        nodes += _column(model, one, *features[name])
    return nodes


def _is_matrix(given: Any, schema: Schema) -> bool:
    """Whether an input takes all features, and not one of them by its name."""
    text = given.type.tensor_type.elem_type == STRING
    return not text and (_last(given) != 1 or len(schema.names) == 1)


def _refuse_inputs(inputs: Sequence[Any]) -> list[Any]:
    names = [one.name.removeprefix(GIVEN) for one in inputs]
    raise UserError(f"the model has the inputs {names}; one matrix of numbers is asked")


def _matrix(given: Any, schema: Schema | None) -> list[Any]:
    from onnx import helper

    kind, width = given.type.tensor_type.elem_type, _last(given)
    asked = len(schema.names) if schema else width
    problems = []
    if kind not in (*FLOATS, INT64):
        problems.append("its input holds no numbers")
    if width not in {0, asked}:
        problems.append(f"its input has {width} columns, the schema has {asked}")
    if kind == INT64 and schema and any(one.nullable for one in schema.features):
        problems.append("its input holds whole numbers, which cannot be missing")
    if problems:
        raise UserError("the model cannot read the rows of the schema", problems)
    return [helper.make_node("Cast", [INPUT], [given.name], to=kind)]


def _column(model: Any, given: Any, place: int, feature: Feature) -> list[Any]:
    """Nodes from one column of the matrix to an input of the model."""
    from onnx import helper, numpy_helper

    kind, name = given.type.tensor_type.elem_type, given.name
    index, picked = f"{name}_place", f"{name}_picked"
    places = np.array([place]) if len(given.type.tensor_type.shape.dim) > 1 else np.array(place)
    model.graph.initializer.append(numpy_helper.from_array(places.astype(np.int64), index))
    pick = helper.make_node("Gather", [INPUT, index], [picked], axis=1)
    if kind == STRING:
        if feature.kind is not Kind.CATEGORY:
            raise UserError(f"the model reads {feature.name!r} as text, it is a {feature.kind}")
        return [pick, *_text(model, picked, name, feature)]
    if kind in {INT64, BOOL} and feature.nullable:
        message = f"the model reads {feature.name!r} as a type in which no value can miss"
        raise UserError(f"{message}; make the feature not nullable")
    return [pick, helper.make_node("Cast", [picked], [name], to=kind)]


def _text(model: Any, picked: str, name: str, feature: Feature) -> list[Any]:
    from onnx import helper

    _import_ml(model)
    single = f"{name}_single"
    return [
        helper.make_node("Cast", [picked], [single], to=FLOAT),
        helper.make_node(
            "LabelEncoder",
            [single],
            [name],
            domain=ML,
            keys_floats=[float(i) for i in range(len(feature.categories))],
            values_strings=list(feature.categories),
            default_string="",
        ),
    ]


def _import_ml(model: Any) -> None:
    """See to a release of the operators that turns numbers into text."""
    from onnx import helper

    held = [one for one in model.opset_import if one.domain == ML]
    if not held:
        model.opset_import.append(helper.make_opsetid(ML, 2))
    elif held[0].version < 2:
        if any(one.op_type == "LabelEncoder" for one in model.graph.node):
            raise UserError("the model's operators are too old; convert it with ai.onnx.ml 2")
        held[0].version = 2


def _answer(model: Any, output: Any) -> None:
    """Nodes from the model's probabilities to ours."""
    from onnx import helper, numpy_helper

    graph, name = model.graph, output.name
    if _columns(model, output) == 2:
        graph.initializer.append(numpy_helper.from_array(np.array([1]), "positive_place"))
        graph.node.append(
            helper.make_node("Gather", [name, "positive_place"], ["positive"], axis=1)
        )
        name = "positive"
    graph.initializer.append(numpy_helper.from_array(np.array([-1]), "flat_shape"))
    graph.node.append(helper.make_node("Reshape", [name, "flat_shape"], ["flat"]))
    graph.node.append(helper.make_node("Cast", ["flat"], [OUTPUT], to=DOUBLE))
    _set_ends(graph, list(graph.input), _end(OUTPUT, DOUBLE, [None]))


def _columns(model: Any, output: Any) -> int:
    """How many columns the probabilities have: asked of the model itself."""
    import onnxruntime

    width = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        shape = session.run([output.name], {INPUT: np.zeros((3, width))})[0].shape
    except onnx_errors() as error:
        cause = str(error).partition("\n")[0][:300]
        raise UserError(f"the model does not answer a row of zeros: {cause}") from error
    if shape not in {(3,), (3, 1), (3, 2)}:
        raise UserError(f"the model answers 3 rows with the shape {shape}; 2 classes are asked")
    return 2 if shape == (3, 2) else 1


def _set_ends(graph: Any, inputs: list[Any], output: Any) -> None:
    kept = [_copy(one) for one in inputs]
    last = _copy(output)
    del graph.input[:]
    del graph.output[:]
    graph.input.extend(kept)
    graph.output.append(last)


def _copy(one: Any) -> Any:
    copy = type(one)()
    copy.CopyFrom(one)
    return copy


def _end(name: str, kind: int, shape: list[int | None] | None) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, shape)


def _last(given: Any) -> int:
    """The columns of an input; 0 where that is open."""
    dims = given.type.tensor_type.shape.dim
    return int(dims[-1].dim_value) if len(dims) > 1 else 1


def _width(schema: Schema | None, model: Any) -> int:
    if schema is not None:
        return len(schema.names)
    return _last(model.graph.input[0])
