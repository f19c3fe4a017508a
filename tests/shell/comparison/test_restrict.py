from collections.abc import Set as AbstractSet

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.restrict import restricted
from homeostat.schema import Kind
from tests.shell.comparison.made import frame, schema

KINDS = {
    "income": Kind.NUMBER,
    "children": Kind.INTEGER,
    "plan": Kind.CATEGORY,
    "active": Kind.BOOLEAN,
    "debt": Kind.NUMBER,
}
DATA = frame(0).with_columns(debt=pl.col("income") * 2 + pl.col("children"))
WHOLE = count_frame(DATA, fit_frame_bins(DATA, schema(**KINDS)))


@given(names=st.sets(st.sampled_from(list(KINDS))))
def test_a_part_is_what_counting_the_part_gives(names: AbstractSet[str]) -> None:
    part = restricted(WHOLE, names)

    assert list(part.bins.index) == [name for name in KINDS if name in names]
    assert part == count_frame(DATA, part.bins)
    assert restricted(part, names, part.bins) == part
    assert len(part.bins.noise) == len(part.joint)
