"""Numbers and names as people read them."""

import math
import re
from collections.abc import Sequence

__all__ = ["MEANINGS", "number", "numbers", "p_value", "printable", "share", "short"]

#: What the effect of each built-in statistic is.
MEANINGS = {
    "ks": "largest gap between the two cumulative distributions, 0 to 1",
    "chi2": "share of rows that would have to change their category, 0 to 1",
    "missing": "change in the share of missing values, 0 to 1",
    "unseen": "rise in the share of values the reference never held, 0 to 1",
    "psi": "population stability index, 0 and up",
    "wasserstein": "average move of a value, in standard deviations of the reference",
    "location": "shift up or down, in standard deviations of normal scores",
    "creep": "shift up or down that added up over days, in standard deviations",
    "spread": "log of how much wider or narrower the values lie; 0.1 is 10 %",
    "tail": "how much heavier or lighter the tails are at equal spread, 0.45 for Student’s t(3)",
    "correlation": "change of the correlation with another column, in Fisher’s z",
    "joint_location": "shift of all columns at once, in standard deviations",
    "domain_classifier": "AUC beyond guessing of a classifier that tells the rows apart, 0 to 0.5",
    "js": "square root of the Jensen-Shannon divergence in bits, 0 to 1",
    "hellinger": "Hellinger distance, 0 to 1",
    "tv": "total variation: share of rows that would have to move, 0 to 1",
    "g": "share of rows that would have to change their category, 0 to 1",
    "mean_shift": "difference of the means, in standard deviations of the reference",
    "variance_ratio": "log of the ratio of the variances",
    "constant": "how much fuller the fullest bin is than in the reference, 0 to 1",
    "unit": "log of the factor that maps the old values on the new ones; 0 without one",
}

NONE = "–"
_UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k"))
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def number(x: float | None, digits: int = 3) -> str:
    """Significant digits, and a unit for the large; a dash for None and NaN.

    Examples
    --------
    >>> [number(x) for x in (0.04567, 5400.0, 12345, 2.5e6, 0.00001, 0, None)]
    ['0.0457', '5,400', '12.3k', '2.5M', '1e-05', '0', '–']
    """
    if x is None or not math.isfinite(x):
        return NONE
    for size, unit in _UNITS:
        if abs(x) >= size * 0.99995:
            scaled = x / (1e3 if unit == "k" else size)
            return f"{scaled:.{digits}g}{unit}" if abs(scaled) < 999.5 else f"{scaled:,.0f}{unit}"
    if abs(x) >= 999.5:
        return f"{x:,.0f}" if digits <= 4 else f"{x:,.{digits - 4}f}"
    return f"{x:.{digits}g}"


def numbers(values: Sequence[float]) -> list[str]:
    """Each of `values`, with as many digits as it takes to tell them apart, up to ten.

    Examples
    --------
    >>> numbers([1_700_000_000.0, 1_700_100_000.0])
    ['1.7G', '1.7001G']
    """
    shown: list[str] = []
    for digits in range(3, 11):
        shown = [number(x, digits) for x in values]
        if len(set(shown)) == len(set(values)):
            break
    return shown


def share(x: float | None) -> str:
    """A share as a percentage with one decimal; what is not nothing is never shown as 0.0 %.

    Examples
    --------
    >>> [share(x) for x in (0.1234, 0.0001, 0.0, 1.0, None)]
    ['12.3%', '<0.1%', '0%', '100%', '–']
    """
    if x is None or not math.isfinite(x):
        return NONE
    if x in {0.0, 1.0}:
        return f"{x:.0%}"
    return "<0.1%" if x < 0.0005 else f"{min(x, 0.999):.1%}"


def p_value(p: float | None) -> str:
    """A p-value, to a thousandth.

    Examples
    --------
    >>> [p_value(p) for p in (0.0421, 1e-9, 1.0, None)]
    ['0.042', '<0.001', '1', '–']
    """
    if p is None or not math.isfinite(p):
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}".rstrip("0").rstrip(".")


def printable(text: str) -> str:
    r"""The text with a mark for what cannot be seen or would turn its surroundings around.

    Examples
    --------
    >>> printable("a\u202eb") == "a\ufffdb"
    True
    """
    return _INVISIBLE.sub("\ufffd", text)


def short(text: str, length: int) -> str:
    """The text, cut to `length` characters with an ellipsis."""
    text = printable(text)
    return text if len(text) <= length else f"{text[: length - 1]}…"
