"""Who serves, in which environment, and how it is asked."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import python_of
from benchmarks.serving.project import GRAPH, KEY
from benchmarks.serving.workload import NAMES

__all__ = ["ALL", "BARE", "BENTOML", "COMPILED_ONE", "MLFLOW", "MLSERVER", "ORIGINAL", "Contestant"]

OURS = Path(sys.executable)
PEERS = "benchmarks.serving.peers"

#: A folder and a port to a command.
Command = Callable[[Path, int], Sequence[str | Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way of answering rows over HTTP."""

    name: str
    environment: str = ""
    packages: tuple[str, ...]  #: whose versions are shown
    prepare: Command | None = None  #: makes its model in its folder
    serve: Command
    variables: Callable[[Path], Mapping[str, str]] = lambda _: {}
    path: str
    ready: str
    body: Callable[[Sequence[float]], Any]  #: of a request for this row
    probability: Callable[[Any], float]  #: in the body of an answer
    key: str | None = None
    compiled: bool = True  #: whether its project of homeostat holds the compiled model
    stores: bool = False  #: whether what it answers is in a store

    @property
    def python(self) -> Path:
        """The interpreter of its environment, there or not."""
        return python_of(self.environment) if self.environment else OURS


def _program(one: str, environment: str) -> Path:
    return python_of(environment).parent / one


def _named(row: Sequence[float]) -> dict[str, float]:
    return dict(zip(NAMES, row, strict=True))


BARE = Contestant(
    name="bare FastAPI handler, compiled model, nothing kept",
    packages=("fastapi", "uvicorn", "onnxruntime"),
    serve=lambda folder, port: [
        *(OURS, "-m", f"{PEERS}.bare"),
        *(folder / GRAPH, str(port)),
    ],
    path="/predict",
    ready="/openapi.json",
    body=_named,
    probability=lambda answer: float(answer["probability"]),
)
COMPILED_ONE = Contestant(
    name="**homeostat, compiled model**",
    packages=("homeostat", "uvloop", "httptools"),
    serve=lambda folder, port: [
        *(OURS, "-m", "homeostat.cli.app", "serve"),
        *("--config", folder / "homeostat.yaml", "--port", str(port)),
    ],
    path="/predict",
    ready="/health",
    body=_named,
    probability=lambda answer: float(answer["probability"]),
    key=KEY,
    stores=True,
)
ORIGINAL = Contestant(
    name="**homeostat, original model**",
    packages=("scikit-learn",),
    serve=lambda folder, port: [
        *(OURS, "-m", "homeostat.cli.app", "serve"),
        *("--config", folder / "homeostat.yaml", "--port", str(port)),
    ],
    path="/predict",
    ready="/health",
    body=_named,
    probability=lambda answer: float(answer["probability"]),
    key=KEY,
    compiled=False,
    stores=True,
)
MLFLOW = Contestant(
    name="`mlflow models serve`, original model",
    environment=".venv-peers-mlflow",
    packages=("mlflow", "scikit-learn"),
    prepare=lambda folder, _: ["-m", f"{PEERS}.mlflow_model", folder],
    serve=lambda folder, port: [
        *(_program("mlflow", ".venv-peers-mlflow"), "models", "serve"),
        *("--model-uri", folder / "model", "--port", str(port)),
        *("--env-manager", "local", "--workers", "1"),
    ],
    variables=lambda _: {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{python_of('.venv-peers-mlflow').parent}:/usr/local/bin:/usr/bin:/bin",
    },
    path="/invocations",
    ready="/ping",
    body=lambda row: {"dataframe_split": {"columns": NAMES, "data": [row]}},
    probability=lambda answer: float(answer["predictions"][0][1]),
)
BENTOML = Contestant(
    name="BentoML, original model",
    environment=".venv-peers-bentoml",
    packages=("bentoml", "scikit-learn"),
    prepare=lambda folder, port: ["-m", f"{PEERS}.joblib_model", folder, str(port)],
    serve=lambda _, port: [
        *(python_of(".venv-peers-bentoml"), "-m", "bentoml", "serve"),
        *(f"{PEERS}.bento:Bench", "--host", "127.0.0.1", "--port", str(port)),
    ],
    variables=lambda folder: {
        "BENCH_MODEL": str(folder / "model.joblib"),
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
    },
    path="/predict",
    ready="/readyz",
    body=lambda row: {"rows": [row]},
    probability=lambda answer: float(answer[0]),
)
MLSERVER = Contestant(
    name="MLServer, original model",
    environment=".venv-peers-mlserver",
    packages=("mlserver", "scikit-learn"),
    prepare=lambda folder, port: ["-m", f"{PEERS}.joblib_model", folder, str(port)],
    serve=lambda folder, _: [_program("mlserver", ".venv-peers-mlserver"), "start", folder],
    path="/v2/models/bench/infer",
    ready="/v2/health/ready",
    body=lambda row: {
        "inputs": [{"name": "rows", "shape": [1, len(row)], "datatype": "FP64", "data": row}],
        "outputs": [{"name": "predict_proba"}],
    },
    probability=lambda answer: float(answer["outputs"][0]["data"][1]),
)

ALL = (BARE, COMPILED_ONE, ORIGINAL, MLFLOW, BENTOML, MLSERVER)
