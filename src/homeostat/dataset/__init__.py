"""Data files: read, told apart by their content, described, validated, made into rows."""

from homeostat.dataset.describe import Description, describe
from homeostat.dataset.fingerprint import fingerprint
from homeostat.dataset.read import read_frame
from homeostat.dataset.rows import frame_rows, targets
from homeostat.dataset.scored import ScoredColumns, ScoredRows, read_scored
from homeostat.dataset.times import in_time_order, parse_times
from homeostat.dataset.validate import validate_frame

__all__ = [
    "Description",
    "ScoredColumns",
    "ScoredRows",
    "describe",
    "fingerprint",
    "frame_rows",
    "in_time_order",
    "parse_times",
    "read_frame",
    "read_scored",
    "targets",
    "validate_frame",
]
