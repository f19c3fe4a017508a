from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from homeostat.bins import Bins, fit_numeric
from homeostat.profile import Profile
from homeostat.reference import Reference
from tests.core.made import NOW

BINS = Bins((fit_numeric("x", np.array([1.0, 2.0])),))


def reference(bins: Bins = BINS, place: int = 1, fingerprint: str = "ab") -> Reference:
    profile = Profile.empty(bins)
    profile.counts[place] = 5
    return Reference(
        model="credit",
        created_at=NOW,
        source="file",
        data_fingerprint=fingerprint,
        profile=profile,
    )


def test_it_knows_its_rows_and_its_bins() -> None:
    assert reference().rows == 5
    assert reference().bins is BINS


def test_the_digest_sees_bins_counts_and_rows_and_nothing_else() -> None:
    plain = reference()
    other_bins = Bins((fit_numeric("y", np.array([1.0, 2.0])),))

    assert plain.digest == reference().digest == replace(plain, source="log").digest
    assert len({one.digest for one in (plain, reference(place=2), reference(other_bins))}) == 3
    assert reference(fingerprint="cd").digest != plain.digest


def test_it_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        reference().source = "log"  # type: ignore[misc]
