"""What kind of values a column holds, or why it cannot be binned."""

from dataclasses import dataclass, replace
from typing import Any

from homeostat.schema import Kind

__all__ = ["ColumnKind", "arrow_kind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnKind:
    """What a column holds."""

    kind: Kind | None  #: None when it cannot be told or its values cannot be binned
    type: str  #: of the values, as the frame calls it
    reason: str = ""  #: why there is no kind: "holds lists"; empty when there is one
    empty: bool = False  #: holds no value at all: may be counted as any kind, all missing


def arrow_kind(dtype: Any) -> ColumnKind:
    """What a column of an Arrow type holds.

    Examples
    --------
    >>> import pyarrow as pa
    >>> arrow_kind(pa.int8()).kind.value, arrow_kind(pa.date32()).reason
    ('integer', 'holds dates')
    """
    from pyarrow import types

    name = str(dtype)
    if types.is_null(dtype):
        return ColumnKind(kind=None, type=name, reason="holds no value at all", empty=True)
    if types.is_dictionary(dtype):
        inner = arrow_kind(dtype.value_type)
        return replace(inner, kind=inner.kind and Kind.CATEGORY, type=name)
    kinds = (
        (types.is_integer, Kind.INTEGER),
        (types.is_floating, Kind.NUMBER),
        (_is_whole_decimal, Kind.INTEGER),
        (types.is_decimal, Kind.NUMBER),
        (types.is_boolean, Kind.BOOLEAN),
        (_is_text, Kind.CATEGORY),
    )
    for holds, kind in kinds:
        if holds(dtype):
            return ColumnKind(kind=kind, type=name)
    reasons = (
        (types.is_date, "dates"),
        (types.is_timestamp, "moments"),
        (types.is_time, "times of day"),
        (types.is_duration, "durations"),
        (types.is_interval, "durations"),
        (types.is_map, "maps"),
        (types.is_struct, "records"),
        (types.is_nested, "lists"),
        (_is_binary, "bytes"),
    )
    what = next((text for holds, text in reasons if holds(dtype)), f"values of type {name}")
    return ColumnKind(kind=None, type=name, reason=f"holds {what}")


def _is_text(dtype: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_string(dtype) or types.is_large_string(dtype) or types.is_string_view(dtype)
    )


def _is_whole_decimal(dtype: Any) -> bool:
    from pyarrow import types

    # DuckDB's sums of whole numbers, and what has over 64 bits.
    return bool(types.is_decimal(dtype) and dtype.scale <= 0)


def _is_binary(dtype: Any) -> bool:
    from pyarrow import types

    return bool(
        types.is_binary(dtype)
        or types.is_large_binary(dtype)
        or types.is_binary_view(dtype)
        or types.is_fixed_size_binary(dtype)
    )
