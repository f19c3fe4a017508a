"""Types of the columns: times as whole microseconds, numbers and texts that sort everywhere."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect, Integer, Text, TypeDecorator

__all__ = ["EPOCH", "Number", "Token", "UtcTime", "microseconds"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 UTC.

    Examples
    --------
    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - EPOCH) // MICROSECOND


class UtcTime(TypeDecorator[datetime]):
    """A point in time as whole microseconds since 1970 UTC: exact, and sorts everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


#: A number given by the database, rising.  SQLite counts up only what it calls INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")

#: Text that sorts by its bytes, as SQLite does, whatever the locale of the server is.
Token = Text().with_variant(Text(collation="C"), "postgresql")
