"""Exact 95 % intervals of shares and of rates."""

from scipy.special import betaincinv, gammaincinv

__all__ = ["of_rate", "of_share"]

TAIL = 0.025


def of_share(cases: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's, of `cases` among `n`.

    Examples
    --------
    >>> [round(float(end), 3) for end in of_share(0, 100)]
    [0.0, 0.036]
    """
    low = float(betaincinv(cases, n - cases + 1, TAIL)) if cases else 0.0
    high = float(betaincinv(cases + 1, n - cases, 1 - TAIL)) if cases < n else 1.0
    return low, high


def of_rate(events: int, exposure: float) -> tuple[float, float]:
    """Garwood's, of a Poisson rate with so many events.

    Examples
    --------
    >>> [round(float(end), 2) for end in of_rate(0, 1.0)]
    [0.0, 3.69]
    """
    low = float(gammaincinv(events, TAIL)) if events else 0.0
    return low / exposure, float(gammaincinv(events + 1, 1 - TAIL)) / exposure
