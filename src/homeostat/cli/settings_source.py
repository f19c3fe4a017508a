"""Where settings come from: a YAML file and environment variables."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from homeostat.errors import NotFound, UserError
from homeostat.extension import did_you_mean

__all__ = ["ALIASES", "overridden", "read_yaml", "sqlite_within", "variable"]

Place = tuple[str, ...]  #: keys from the outermost inwards

#: Variables with names of their own.
ALIASES: Mapping[str, Place] = {
    "API_KEY": ("serving", "api_key"),
    "BASELINE_DATA_PATH": ("data", "path"),
    "DATABASE_URL": ("store", "url"),
    "DRIFT_CRITICAL_THRESHOLD": ("drift", "critical_threshold"),
    "DRIFT_WARNING_THRESHOLD": ("drift", "warning_threshold"),
    "LOG_LEVEL": ("log_level",),
    "MAX_BRIER_DEGRADATION": ("gates", "max_brier_degradation"),
    "MIN_F1_IMPROVEMENT_PCT": ("gates", "min_f1_improvement_pct"),
    "MIN_SAMPLES_FOR_DECISION": ("gates", "min_rows"),
    "MLFLOW_TRACKING_URI": ("mlflow", "tracking_uri"),
    "MODEL_PATH": ("artifacts", "path"),
    "MONITORING_INTERVAL": ("monitoring", "interval_s"),
    "MONITORING_LOOKBACK": ("monitoring", "lookback_h"),
}

_PREFIX = "HOMEOSTAT_"
_OFF_WHEN_EMPTY = ("mlflow", "tracking_uri")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, with plain data only.

    Raises
    ------
    NotFound
        When there is no such file.
    UserError
        When it is no YAML, not a mapping, or a key comes twice; line and column are named.
    """
    try:
        text = path.read_text(encoding="utf-8")
        plain = _plain(text)
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}; run `homeostat init` first") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8: byte {error.start}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UserError(f"{path} is no valid YAML: {where}{error.problem}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no valid YAML: {error}") from error
    if not isinstance(plain, dict):
        what = "is empty" if plain is None else f"holds a {type(plain).__name__}"
        raise UserError(f"{path} {what}; it must be a mapping, such as `model: credit`")
    return plain


def variable(place: Place) -> str:
    """The environment variable that overrides the setting at `place`.

    Examples
    --------
    >>> variable(("monitoring", "interval_s")), variable(("drift", "patience"))
    ('MONITORING_INTERVAL', 'HOMEOSTAT_DRIFT__PATIENCE')
    """
    own = next((name for name, at in ALIASES.items() if at == place), None)
    return own or _PREFIX + "__".join(place).upper()


def overridden(
    plain: Mapping[str, Any], environ: Mapping[str, str], settings: type[BaseModel]
) -> tuple[dict[str, Any], list[str], dict[Place, str]]:
    """The settings with those of the environment put in, what is wrong, and what came whence.

    HOMEOSTAT_<PART>__<FIELD> goes before a variable with a name of its own.  An empty
    variable counts as not set, but for that of MLflow, which it turns off.
    """
    known = {**ALIASES, **dict(_prefixed(settings))}
    problems = [_unknown(name, known) for name in sorted(environ) if _is_mistaken(name, known)]
    full = dict(plain)
    sources: dict[Place, str] = {}
    for name, place in known.items():
        value = environ.get(name)
        if value is None or (not value and place != _OFF_WHEN_EMPTY):
            continue
        sources[place] = name
        if len(place) == 1:
            full[place[0]] = value
        elif isinstance(part := full.get(place[0]) or {}, dict):
            full[place[0]] = {**part, place[1]: value}
    return full, problems, sources


def sqlite_within(folder: Path, url: str) -> str:
    """The URL of an SQLite file with its path taken from `folder`; any other as it is.

    Examples
    --------
    >>> sqlite_within(Path("/srv"), "sqlite:///a.db"), sqlite_within(Path("/srv"), "x://y")
    ('sqlite:////srv/a.db', 'x://y')
    """
    found = re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(.+)", url)
    return f"{found[1]}{os.path.normpath(folder / found[2])}" if found else url


def _plain(text: str) -> Any:
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    _refuse_repeats(node, set())
    return None if node is None else loader.construct_document(node)


def _refuse_repeats(node: yaml.Node | None, seen: set[int]) -> None:
    # The parser lets the last of equal keys win, without a word.
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[Any] = set()
        for key, value in node.value:
            if key.value in keys and isinstance(key, yaml.ScalarNode):
                problem = f"the key {key.value!r} is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                keys.add(key.value)
            _refuse_repeats(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _refuse_repeats(one, seen)


def _prefixed(settings: type[BaseModel]) -> Iterator[tuple[str, Place]]:
    for part, field in settings.model_fields.items():
        kind = field.annotation
        if part != "target" and isinstance(kind, type) and issubclass(kind, BaseModel):
            for name in kind.model_fields:
                yield f"{_PREFIX}{part}__{name}".upper(), (part, name)


def _is_mistaken(name: str, known: Mapping[str, Place]) -> bool:
    if not name.startswith(_PREFIX) or name in known:
        return False
    single = {one.replace("__", "_") for one in known if one.startswith(_PREFIX)}
    return "__" in name or name in single


def _unknown(name: str, known: Mapping[str, Place]) -> str:
    ours = [one for one in known if one.startswith(_PREFIX)]
    return f"environment: unknown variable {name!r}; {did_you_mean(name, ours)}"
