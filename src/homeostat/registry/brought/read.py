"""Where a model lies: a file, a folder of MLflow, or a place that MLflow knows."""

from pathlib import Path
from tempfile import TemporaryDirectory

from homeostat.errors import NotFound, UserError
from homeostat.registry.brought.mlflow import download, read_folder
from homeostat.registry.brought.model import Brought, Format

__all__ = ["read_brought"]

FORMATS = {
    ".onnx": Format.ONNX,
    ".skops": Format.SKOPS,
    ".json": Format.XGBOOST,
    ".ubj": Format.XGBOOST,
    ".txt": Format.LIGHTGBM,
    ".pkl": Format.PICKLE,
    ".pickle": Format.PICKLE,
    ".joblib": Format.PICKLE,
}

#: How pickles and what joblib compresses begin, whatever the file is called.
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x78\x9c", b"\x1f\x8b", b"BZh")

SCHEMES = ("runs:/", "models:/", "mlflow-artifacts:/")


def read_brought(place: str, *, tracking_uri: str) -> Brought:
    """The model at `place`: a file, a folder with a file ``MLmodel``, or a URI of MLflow.

    Nothing in it is interpreted but the description that MLflow writes.

    Raises
    ------
    NotFound
        When there is nothing.
    UserError
        When it is of no format that can be registered.
    Unavailable
        When MLflow does not answer.
    """
    if place.startswith(SCHEMES):
        with TemporaryDirectory(prefix="homeostat-") as folder:
            return read_folder(download(place, Path(folder), tracking_uri), place)
    path = Path(place.removeprefix("file://"))
    if path.is_dir():
        return read_folder(path, place)
    if not path.is_file():
        raise NotFound(f"there is no model {place}; name a file, a folder of MLflow or its URI")
    return _read_file(path, place)


def _read_file(path: Path, place: str) -> Brought:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(FORMATS)
        raise UserError(f"{place}: files that end in {path.suffix!r} are no models; {known} are")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{place} cannot be read: {error.strerror or error}") from error
    if data.startswith(PICKLES):
        kind = Format.PICKLE
    return Brought(format=kind, data=data, source=place)
