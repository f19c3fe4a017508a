"""Models as MLflow keeps them: a folder with a description, the file ``MLmodel``.

MLflow itself is asked for the files only.  Its loaders run what lies in a pickle, and take the
list of trusted types from the model itself.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from homeostat.errors import NotFound, Unavailable, UserError
from homeostat.registry.brought.model import Brought, Format
from homeostat.registry.mlflow import ENVIRONMENT
from homeostat.schema import Feature, Kind

__all__ = ["download", "read_folder"]

DESCRIPTION = "MLmodel"

#: What MLflow answers where there is no such model, or no such name is possible.
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}

KINDS = {
    "double": Kind.NUMBER,
    "float": Kind.NUMBER,
    "long": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "boolean": Kind.BOOLEAN,
    "string": Kind.CATEGORY,
}

#: Flavours of MLflow that can be registered, the safest first; of each, the key of the file.
FLAVOURS = {
    "onnx": ("data", Format.ONNX),
    "xgboost": ("data", Format.XGBOOST),
    "lightgbm": ("data", Format.LIGHTGBM),
    "sklearn": ("pickled_model", Format.PICKLE),
}


def download(uri: str, folder: Path, tracking_uri: str) -> Path:
    """The model at a URI of MLflow, copied into `folder`.

    Raises
    ------
    NotFound
        When MLflow knows none there.
    Unavailable
        When MLflow does not answer.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if not tracking_uri:
        raise UserError(f"{uri}: no MLflow is set; give mlflow.tracking_uri in the settings")
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    try:
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(tracking_uri)
        found = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder))
    except (MlflowException, SQLAlchemyError, OSError) as error:
        cause = str(error).partition("\n")[0][:300]
        if getattr(error, "error_code", "") in ABSENT:
            raise NotFound(f"MLflow has no model {uri}: {cause}") from error
        raise Unavailable(f"MLflow did not give {uri}: {cause}") from error
    finally:
        mlflow.set_tracking_uri(before[0])
        mlflow.set_registry_uri(before[1])
    return Path(found)


def read_folder(folder: Path, source: str) -> Brought:
    """The model in a folder of MLflow.

    Raises
    ------
    NotFound
        When a file is missing.
    UserError
        When the description cannot be read, or names nothing that can be registered.
    """
    try:
        plain = yaml.safe_load((folder / DESCRIPTION).read_text(encoding="utf-8"))
        flavours = dict(plain["flavors"])
    except FileNotFoundError as error:
        raise NotFound(f"{source} has no file {DESCRIPTION}; it is no model of MLflow") from error
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"the {DESCRIPTION} of {source} cannot be read: {error}") from error
    known = [name for name in FLAVOURS if name in flavours]
    if not known:
        named = ", ".join(sorted(flavours))
        message = f"{source} has the flavours {named}; {', '.join(FLAVOURS)} can be registered"
        raise UserError(message)
    flavour = flavours[known[0]]
    key, kind = FLAVOURS[known[0]]
    data = _file(folder, str(flavour.get(key, "")), source)
    if flavour.get("serialization_format") == "skops":
        kind = Format.SKOPS
    return Brought(format=kind, data=data, source=source, signature=_signature(plain))


def _file(folder: Path, name: str, source: str) -> bytes:
    """The bytes of a file of the folder: a plain one, and not of somewhere else."""
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    if not name or not inside or not path.is_file():
        raise NotFound(f"{source} has no file {name!r} in its folder, where its model should be")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def _signature(plain: Mapping[str, Any]) -> tuple[Feature, ...]:
    """The columns with their types; none where they are not named."""
    try:
        columns = json.loads((plain.get("signature") or {}).get("inputs") or "[]")
        return tuple(
            Feature(
                name=one["name"],
                kind=KINDS[one["type"]],
                nullable=not one.get("required", True),
            )
            for one in columns
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()  # a tensor, or types that no feature has: nothing is said of columns
