"""One thread instead of many, where many wait for each other."""

from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

__all__ = ["one_thread"]


def one_thread() -> AbstractContextManager[object]:
    """While it lasts, what this thread calls in scikit-learn computes in this thread alone.

    On a few rows OpenMP's threads wait for each other, on a busy machine up to a second, far
    longer than one of them computes; and sums come in the same order each time.
    """
    limit: AbstractContextManager[object] = _thread_pools().limit(limits=1, user_api="openmp")
    return limit


@lru_cache(maxsize=1)
def _thread_pools() -> Any:
    """The thread pools of this process, looked up once: it takes as long as ten scorings."""
    import sklearn.ensemble  # noqa: F401  # a pool is found only after its library is loaded
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController()
