"""Artefacts: a model in a folder, with golden rows that it must answer as it did."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import StateError, UserError
from homeostat.registry.compiled import compiled_form
from homeostat.registry.files import manifest_digest, read_verified, sha256, write_folder
from homeostat.registry.formats import MODELS, dump_model, load_model
from homeostat.registry.parity import DOUBLE, Parity, Trial, not_compiled
from homeostat.registry.scorer import Scorer, positive_probabilities
from homeostat.version import Version

__all__ = [
    "Artifact",
    "GoldenRows",
    "load_scorer",
    "read_description",
    "read_parity",
    "save_artifact",
]

GOLDEN = "golden.json"
VERSION = "version.json"
COMPILED = "compiled"  #: in ``version.json``: what the comparison with the original found

#: Another processor may add up in another order; more than that is another model.
TOLERANCE = DOUBLE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class GoldenRows:
    """Rows with the probabilities that the model gave to them when it was trained."""

    x: NDArray[np.float64]  #: encoded, shape (n, k)
    probabilities: NDArray[np.float64]  #: of the positive class, shape (n,)

    @classmethod
    def of(cls, estimator: Any, x: NDArray[np.float64]) -> "GoldenRows":
        """The rows with what `estimator` says of them now.

        Raises
        ------
        StateError
            When that is not a probability for each row.
        """
        return cls(x, positive_probabilities(estimator, x))

    def to_json(self) -> bytes:
        """The rows as JSON; floats to the last bit, NaN as null."""
        rows = [[None if np.isnan(one) else float(one) for one in row] for row in self.x]
        plain = {"rows": rows, "probabilities": self.probabilities.tolist()}
        return json.dumps(plain, allow_nan=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "GoldenRows":
        """The rows that `to_json` wrote.

        Raises
        ------
        StateError
            When it did not write this.
        """
        try:
            plain = json.loads(data)
            x = np.array(plain["rows"], dtype=float)
            probabilities = np.array(plain["probabilities"], dtype=float)
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"its golden rows cannot be read: {error}") from error
        if probabilities.shape != x.shape[:1]:
            raise StateError(f"{len(x)} golden rows have {len(probabilities)} probabilities")
        return cls(x, probabilities)

    def check(self, estimator: Any) -> None:
        """Nothing, where `estimator` gives the same probabilities to within 1e-9.

        Raises
        ------
        StateError
            When it does not; the largest difference is named.
        """
        try:
            now = positive_probabilities(estimator, self.x)
        except ValueError as error:
            raise StateError(f"it cannot score its golden rows: {error}") from error
        off = float(np.max(np.abs(now - self.probabilities), initial=0.0))
        if off > TOLERANCE:
            message = f"it is off by {off:.3g} on its golden rows, {TOLERANCE:g} is allowed"
            raise StateError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Where a saved model lies, and what proves that it is unchanged."""

    location: str  #: folder, relative to the artefact root
    manifest: Mapping[str, str]  #: file to its sha256, in hex
    digest: str  #: sha256 of the canonical manifest, in hex
    parity: Parity  #: whether the compiled form serves, and why


def save_artifact(  # noqa: PLR0913  # each is a thing of its own
    root: Path,
    *,
    model: str,
    number: int,
    estimator: Any,
    golden: GoldenRows,
    describe: Mapping[str, Any],
    trial: Trial | None = None,
    compiling: bool = True,
) -> Artifact:
    """The artefact of a new version, in ``<root>/<model>/<number>/``.

    The model is compiled to ONNX where that can be done and is proved to answer alike; the
    original lies beside it then, and serves otherwise.  What serves is read back from its
    bytes and asked for its golden rows before anything is written, and all is on the disk
    when this returns.  Nothing is visible of a run that dies before.

    Parameters
    ----------
    golden
        What the original says of some rows; kept is what that says which serves.
    describe
        What is written into ``version.json``, for people.
    trial
        What both forms are asked; the golden rows when None.
    compiling
        Whether to try: False for a model that is to be served as it is.

    Raises
    ------
    UserError
        When `model` cannot name a folder, or `describe` is not JSON.
    StateError
        When the estimator holds types that could not be loaded again, or answers otherwise
        once loaded.
    Unavailable
        When the disk does not take it, or another process is saving for this model.
    """
    if not _NAME.fullmatch(model) or number < 1:
        message = (
            f"{model!r}, {number} is no name of an artefact: letters, digits, '_', '.' and '-', "
            "at most 64, and a number from 1"
        )
        raise UserError(message)
    files, parity = _models(estimator, trial or Trial(x=golden.x), compiling=compiling)
    serving = load_model(files)
    if not parity.compiled:
        golden.check(serving)
    golden = GoldenRows.of(serving, golden.x)
    files[GOLDEN] = golden.to_json()
    files[VERSION] = _describe({**describe, COMPILED: parity.to_dict()})
    folder = write_folder(root / model, str(number), files)
    manifest = {name: sha256(content) for name, content in files.items()}
    return Artifact(
        location=f"{model}/{folder.name}",
        manifest=manifest,
        digest=manifest_digest(manifest),
        parity=parity,
    )


def _models(estimator: Any, trial: Trial, *, compiling: bool) -> tuple[dict[str, bytes], Parity]:
    """The files of the model, the original's and the compiled one's where that may serve."""
    files = dict([dump_model(estimator)])
    if not compiling:
        return files, not_compiled("not asked for")
    compiled, parity = compiled_form(estimator, trial)
    return files | dict([dump_model(compiled)] if compiled else []), parity


def load_scorer(root: Path, version: Version) -> Scorer:
    """A version ready to answer.  No byte is deserialised before all of them are verified.

    Raises
    ------
    StateError
        When a file is missing, changed or extra, the model holds a type that is not listed,
        or it answers its golden rows otherwise than when it was trained.
    Unavailable
        When the disk does not answer.
    """
    name = f"{version.model} version {version.number}"
    if manifest_digest(version.manifest) != version.digest:
        raise StateError(f"{name}: its manifest does not have its digest")
    if GOLDEN not in version.manifest or not set(MODELS) & set(version.manifest):
        raise StateError(f"{name}: its manifest lacks {GOLDEN} or a model: {', '.join(MODELS)}")
    files = read_verified(root, version.location, version.manifest)
    try:
        estimator = load_model(files)
        golden = GoldenRows.from_json(files[GOLDEN])
        _fits(golden, version)
        golden.check(estimator)
    except StateError as error:
        raise StateError(f"{name} was refused: {error}") from error
    return Scorer(version, estimator)


def read_description(root: Path, version: Version) -> dict[str, Any]:
    """What was written down of the version when it was made, from its verified files.

    Raises
    ------
    StateError
        When the artefact is not the one that was registered.
    Unavailable
        When the disk does not answer.
    """
    files = read_verified(root, version.location, version.manifest)
    return dict(json.loads(files.get(VERSION, b"{}")))


def read_parity(root: Path, version: Version) -> Parity:
    """What was found when the version was compiled, from its verified files.

    Raises
    ------
    StateError
        When the artefact is not the one that was registered.
    Unavailable
        When the disk does not answer.
    """
    found = read_description(root, version).get(COMPILED)
    if found is None:
        return not_compiled("registered before models were compiled")
    return Parity(
        compiled=found["compiled"],
        reason=found["reason"],
        rows=found["rows"],
        largest=found["largest_difference"],
        tolerance=found["tolerance"],
    )


def _fits(golden: GoldenRows, version: Version) -> None:
    width = len(version.schema.features)
    if golden.x.ndim != 2 or not len(golden.x) or golden.x.shape[1] != width:
        message = f"its golden rows have the shape {golden.x.shape}, {width} columns are asked"
        raise StateError(message)


def _describe(plain: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(dict(plain), indent=2, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UserError(f"the description of the version is not JSON: {error}") from error
    return text.encode()
