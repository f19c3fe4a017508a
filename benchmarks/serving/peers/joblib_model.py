"""The model as joblib writes it, and what MLServer wants to know of it.

python -m benchmarks.serving.peers.joblib_model FOLDER PORT
"""

import json
import sys
from pathlib import Path

import joblib

from benchmarks.serving.workload import estimator

if __name__ == "__main__":
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    joblib.dump(estimator(), folder / "model.joblib")
    model = {
        "name": "bench",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib"},
    }
    server = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,  # one process, as all the others
        "debug": False,
    }
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    (folder / "settings.json").write_text(json.dumps(server), encoding="utf-8")
