"""What could have been seen: the change that is found in 80 of 100 windows."""

from functools import lru_cache

import numpy as np
from scipy.special import betaincinv, chdtri, chndtrinc, ndtr, ndtri

from homeostat.chance import fewest_cases, share_p_value

__all__ = ["POWER", "count_level", "divergence_excess", "share_detectable", "shift_detectable"]

#: A change of the minimum detectable effect is seen with this probability.
POWER = 0.8

#: Pairs of freedom and level of which the non-centrality is remembered.
REMEMBERED = 1024


def share_detectable(
    share: float, n_reference: int, n_current: int, alpha: float, *, varies: bool = True
) -> float:
    """The rise of a share that `share_p_value` puts under `alpha` in 80 of 100 windows.

    For a share over a half it is the fall.

    Parameters
    ----------
    varies
        Whether another reference of as many rows would have another count.

    Examples
    --------
    >>> round(share_detectable(0.0, 100_000, 200, 1e-6), 3)
    0.021
    """
    share = min(share, 1 - share)
    fewest, slope = fewest_cases(share * n_reference, n_reference, n_current, alpha)
    if fewest > n_current:
        return 1.0 - share
    # The count that is needed varies with that of the reference.
    needed = slope * slope * share * (1 - share) * n_reference if varies else 0.0
    seen = fewest * (1 - fewest / n_current) or 1.0
    chance = float(ndtr(ndtri(POWER) * np.sqrt(1 + needed / seen)))
    return float(betaincinv(fewest, n_current - fewest + 1, chance)) - share


def count_level(cases: int, n_reference: int, count: int, n_current: int) -> float:
    """The level at which `share_detectable` asks for just this count in the window.

    Between the p-values of the count and of one row less, so that rounding decides nothing.

    Examples
    --------
    >>> count_level(0, 1_000, 3, 200) < 0.05 < count_level(0, 1_000, 2, 200)
    True
    """
    least, fewer = (
        share_p_value(cases, n_reference, min(max(one, 0), n_current), n_current)
        for one in (count, count - 1)
    )
    return float((least * fewer) ** 0.5)


def shift_detectable(reference_rows: int, n_current: int, alpha: float) -> float:
    """The shift of a mean, in its deviations, that is seen in 80 of 100 windows."""
    needed = float(ndtri(1 - alpha / 2)) + float(ndtri(POWER))
    return needed * float(np.sqrt(1 / n_current + 1 / reference_rows))


@lru_cache(maxsize=REMEMBERED)
def divergence_excess(freedom: int, alpha: float) -> float:
    """The non-centrality at which a chi-square passes its critical value in 80 of 100 cases."""
    return float(chndtrinc(chdtri(freedom, alpha), freedom, 1 - POWER))
