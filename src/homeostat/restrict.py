"""A profile of fewer features."""

from collections.abc import Collection

import numpy as np

from homeostat.bins import Bins, pair_places
from homeostat.profile import Profile

__all__ = ["restricted"]


def restricted(profile: Profile, names: Collection[str], bins: Bins | None = None) -> Profile:
    """The profile of the named features alone, in their order there.

    Parameters
    ----------
    bins
        Those of the result, where they are known already.

    Examples
    --------
    >>> from homeostat.bins import FeatureBins
    >>> from homeostat.schema import Kind
    >>> pair = [FeatureBins(name=name, kind=Kind.BOOLEAN, categories=("true",)) for name in "ab"]
    >>> restricted(Profile.empty(Bins(tuple(pair))), {"b"}).bins.index
    {'b': 0}
    """
    old = profile.bins
    kept = [i for i, one in enumerate(old.features) if one.name in names]
    watched = [k for k, i in enumerate(old.watched) if i in kept]
    rows, columns = pair_places(len(old.watched))
    pairs = np.isin(rows, watched) & np.isin(columns, watched)
    if bins is None:
        noise = np.asarray(old.noise)[pairs] if old.noise else np.empty(0)
        bins = Bins(tuple(old.features[i] for i in kept), tuple(noise.tolist()))
    counts = [profile.counts[old.offsets[i] : old.offsets[i + 1]] for i in kept]
    return Profile(
        bins,
        np.concatenate([np.zeros(0, dtype=np.int64), *counts]),
        profile.moments[kept].reshape(-1, 3),
        profile.joint[pairs],
    )
