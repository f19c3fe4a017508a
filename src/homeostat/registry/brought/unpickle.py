"""The one place that unpickles, in a process of its own: `python -m` with a folder.

Reads from the folder ``given`` (the pickle), ``rows.npy`` and ``asked.json``; leaves the model in
it in a format that is no code, and ``answers.json``, what the original says of the rows.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import HomeostatError, StateError, UserError

__all__ = ["LIMITS"]

GIB = 2**30

#: Memory in bytes, seconds of computing, the largest file in bytes, and no memory dumps.
LIMITS = {
    resource.RLIMIT_AS: 8 * GIB,
    resource.RLIMIT_CPU: 100,
    resource.RLIMIT_FSIZE: 2 * GIB,
    resource.RLIMIT_CORE: 0,
}


def _main(folder: Path) -> None:
    for limit, value in LIMITS.items():
        resource.setrlimit(limit, (value, value))
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))
    x = np.load(folder / "rows.npy", allow_pickle=False)
    original = _loaded(folder / "given")
    try:
        names, model, data, scores = _converted(original, x, tuple(asked["names"]))
    except HomeostatError as error:
        sys.exit(str(error))
    (folder / model).write_bytes(data)
    answers = {"names": names, "file": model, "probabilities": scores}
    (folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")


def _loaded(path: Path) -> Any:
    import joblib

    try:
        return joblib.load(path)
    except Exception as error:  # noqa: BLE001  # it runs whatever the file holds
        sys.exit(f"it cannot be loaded: {type(error).__name__}: {str(error)[:300]}")


def _converted(
    original: Any, x: NDArray[np.float64], names: tuple[str, ...]
) -> tuple[tuple[str, ...], str, bytes, list[float]]:
    """Its columns, the file and bytes of what it was converted to, and what it says of rows."""
    from homeostat.registry.brought.estimators import refuse_text
    from homeostat.registry.compiled import compiled_form
    from homeostat.registry.formats import dump_model, named_estimator
    from homeostat.registry.parity import Trial
    from homeostat.registry.scorer import positive_probabilities

    estimator = _native(original)
    if estimator is original:
        refuse_text(original)
        estimator = named_estimator(original)
    own: tuple[str, ...] = tuple(getattr(estimator, "names", ())) or names
    if sorted(own) != sorted(names):
        raise UserError(f"it reads the columns {list(own)}, the schema has {list(names)}")
    x = x[:, [names.index(one) for one in own]]
    scores = positive_probabilities(estimator, x).tolist()
    try:
        return own, *dump_model(estimator), scores
    except StateError as error:
        refused = str(error)
    compiled, parity = compiled_form(estimator, Trial(x=x))
    if compiled is None:
        raise UserError(f"{refused}; {parity}")
    return own, *dump_model(compiled), scores


def _native(original: Any) -> Any:
    """A classifier of XGBoost or LightGBM as its own file would have it; others as they are."""
    from homeostat.registry.native import load_lightgbm, load_xgboost

    home = type(original).__module__.partition(".")[0]
    if home == "xgboost":
        booster = original
        if hasattr(original, "get_booster"):
            booster = original.get_booster()
            booster.set_attr(scikit_learn="{}")  # as its own file would say, see XgBoost.rounds
        return load_xgboost(bytes(booster.save_raw("json")))
    if home == "lightgbm":
        booster = getattr(original, "booster_", original)
        return load_lightgbm(booster.model_to_string().encode())
    return original


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
