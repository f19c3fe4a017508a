"""`homeostat model register`: a version that was made elsewhere."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from typer import Argument, Option

from homeostat.cli.options import AsJson, AsOf, Config, moment, plain_numbers, print_json, say
from homeostat.cli.project import open_project
from homeostat.errors import UserError
from homeostat.schema import Schema

if TYPE_CHECKING:
    from homeostat.registration import Registered

__all__ = ["read_schema", "register"]


def register(
    place: Annotated[str, Argument(metavar="PATH|URI", help="A file, or a model of MLflow.")],
    *,
    config: Config = Path("homeostat.yaml"),
    schema: Annotated[
        Path | None, Option(help="The model's features, as JSON or YAML [settings].")
    ] = None,
    sample: Annotated[
        Path | None, Option(help="Rows to prove it on [the frozen reference].")
    ] = None,
    threshold: Annotated[
        float, Option(min=0.0, max=1.0, help="Probability from which on the answer is 1.")
    ] = 0.5,
    trust_pickle: Annotated[
        bool, Option("--trust-pickle", help="Run a pickle, apart, to convert it.")
    ] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Register a model that was made elsewhere as the next version.

    PATH is a file that ends in .onnx, .skops, .json or .ubj (XGBoost), .txt (LightGBM), or a
    folder of MLflow; URI begins with runs:/ or models:/.  A .pkl or .joblib file is a program;
    it is taken with --trust-pickle only.
    """
    from homeostat.dataset import read_frame
    from homeostat.registration import Known, Registrar
    from homeostat.registry.brought import read_brought

    known = Known(
        schema=read_schema(schema) if schema else None,
        sample=read_frame(sample) if sample else None,
        threshold=threshold,
        trust_pickle=trust_pickle,
    )
    with open_project(config) as project:
        brought = read_brought(place, tracking_uri=project.settings.mlflow.tracking_uri)
        registrar = Registrar(workshop=project.workshop, baseline=project.baseline)
        done = registrar.register(brought, known, now=moment(as_of))
    if as_json:
        print_json(_plain(done))
        return
    _show(done, place)


def read_schema(path: Path) -> Schema:
    """The schema in a file: what `homeostat model show --json` prints under ``schema``.

    Raises
    ------
    UserError
        When there is none.
    """
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Schema.from_dict({**plain, "features": [_whole(one) for one in plain["features"]]})
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        cause = f"{type(error).__name__}: {error}"
        message = f"{path} holds no schema ({cause}); see `schema` of: homeostat model show --json"
        raise UserError(message) from error


def _whole(feature: dict[str, Any]) -> dict[str, Any]:
    return {"categories": (), **feature}


def _plain(done: "Registered") -> dict[str, Any]:
    version = done.version
    return {
        "model": version.model,
        "number": version.number,
        "algorithm": version.algorithm,
        "threshold": version.threshold,
        "metrics": dict(version.metrics),
        "manifest": dict(version.manifest),
        "digest": version.digest,
        "features": [asdict(one) for one in version.schema.features],
        "compiled": done.parity.to_dict(),
        "proved_on_rows": done.rows,
        "notes": list(done.notes),
    }


def _show(done: "Registered", place: str) -> None:
    from rich.markup import escape

    version = done.version
    say(
        f"Registered version {version.number} of {version.model} ({version.algorithm}) from "
        f"{escape(place)}, proved on {done.rows:,} rows"
    )
    if version.metrics:
        say(f"  {plain_numbers(version.metrics)}")
    say(f"  {escape(str(done.parity))}")
    for note in done.notes:
        say(f"  {escape(note)}")
    say(f"Next: homeostat model promote {version.number}")
