"""C1, C2 and the second half of B15 for compiled models: nothing is run that was not proved."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from homeostat.errors import StateError, UserError
from homeostat.registry import load_scorer, read_parity
from homeostat.registry.artifacts import GoldenRows
from homeostat.registry.compiling import Graph
from homeostat.registry.compiling.graph import INPUT
from homeostat.registry.files import manifest_digest, sha256
from homeostat.registry.onnx import OnnxEstimator
from homeostat.schema import Row
from homeostat.testing.trainer import sample_data
from homeostat.trainers.train import Trained
from homeostat.version import Version

Save = Callable[..., Version]

FILES = ["golden.json", "model.onnx", "model.skops", "version.json"]
ROW: Row = {"income": 61_000.0, "children": 2, "member": True, "region": "west"}


@pytest.fixture
def version(save: Save) -> Version:
    return save(compiling=True)


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, reading a model as anything but bytes fails the test."""

    def fail(*given: Any, **options: Any) -> None:
        pytest.fail("a byte was deserialised before all were verified")

    def seal() -> None:
        for name in ("onnx.load_model_from_string", "onnxruntime.InferenceSession.__init__"):
            monkeypatch.setattr(name, fail)
        for name in ("skops.io.loads", "zipfile.ZipFile.__init__", "json.loads"):
            monkeypatch.setattr(name, fail)

    return seal


def registered(version: Version, root: Path) -> Version:
    """The version as if its folder, as it is now, had been registered."""
    folder = root / version.location
    manifest = {one.name: sha256(one.read_bytes()) for one in folder.iterdir()}
    return replace(version, manifest=manifest, digest=manifest_digest(manifest))


def test_the_original_lies_beside_what_serves(root: Path, version: Version) -> None:
    folder = root / version.location
    said = json.loads((folder / "version.json").read_text())["compiled"]

    assert sorted(one.name for one in folder.iterdir()) == sorted(version.manifest) == FILES
    assert said["compiled"] is True
    assert said["largest_difference"] <= said["tolerance"] == 1e-9
    assert read_parity(root, version).rows == said["rows"] > 500


def test_the_compiled_form_serves(root: Path, version: Version, trained: Trained) -> None:
    scorer = load_scorer(root, version)
    golden = GoldenRows.from_json((root / version.location / "golden.json").read_bytes())

    assert isinstance(scorer.estimator, OnnxEstimator)
    assert golden.probabilities.tolist() == scorer.estimator.probabilities(golden.x).tolist()
    expected = trained.estimator.predict_proba(golden.x)[:, 1]
    assert np.allclose(golden.probabilities, expected, rtol=0, atol=1e-12)


def test_what_is_not_compiled_serves_as_it_is(root: Path, save: Save) -> None:
    version = save()

    assert "model.onnx" not in version.manifest
    assert not isinstance(load_scorer(root, version).estimator, OnnxEstimator)
    assert str(read_parity(root, version)) == "not compiled: not asked for"


@pytest.mark.parametrize("compiling", [True, False])
def test_one_row_alone_gets_what_it_gets_among_others(
    root: Path, save: Save, compiling: bool
) -> None:
    scorer = load_scorer(root, save(compiling=compiling))
    rows: list[Row] = [
        ROW,
        {**ROW, "income": None},
        {**ROW, "region": "mars"},
        {**ROW, "member": None},
    ]

    together = scorer.probabilities(rows).tolist()

    assert [scorer.probability(row) for row in rows] == pytest.approx(together, abs=1e-12)
    assert len(set(together)) == 4


@pytest.mark.parametrize("value", [float("inf"), 1e31, -1e300])
def test_one_row_that_no_model_can_compute_with_is_refused(
    root: Path, version: Version, value: float
) -> None:
    with pytest.raises(UserError, match=r"income: beyond 1e\+30"):
        load_scorer(root, version).probability({**ROW, "income": value})


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_flipped_bit_is_refused_before_anything_is_read(
    root: Path, version: Version, name: str, place: float, sealed: Callable[[], None]
) -> None:
    file = root / version.location / name
    data = bytearray(file.read_bytes())
    data[int(len(data) * place)] ^= 4
    file.write_bytes(data)
    sealed()

    with pytest.raises(StateError, match=f"{name}: changed"):
        load_scorer(root, version)


def test_an_untouched_version_is_read(root: Path, version: Version) -> None:
    """The negative control of the flipped bits."""
    assert 0 < load_scorer(root, version).probability(ROW) < 1


def test_an_extra_file_is_refused(root: Path, version: Version, sealed: Callable[[], None]) -> None:
    (root / version.location / "weights.bin").write_bytes(b"")
    sealed()

    with pytest.raises(StateError, match=r"weights\.bin: not in the manifest"):
        load_scorer(root, version)


@pytest.mark.parametrize("names", [FILES, ["model.onnx"]], ids=str)
def test_swapped_versions_are_refused(
    root: Path, save: Save, other: Trained, names: list[str]
) -> None:
    first, second = save(1, compiling=True), save(2, other, compiling=True)
    for name in names:
        one, two = root / first.location / name, root / second.location / name
        kept = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(kept)

    for version in (first, second):
        with pytest.raises(StateError, match="changed"):
            load_scorer(root, version)


def test_a_compiled_model_that_answers_otherwise_is_refused(
    root: Path, save: Save, other: Trained
) -> None:
    first, second = save(1, compiling=True), save(2, other, compiling=True)
    shutil.copy(root / second.location / "model.onnx", root / first.location / "model.onnx")

    with pytest.raises(StateError, match=r"off by .* on its golden rows, 1e-09 is allowed"):
        load_scorer(root, registered(first, root))


def constant(value: float, width: int = 4) -> bytes:
    """A graph that says the same of all rows."""
    graph = Graph(width)
    first = graph.columns(INPUT, [1])
    zero = graph.op("Mul", first, graph.constant([[0.0]]))
    return graph.to_bytes(graph.op("Add", zero, graph.constant([[value]])))


def elsewhere(secret: Path) -> bytes:
    """A graph with a tensor that is said to lie in a file of the machine."""
    model = onnx.load_model_from_string(constant(0.5))
    tensor = model.graph.initializer[-1]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(secret))
    data: bytes = model.SerializeToString()
    return data


def foreign() -> bytes:
    """A graph with an operator that would come from a library of its maker."""
    ends = [helper.make_tensor_value_info(one, TensorProto.DOUBLE, [None]) for one in ("x", "p")]
    node = helper.make_node("Run", ["x"], ["p"], domain="evil.example")
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("evil.example", 1)]
    data: bytes = helper.make_model(graph, opset_imports=imports).SerializeToString()
    return data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "ONNX graph", id="empty"),
        pytest.param(b"\x80\x04not a graph", "ONNX graph", id="no graph"),
        pytest.param(constant(0.5)[:-40], "ONNX graph", id="cut off"),
        pytest.param(elsewhere(Path("/etc/hostname")), "in other files", id="another file"),
        pytest.param(foreign(), "can be run", id="a library of its own"),
        pytest.param(constant(1.5), "golden rows|outside", id="no probability"),
        pytest.param(constant(float("nan")), "golden rows|not finite", id="nan"),
        pytest.param(constant(0.5), "golden rows", id="another answer"),
        pytest.param(constant(0.5, 9), "invalid dimensions", id="another width"),
    ],
)
def test_a_crafted_graph_is_refused_even_if_registered(
    root: Path, version: Version, data: bytes, reason: str
) -> None:
    (root / version.location / "model.onnx").write_bytes(data)

    with pytest.raises(StateError, match=reason):
        load_scorer(root, registered(version, root))


def test_graphs_of_others_are_not_run_as_ours(root: Path, version: Version) -> None:
    ends = [helper.make_tensor_value_info(one, TensorProto.FLOAT, [None, 4]) for one in "ab"]
    graph = helper.make_graph([helper.make_node("Abs", ["a"], ["b"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (root / version.location / "model.onnx").write_bytes(model.SerializeToString())

    with pytest.raises(StateError, match="register the model again"):
        load_scorer(root, registered(version, root))


def test_many_rows_are_answered(root: Path, version: Version, trained: Trained) -> None:
    data = sample_data(3000, seed=9)
    estimator = load_scorer(root, version).estimator

    seen = estimator.predict_proba(data.x)
    assert np.allclose(seen, trained.estimator.predict_proba(data.x), rtol=0, atol=1e-12)
