"""Estimators as skops bytes, and back, through an allow-list of our own."""

import json
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from threading import Lock
from typing import Any

from homeostat.errors import StateError

__all__ = ["LOADERS", "TYPES", "dump_estimator", "load_estimator"]

_SKLEARN = "sklearn."
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting."

#: Every type that an artefact may hold, and why it does no harm.  skops by itself trusts
#: every estimator of scikit-learn and every function of NumPy and SciPy; here only what our
#: trainers make is let in.
TYPES = frozenset(
    {
        # Plain data of Python: constructing it runs no code of the file.
        "builtins.dict",  # keys and values are checked like everything else
        "builtins.list",  # as dict
        "builtins.tuple",  # as dict
        "builtins.str",  # a JSON scalar, or the type str itself as a dtype argument
        "builtins.slice",  # three integers: which columns a step gave
        # Plain data of NumPy, read with allow_pickle=False.
        "numpy.ndarray",  # a block of numbers
        "numpy.float64",  # one number, or the type itself as a dtype argument
        "numpy.int64",  # one number
        "numpy.uint64",  # one number: a seed
        "numpy.dtype",  # taken from an empty array of that dtype, object dtypes included
        "numpy.random._generator.Generator",  # state of a random generator: numbers only
        # Estimators: attributes are set, nothing is called; predicting is arithmetic.
        _SKLEARN + "pipeline.Pipeline",  # calls its steps, which are in this list
        _SKLEARN + "compose._column_transformer.ColumnTransformer",  # as Pipeline
        _SKLEARN + "frozen._frozen.FrozenEstimator",  # passes calls on to one estimator
        _SKLEARN + "impute._base.SimpleImputer",  # a vector of medians
        _SKLEARN + "impute._base.MissingIndicator",  # indices of columns
        _SKLEARN + "preprocessing._data.StandardScaler",  # means and scales
        _SKLEARN + "preprocessing._encoders.OneHotEncoder",  # lists of codes
        _SKLEARN + "preprocessing._label.LabelEncoder",  # a vector of classes
        _SKLEARN + "linear_model._logistic.LogisticRegression",  # coefficients
        _SKLEARN + "ensemble._forest.RandomForestClassifier",  # a list of trees
        _SKLEARN + "tree._classes.DecisionTreeClassifier",  # one tree and its settings
        _SKLEARN + "calibration.CalibratedClassifierCV",  # calls what it calibrates
        _SKLEARN + "calibration._CalibratedClassifier",  # as CalibratedClassifierCV
        _SKLEARN + "calibration._SigmoidCalibration",  # two numbers
        _SKLEARN + "isotonic.IsotonicRegression",  # a staircase: two vectors
        _BOOSTING + "gradient_boosting.HistGradientBoostingClassifier",  # predictors below
        _BOOSTING + "binning._BinMapper",  # bin edges
        # Node tables of trees.  scikit-learn follows their indices without a bounds check, so
        # a crafted table can crash the process, though not run code; the manifest, checked
        # before, lets only tables through that our own trainer wrote.
        _BOOSTING + "predictor.TreePredictor",
        _SKLEARN + "tree._tree.Tree",
        # The loss and link of boosting: they hold the bounds of an interval, and no state.
        _SKLEARN + "_loss._loss.CyHalfBinomialLoss",
        "_loss.CyHalfBinomialLoss",  # the same, in older releases of scikit-learn
        _SKLEARN + "_loss.loss.HalfBinomialLoss",
        _SKLEARN + "_loss.link.LogitLink",
        _SKLEARN + "_loss.link.Interval",
    }
)

#: The ways of construction that an artefact may ask for.  Absent on purpose: those that call
#: a function or method named in the file (FunctionNode, MethodNode, PartialNode,
#: OperatorFuncNode, ReduceNode ...).
LOADERS = frozenset(
    {
        "DTypeNode",
        "DictNode",
        "JsonNode",
        "ListNode",
        "LossNode",
        "NdArrayNode",
        "ObjectNode",
        "RandomGeneratorNode",
        "SliceNode",
        "TreeNode",
        "TupleNode",
        "TypeNode",
    }
)

_SCHEMA = "schema.json"  #: where skops writes the tree of types


def dump_estimator(estimator: Any) -> bytes:
    """The estimator as skops bytes.

    Raises
    ------
    StateError
        When it holds a type that `load_estimator` would refuse; each is named.
    """
    from skops.io import dumps

    data: bytes = dumps(estimator, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    _refuse_foreign(data)
    return data


#: What reading an archive and the JSON in it raises for what is none: also an encrypted member
#: or an unknown compression (RuntimeError and its kinds), a damaged one, and a nesting that
#: is deeper than can be followed.
UNREADABLE = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, EOFError)

#: numpy reads the heads of arrays through `ast`, which fails now and then in CPython 3.11
#: when several threads are in it (python/cpython#106905).
_LOADING = Lock()


def load_estimator(data: bytes) -> Any:
    """The estimator in skops bytes, constructed only when every type in them is listed.

    Raises
    ------
    StateError
        When it is no skops file, or holds types or ways of construction that are not listed.
    """
    from skops.io import loads
    from skops.io.exceptions import UntrustedTypesFoundException

    _refuse_foreign(data)
    try:
        with _LOADING:
            return loads(data, trusted=sorted(TYPES))
    except UntrustedTypesFoundException as error:
        raise StateError(f"the model was refused: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, ImportError, OSError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise StateError(f"the model cannot be read: {cause}") from error


def _refuse_foreign(data: bytes) -> None:
    """What is in the file is read here as JSON, by nobody's code but ours."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            schema = json.loads(archive.read(_SCHEMA))
    except UNREADABLE as error:
        cause = f"{type(error).__name__}: {error}"
        raise StateError(f"the model is no skops file ({cause})") from error
    nodes = set(_nodes(schema))
    foreign = {name for _, name in nodes} - TYPES
    ways = {loader for loader, _ in nodes} - LOADERS
    if foreign or ways:
        named = ", ".join(sorted(foreign | ways))
        raise StateError(f"the model was refused: it holds what is not on our list: {named}")


def _nodes(tree: Any) -> Iterator[tuple[str, str]]:
    """The loader and type of each node, however deep; what is not named counts as foreign."""
    stack = [tree]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack.extend(part)
        elif isinstance(part, dict):
            stack.extend(part.values())
            if "__loader__" in part or "__class__" in part:
                name = f"{part.get('__module__')}.{part.get('__class__')}"
                yield str(part.get("__loader__")), name
