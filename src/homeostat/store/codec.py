"""How a sparse profile is written down as bytes.

Little-endian, without gaps, with k non-empty bins, f features and j watched pairs::

    1 byte       layout, 2
    4 bytes      k
    4 bytes      f
    4 bytes      j
    4 bytes * k  places, unsigned
    8 bytes * k  counts, signed
    24 bytes * f moments: n, sum and sum of squares as IEEE 754 doubles
    8 bytes * j  sums of the products of scores, signed
"""

import struct
from collections.abc import Sequence

import numpy as np

from homeostat.bins import Bins
from homeostat.errors import StateError
from homeostat.profile import Sparse, joint_size

__all__ = ["check_fits", "merge", "pack", "unpack"]

LAYOUT = 2
_HEADER = struct.Struct("<BIII")


def pack(sparse: Sparse) -> bytes:
    """The bytes of `sparse`."""
    places = np.asarray(sparse.places, dtype="<u4")
    moments = np.asarray(sparse.moments, dtype="<f8").reshape(-1, 3)
    return b"".join(
        (
            _HEADER.pack(LAYOUT, len(places), len(moments), len(sparse.joint)),
            places.tobytes(),
            np.asarray(sparse.counts, dtype="<i8").tobytes(),
            moments.tobytes(),
            np.asarray(sparse.joint, dtype="<i8").tobytes(),
        )
    )


def unpack(body: bytes) -> Sparse:
    """What `pack` wrote.

    Raises
    ------
    StateError
        When the layout is unknown or the length does not fit.

    Examples
    --------
    >>> body = pack(Sparse(np.array([7]), np.array([2]), np.zeros((1, 3)), np.zeros(0)))
    >>> unpack(body).places, unpack(body).counts
    (array([7], dtype=uint32), array([2]))
    """
    if len(body) < _HEADER.size or body[0] != LAYOUT:
        raise StateError(f"a stored profile is not in layout {LAYOUT}: {body[:1].hex() or 'empty'}")
    _, k, f, j = _HEADER.unpack_from(body)
    asked = _HEADER.size + 12 * k + 24 * f + 8 * j
    if len(body) != asked:
        raise StateError(f"a stored profile is damaged: {len(body)} bytes, {asked} asked")
    start = _HEADER.size
    return Sparse(
        np.frombuffer(body, "<u4", k, start).astype(np.uint32, copy=False),
        np.frombuffer(body, "<i8", k, start + 4 * k).astype(np.int64, copy=False),
        np.frombuffer(body, "<f8", 3 * f, start + 12 * k).astype(float, copy=False).reshape(f, 3),
        np.frombuffer(body, "<i8", j, start + 12 * k + 24 * f).astype(np.int64, copy=False),
    )


def merge(parts: Sequence[Sparse]) -> Sparse:
    """The sum of at least one profile in the same bins, which need not be known.

    Raises
    ------
    StateError
        When the parts do not have the same number of features.
    """
    if len(parts) == 1:
        return parts[0]
    if len({(part.moments.shape, part.joint.shape) for part in parts}) > 1:
        raise StateError("profiles of one version were counted in different bins")
    places = np.concatenate([part.places for part in parts])
    counts = np.zeros(int(places.max(initial=0)) + 1, dtype=np.int64)
    np.add.at(counts, places, np.concatenate([part.counts for part in parts]))
    filled = np.flatnonzero(counts)
    return Sparse(
        filled.astype(np.uint32),
        counts[filled],
        np.sum([part.moments for part in parts], axis=0),
        np.sum([part.joint for part in parts], axis=0),
    )


def check_fits(bins: Bins, parts: Sequence[Sparse]) -> None:
    """Refuse profiles that were not counted in `bins`."""
    shape, size, pairs = (len(bins.features), 3), bins.offsets[-1], joint_size(bins)
    for part in parts:
        last = int(part.places.max(initial=0))
        if part.moments.shape != shape or last >= max(size, 1) or len(part.joint) != pairs:
            message = (
                f"a stored profile was counted in other bins than {bins.digest[:12]}: "
                f"{len(part.moments)} features, {shape[0]} asked"
            )
            raise StateError(message)
