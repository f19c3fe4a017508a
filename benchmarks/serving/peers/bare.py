"""A bare FastAPI handler on the compiled model: nothing validated, nothing logged.

python -m benchmarks.serving.peers.bare MODEL.onnx PORT
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from benchmarks.serving.workload import NAMES

__all__ = ["application"]


def application(model: Path) -> FastAPI:
    """The handler behind FastAPI."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"])
    given, answer = session.get_inputs()[0].name, session.get_outputs()[0].name
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> JSONResponse:
        row = json.loads(await request.body())
        x = np.array([[row[name] for name in NAMES]], dtype=np.float64)
        [probabilities] = session.run([answer], {given: x})
        probability = float(probabilities[0])
        return JSONResponse({"prediction": int(probability >= 0.5), "probability": probability})

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[1])),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        access_log=False,
        log_level="warning",
    )
