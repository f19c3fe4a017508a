"""`homeostat serve` with the compiled model in the place of the original.

python -m benchmarks.serving.ours CONFIG PORT
"""

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from benchmarks.serving.project import COMPILED
from homeostat.cli import serve
from homeostat.cli.clock import system_clock
from homeostat.cli.logs import configure_logs
from homeostat.cli.settings import load_settings
from homeostat.registry import Scorer, load_scorer
from homeostat.version import Version


@dataclass(frozen=True, slots=True)
class Compiled:
    """The model in ONNX Runtime."""

    run: Any = field(repr=False)
    quick: bool = True

    @classmethod
    def of(cls, path: Path) -> "Compiled":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        return cls(session.run)

    def predict_proba(self, x: NDArray[np.float64]) -> Any:
        return self.run(["probabilities"], {"rows": x.astype(np.float32)})[0]


def main(config: Path, port: int) -> None:
    for name in serve.SINGLE_THREADED:
        os.environ.setdefault(name, "1")

    settings = load_settings(config, os.environ)
    configure_logs(settings.log_level)

    def load(root: Path, version: Version) -> Scorer:
        held = Compiled.of(config.parent / f"{version.number}-{COMPILED}")
        return replace(load_scorer(root, version), estimator=held)

    import homeostat.registry

    homeostat.registry.load_scorer = load
    with serve.listening("127.0.0.1", port) as listener, serve.opened(settings) as store:
        serve.run(settings, serve.build_service(settings, store, system_clock), listener)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
