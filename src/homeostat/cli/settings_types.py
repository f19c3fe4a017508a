"""What a single setting may be."""

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

__all__ = [
    "CONFIG",
    "Count",
    "DatabaseUrl",
    "Name",
    "Names",
    "Percent",
    "Positive",
    "PredictPaths",
    "Real",
    "Share",
    "Text",
    "Whole",
    "Zone",
    "several",
]


CONFIG = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


# YAML takes a bare yes, no, on and off for booleans.
def _text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be text; put it in quotes")  # noqa: TRY004  # pydantic asks so
    return str(value) if isinstance(value, int | float) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a number")  # noqa: TRY004  # pydantic asks so
    return value


def several(value: Any) -> Any:
    """A list, also of a variable of the environment, which holds one text: `a, b`."""
    return [one.strip() for one in value.split(",")] if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"no time zone {name!r} is known here; write it as UTC or Europe/Berlin"
        raise ValueError(message) from None
    return name


def _database(url: str) -> str:
    if not re.match(r"(sqlite(\+pysqlite)?:///|postgres(ql(\+psycopg)?)?://).", url):
        raise ValueError("should be sqlite:///<file> or postgresql://<user>@<host>/<name>")
    return url


Text = Annotated[str, BeforeValidator(_text)]
Real = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]
Share = Annotated[Real, Field(ge=0, le=1)]
Count = Annotated[Whole, Field(ge=1)]
Percent = Annotated[Real, Field(ge=0, le=100)]
Positive = Annotated[Real, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Names = Annotated[tuple[Name, ...], BeforeValidator(several)]
PredictPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$")]
PredictPaths = Annotated[tuple[PredictPath, ...], BeforeValidator(several)]
Zone = Annotated[Text, AfterValidator(_zone)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
