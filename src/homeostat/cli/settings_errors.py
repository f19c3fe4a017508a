"""What is wrong with settings, one sentence for each place."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from homeostat.extension import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["problems_of"]

#: What may hold a password is not said again.
_SECRET = {
    ("serving", "api_key"),
    ("store", "url"),
    ("mlflow", "tracking_uri"),
    ("watch", "heartbeat_url"),
}


def problems_of(
    error: ValidationError, settings: type[BaseModel], sources: Mapping[tuple[str, ...], str]
) -> list[str]:
    """One sentence for each thing that pydantic found, with its place first.

    Parameters
    ----------
    error, settings
        What was found, in what.
    sources
        The environment variable at each place that one had overridden.
    """
    return [_sentence(one, settings, sources) for one in error.errors(include_url=False)]


def _sentence(
    error: "ErrorDetails", settings: type[BaseModel], sources: Mapping[tuple[str, ...], str]
) -> str:
    place = tuple(str(one) for one in error["loc"])
    if error["type"] == "extra_forbidden":
        *outer, key = place
        known = did_you_mean(key, _known(settings, tuple(outer)))
        return f"{'.'.join(outer)}: ".removeprefix(": ") + f"unknown key {key!r}; {known}"
    where = ".".join(place)
    origin = f" (from {sources[place]})" if place in sources else ""
    if error["type"] == "missing":
        return f"{where}: missing"
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    hidden = place in _SECRET or place[:2] == ("alerts", "channels")
    seen = "" if hidden else f", not {_short(error['input'])}"
    return f"{where}: {said}{seen}{origin}"


def _known(settings: type[BaseModel], place: tuple[str, ...]) -> list[str]:
    """The keys known in the section at `place`."""
    kind: Any = settings
    for key in place:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[key].annotation
        else:  # features by name, segments by place
            kind = next(one for one in get_args(kind) if _is_model(one))
    return list(kind.model_fields)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
