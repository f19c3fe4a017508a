"""No code in a model file runs: what each file would do is leave a marker behind."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from homeostat.errors import StateError
from homeostat.registry import load_scorer
from homeostat.registry.files import manifest_digest, sha256
from homeostat.registry.trusted import LOADERS, TYPES, dump_estimator, load_estimator
from homeostat.testing.trainer import sample_data
from homeostat.trainers import TRAINERS
from homeostat.trainers.train import train
from homeostat.version import Version

Save = Callable[..., Version]

#: Types that some releases of scikit-learn put into a model and others do not.
BY_RELEASE = {
    "_loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn.preprocessing._label.LabelEncoder",
}


class Planted:
    """Makes a folder wherever it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.mkdir, (self.marker,)


def pickled(marker: Path) -> bytes:
    return pickle.dumps(Planted(marker))


def joblibbed(marker: Path) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(Planted(marker), buffer)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def pickle_in_a_zip(marker: Path) -> bytes:
    return zipped({"schema.json": pickled(marker)})


def object_array(marker: Path) -> bytes:
    """An array in a good model, replaced by pickled objects under the same name."""
    files = unzipped(skops.io.dumps(LogisticRegression().fit([[0], [1]], [0, 1])))
    buffer = io.BytesIO()
    np.save(buffer, np.array([Planted(marker)], dtype=object), allow_pickle=True)
    array = next(name for name in files if name.endswith(".npy"))
    return zipped({**files, array: buffer.getvalue()})


def node(module: str, name: str, loader: str, **rest: Any) -> dict[str, Any]:
    return {"__module__": module, "__class__": name, "__loader__": loader, "__id__": 1, **rest}


def crafted(tree: dict[str, Any]) -> bytes:
    newest = json.loads(unzipped(skops.io.dumps(1))["schema.json"])
    whole = {**tree, "protocol": newest["protocol"], "_skops_version": newest["_skops_version"]}
    return zipped({"schema.json": json.dumps(whole).encode()})


def untrusted_function(marker: Path) -> bytes:
    return crafted(
        node("os", "mkdir", "FunctionNode", content={"module_path": "os", "function": "mkdir"})
    )


def untrusted_reduce(marker: Path) -> bytes:
    args = {"shape": [1], "content": [str(marker)]}
    return crafted(node("os", "mkdir", "ReduceNode", reduce={"args": args}, content=args))


def declares_its_own_trust(marker: Path) -> bytes:
    tree = node("builtins", "exec", "TypeNode")
    return crafted({**tree, "trusted": ["builtins.exec"], "skops_trusted_types": ["builtins.exec"]})


def hidden_deep(marker: Path) -> bytes:
    """Beside the content that skops looks at, in a good model."""
    files = unzipped(skops.io.dumps(LogisticRegression().fit([[0], [1]], [0, 1])))
    tree = json.loads(files["schema.json"])
    tree["content"]["content"]["planted"] = node("os", "system", "TypeNode")
    return zipped({**files, "schema.json": json.dumps(tree).encode()})


def slip(marker: Path) -> bytes:
    return zipped({f"../{marker.name}": b"", str(marker): b"", "schema.json": b"{}"})


CRAFTED = [
    pickled,
    joblibbed,
    pickle_in_a_zip,
    object_array,
    untrusted_function,
    untrusted_reduce,
    declares_its_own_trust,
    hidden_deep,
    slip,
]


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("craft", CRAFTED)
def test_a_crafted_model_is_refused_and_does_nothing(
    root: Path, save: Save, tmp_path: Path, craft: Callable[[Path], bytes]
) -> None:
    """Even where whoever wrote it could have it registered."""
    marker = tmp_path / "marker"
    version = save()
    file = root / version.location / "model.skops"
    file.write_bytes(craft(marker))
    manifest = {**version.manifest, "model.skops": sha256(file.read_bytes())}
    digest = manifest_digest(manifest)

    with pytest.raises(StateError, match="credit version 1 was refused"):
        load_scorer(root, replace(version, manifest=manifest, digest=digest))
    assert not marker.exists()


@pytest.mark.parametrize("craft", [pickled, joblibbed])
def test_the_marker_would_be_seen(tmp_path: Path, craft: Callable[[Path], bytes]) -> None:
    marker = tmp_path / "marker"
    joblib.load(io.BytesIO(craft(marker)))

    assert marker.exists()


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        pytest.param(FunctionTransformer(np.exp), "FunctionTransformer", id="function"),
        pytest.param(partial(int), "functools.partial", id="partial"),
        pytest.param({"a": LogisticRegression, "b": Path.mkdir}, "pathlib", id="method"),
        pytest.param(np.random.RandomState(0), "RandomState", id="a generator of another kind"),
    ],
)
def test_types_that_are_not_listed_are_named(estimator: Any, name: str) -> None:
    with pytest.raises(StateError, match=name):
        dump_estimator(estimator)
    with pytest.raises(StateError, match=name):
        load_estimator(skops.io.dumps(estimator))


def squeezed(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", data)
    return buffer.getvalue()


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def encrypted() -> bytes:
    """A member whose header says that it is encrypted, in the file and in its directory."""
    data = zipped({"schema.json": b"{}"})
    return changed(changed(data, 6, b"\x01"), data.index(b"PK\x01\x02") + 8, b"\x01")


def compressed_in_an_unknown_way() -> bytes:
    data = zipped({"schema.json": b"{}"})
    return changed(changed(data, 8, b"\x63"), data.index(b"PK\x01\x02") + 10, b"\x63")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x05\x06" + b"\0" * 18, id="an empty archive"),
        pytest.param(zipped({"schema.json": b"{}"}), id="an empty description"),
        pytest.param(zipped({"schema.json": b"[" * 200_000}), id="deeper than can be followed"),
        pytest.param(encrypted(), id="encrypted"),
        pytest.param(compressed_in_an_unknown_way(), id="an unknown compression"),
        pytest.param(changed(squeezed(b"{}" * 500), 41, b"\xff" * 8), id="damaged"),
    ],
)
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(StateError):
        load_estimator(data)


def test_every_listed_type_is_needed() -> None:
    """The list holds nothing that no trainer makes."""
    used: set[tuple[str, str]] = set()
    for algorithm in TRAINERS:
        for n in (300, 12_000):
            data = dump_estimator(train(sample_data(n), algorithm=algorithm, seed=0).estimator)
            used |= set(nodes(json.loads(unzipped(data)["schema.json"])))

    assert TYPES - {name for name, _ in used} <= BY_RELEASE
    assert {loader for _, loader in used} == LOADERS


def nodes(part: Any) -> Any:
    if isinstance(part, dict):
        if "__class__" in part:
            yield f"{part['__module__']}.{part['__class__']}", part["__loader__"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from nodes(one)
