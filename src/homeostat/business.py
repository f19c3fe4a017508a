"""What the answers were worth, by a function of the user's own."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import UserError
from homeostat.metrics import NONE, Estimate

__all__ = ["Business", "load_business"]

Codes = NDArray[np.int64]
Vector = NDArray[np.float64]

#: Samples that the interval is made from.
SAMPLES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A figure that a function makes of labels, answers and probabilities."""

    name: str  #: as it stands in the settings
    function: Callable[[Codes, Codes, Vector], float]

    def figure(
        self,
        rows: tuple[Codes, Codes, Vector],
        weights: Vector,
        random: np.random.Generator,
        confidence: float = 0.95,
    ) -> Estimate:
        """What the function says, between the percentiles of what it says of samples.

        Samples are drawn with replacement, each row as often as it weighs.  Where rows do
        not all weigh the same, the function cannot be told so, and the value is the mean
        over the samples.

        Parameters
        ----------
        rows
            Labels, answers and probabilities, all shape (n,).

        Raises
        ------
        UserError
            When the function fails, or does not give a finite number.

        References
        ----------
        Efron (1979), Annals of Statistics 7(1).
        """
        n = len(weights)
        if not n:
            return NONE
        shares = weights / weights.sum()
        picks = (random.choice(n, n, p=shares) for _ in range(SAMPLES))
        labels, answers, scores = rows
        drawn = np.array([self._ask(labels[at], answers[at], scores[at]) for at in picks])
        alike = bool(np.ptp(weights) == 0)
        ends = np.quantile(drawn, ((1 - confidence) / 2, (1 + confidence) / 2))
        return Estimate(
            value=self._ask(*rows) if alike else float(drawn.mean()),
            lower=float(ends[0]),
            upper=float(ends[1]),
            n=n,
            standard_error=float(drawn.std(ddof=1)),
            method=f"bootstrap, {SAMPLES} samples",
        )

    def _ask(self, labels: Codes, answers: Codes, probabilities: Vector) -> float:
        try:
            value = float(self.function(labels, answers, probabilities))
        except Exception as error:  # the edge to code that is not ours
            message = f"the business metric {self.name} failed: {type(error).__name__}: {error}"
            raise UserError(message) from error
        if not isfinite(value):
            raise UserError(f"the business metric {self.name} gave {value}, no finite number")
        return value


def load_business(name: str) -> Business:
    """The function that `name` stands for.

    Parameters
    ----------
    name
        ``package.module:function``, or ``file.py:function``.

    Raises
    ------
    UserError
        When it cannot be loaded.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise UserError(f"quality.business_metric: {name!r} is not of the form module:function")
    module = _file_module(Path(place)) if place.endswith(".py") else _module(place)
    function = getattr(module, attribute, None)
    if not callable(function):
        raise UserError(f"quality.business_metric: {place} has no function {attribute!r}")
    return Business(name=name, function=function)


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(f"quality.business_metric: cannot import {name!r}: {error}") from error


def _file_module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"homeostat_business_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"quality.business_metric: there is no {path}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the edge to code that is not ours
        message = f"quality.business_metric: {path} cannot be loaded: {error}"
        raise UserError(message) from error
    return module
