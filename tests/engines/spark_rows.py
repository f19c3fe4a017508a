"""Counts with PySpark, in a process of its own: what it found is printed as JSON."""

import json
import sys
from decimal import Decimal
from importlib import import_module
from typing import Any

from homeostat.engines.frames import column_kinds, count_frame, fit_frame_bins
from homeostat.errors import UserError
from homeostat.profile import Profile
from tests.engines.made import BINS, NUMBERS, SCHEMA, number, odd_rows

#: Names that are something else to SQL, and two that differ in their case only.
NAMES = ("a.b", "`tick`", 'say "x"', "größe 🦀", "x", "X")


def main() -> None:
    spark = (
        import_module("pyspark.sql")
        .SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
        .getOrCreate()
    )
    try:
        sys.stdout.write(json.dumps({name: ask(spark) for name, ask in QUESTIONS.items()}))
    finally:
        spark.stop()


def odd(spark: Any) -> dict[str, Any]:
    """The odd rows in three partitions, and how many jobs that took."""
    frame = odd_frame(spark)
    tracker = spark.sparkContext.statusTracker()
    spark.sparkContext.setJobGroup("counting", "counting")
    profile = count_frame(frame, BINS)
    jobs = len(tracker.getJobIdsForGroup("counting"))
    spark.sparkContext.setJobGroup("other", "other")
    return {**plain(profile), "jobs": jobs}


def bins(spark: Any) -> dict[str, Any]:
    return fit_frame_bins(odd_frame(spark), SCHEMA).to_dict()


def numbers(spark: Any) -> dict[str, Any]:
    """Floats of half the width, decimals, whole numbers beyond 2**53 and nothing at all."""
    values: dict[str, list[Any]] = {
        "float": [0.1, 0.25, None],
        "decimal(20,17)": [Decimal("0.1"), None, Decimal("0.25")],
        "bigint": [2**53 + 1, 2**63 - 1, -1],
        "boolean": [True, None, False],
        "string": [None, None, None],
        "void": [None, None, None],
    }
    return {
        dtype: plain(
            count_frame(spark.createDataFrame([(x,) for x in column], f"x {dtype}"), NUMBERS)
        )
        for dtype, column in values.items()
    }


def names(spark: Any) -> dict[str, Any]:
    from homeostat.bins import Bins

    rows = [tuple(float(i + j) for j, _ in enumerate(NAMES)) for i in range(3)]
    spark.conf.set("spark.sql.caseSensitive", "true")
    frame = spark.createDataFrame(rows, list(NAMES))
    spark.conf.set("spark.sql.caseSensitive", "false")
    return plain(count_frame(frame, Bins(tuple(number(name, 0.0, 1.0, 4.0) for name in NAMES))))


def kinds(spark: Any) -> dict[str, Any]:
    frame = spark.sql(
        "select 1 i, 1.5D d, cast(1.5 as decimal(9, 2)) m, 'a' s, true b, null n, "
        "date'2026-01-01' day, timestamp'2026-01-01' t, array(1) l, struct(1 x) r, "
        "map('a', 1) p, X'00' raw, interval '1' day gap"
    )
    return {name: [one.kind, one.reason, one.empty] for name, one in column_kinds(frame).items()}


def refused(spark: Any) -> list[str]:
    frame = spark.createDataFrame([("much", "old")], "income string, age string").selectExpr(
        "*", "'north' as region", "true as member"
    )
    try:
        count_frame(frame, BINS)
    except UserError as error:
        return error.problems
    return []


def odd_frame(spark: Any) -> Any:
    rows = [tuple(row[name] for name in SCHEMA.names) for row in odd_rows()]
    return spark.createDataFrame(
        spark.sparkContext.parallelize(rows, 3),
        "income double, age bigint, region string, member boolean",
    )


def plain(profile: Profile) -> dict[str, Any]:
    return {
        "counts": profile.counts.tolist(),
        "moments": profile.moments.tolist(),
        "joint": profile.joint.tolist(),
    }


QUESTIONS = {
    "odd": odd,
    "bins": bins,
    "numbers": numbers,
    "names": names,
    "kinds": kinds,
    "refused": refused,
}

if __name__ == "__main__":
    main()
