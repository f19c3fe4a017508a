"""Two samples of rows, compared column by column: what changed, and what could have been seen."""

from homeostat.comparison.comparing import compare
from homeostat.comparison.groups import GroupedComparison, compare_by
from homeostat.comparison.result import Comparison, FeatureComparison

__all__ = ["Comparison", "FeatureComparison", "GroupedComparison", "compare", "compare_by"]
