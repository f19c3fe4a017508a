"""Two sides counted in the same bins, with the columns that could not be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from homeostat.bins import Bins, FeatureBins
from homeostat.comparison.columns import REFERENCE, Columns, as_binned, as_found, as_in_schema
from homeostat.comparison.sides import Side, without_meaning
from homeostat.engines.frames import count_frame, fit_frame_bins
from homeostat.engines.source import Source
from homeostat.errors import UserError
from homeostat.profile import FeatureProfile, Profile
from homeostat.restrict import restricted
from homeostat.schema import Feature, Schema

__all__ = ["Counted", "bins_of", "columns_of", "counted", "settled"]

#: Of a number that has no value in the reference: there is nothing to lay edges by.
EDGE = (0.0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Two profiles in the same bins, and what became of the columns that are not in them."""

    reference: Profile
    current: Profile
    columns: Columns  #: its features are those of the profiles
    rows: tuple[int, int] | None  #: of both; None when no column was counted


def counted(reference: Side, current: Side, schema: Schema | None) -> Counted:
    """Both sides in the bins of the reference.

    Raises
    ------
    UserError
        When the current side is a profile in other bins, or a frozen reference and the
        schema or the current columns have nothing to do with each other.
    """
    if isinstance(current, Profile):
        return settled(*_both_counted(reference, current), Columns())
    columns = columns_of(reference, current, schema)
    bins, columns = bins_of(reference, columns)
    before = reference if isinstance(reference, Profile) else count_frame(reference, bins)
    return settled(restricted(before, bins.index, bins), count_frame(current, bins), columns)


def columns_of(reference: Side, current: Source, schema: Schema | None) -> Columns:
    """What becomes of each column, as far as types and the first rows tell."""
    if isinstance(reference, Profile):
        columns = as_binned(reference.bins, current.kinds)
        _related(reference.bins, columns, schema)
        return columns
    if schema is not None:
        return as_in_schema(reference.kinds, current.kinds, schema)
    columns = as_found(reference.kinds, current.kinds)
    return columns.without(without_meaning(reference, current, columns.features))


def bins_of(reference: Side, columns: Columns) -> tuple[Bins, Columns]:
    """The bins of what is compared, and the columns with those that have none."""
    if isinstance(reference, Profile):
        names = {one.name for one in columns.features}
        return restricted(reference, names).bins, columns
    bins, untold = _fitted(reference, columns.features)
    kept = tuple(one for one in columns.features if one.name not in untold)
    return bins, replace(columns, features=kept, untold={**columns.untold, **untold})


def settled(reference: Profile, current: Profile, columns: Columns) -> Counted:
    """Without the features that say nothing on either side, now that they are counted."""
    rows = (reference.n, current.n) if reference.bins.features else None
    silent = {
        before.bins.name: why
        for before, now in zip(reference.parts, current.parts, strict=True)
        if (why := _says_nothing(before, now)) is not None
    }
    if silent:
        names = set(reference.bins.index) - set(silent)
        reference = restricted(reference, names)
        current = restricted(current, names, reference.bins)
    known = {one.name: one for one in columns.features}
    kept = tuple(
        known.get(one.name, Feature(name=one.name, kind=one.kind))
        for one in reference.bins.features
    )
    left_out = {**columns.left_out, **silent}
    return Counted(
        reference=reference,
        current=current,
        columns=replace(columns, features=kept, left_out=left_out),
        rows=rows,
    )


def _says_nothing(before: FeatureProfile, now: FeatureProfile) -> str | None:
    """Why a feature cannot differ: it has no value, or one and the same in all rows."""
    if not (before.n and now.n):
        return None
    if before.missing == before.n and now.missing == now.n:
        return "holds no value on either side"
    held = (before.counts + now.counts).nonzero()[0]
    if len(held) != 1 or before.bins.out_of_range[held].any():
        return None
    if not before.bins.kind.is_numeric:
        return f"has the same value in all rows: {before.bins.categories[held[0]]!r}"
    if before.bins.low != before.bins.high:
        return None
    return f"has the same value in all rows: {before.bins.low:.6g}"


def _both_counted(reference: Side, current: Profile) -> tuple[Profile, Profile]:
    if not isinstance(reference, Profile):
        raise UserError("the current side is a profile; give the reference as one too")
    if reference.bins.digest != current.bins.digest:
        raise UserError(_other_bins(reference.bins, current.bins), _differing(reference, current))
    return reference, current


def _other_bins(reference: Bins, current: Bins) -> str:
    return (
        f"the reference profile is of another schema, or was fitted on other rows: bins "
        f"{reference.digest[:12]} and {current.digest[:12]}; count the rows again in its bins"
    )


def _differing(reference: Profile, current: Profile) -> list[str]:
    before, now = reference.bins.index, current.bins.index
    return [
        *(f"{name!r} is not in the current profile" for name in before if name not in now),
        *(f"{name!r} is not in the reference profile" for name in now if name not in before),
    ]


def _related(bins: Bins, columns: Columns, schema: Schema | None) -> None:
    names = [one.name for one in bins.features]
    if schema is not None and not set(schema.names) <= set(names):
        lost = [f"{name!r} is not in the reference" for name in schema.names if name not in names]
        raise UserError("the reference profile is of another schema", lost)
    if names and not columns.features and all("not in" in why for why in columns.untold.values()):
        lost = [f"{name!r} is not in the current data" for name in columns.untold]
        raise UserError("the reference profile is of another schema", lost)


def _fitted(reference: Source, features: Sequence[Feature]) -> tuple[Bins, dict[str, str]]:
    """The bins of the features, and why some have none.

    A feature without any value in the reference has bins of no meaning and one for the
    missing, so that it can be told when values come.
    """
    try:
        return fit_frame_bins(reference, _as_schema(features)), {}
    except UserError:
        held = count_frame(reference, Bins(tuple(_without_values(one) for one in features)))
    nothing = [part.bins for part in held.parts if not part.present.any()]
    known = {one.name for one in nothing}
    infinite = {
        one.name: f"holds no finite number in {REFERENCE}"
        for one in features
        if one.name not in known and not _fits(reference, one)
    }
    fit = [one for one in features if one.name not in known and one.name not in infinite]
    bins = fit_frame_bins(reference, _as_schema(fit)) if fit else Bins(())
    return Bins((*bins.features, *nothing), bins.noise), infinite


def _without_values(feature: Feature) -> FeatureBins:
    edges = EDGE if feature.kind.is_numeric else ()
    return FeatureBins(name=feature.name, kind=feature.kind, edges=edges)


def _fits(reference: Source, feature: Feature) -> bool:
    try:
        fit_frame_bins(reference, _as_schema([feature]))
    except UserError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Features:
    """What fitting reads of a schema."""

    features: tuple[Feature, ...]


def _as_schema(features: Sequence[Feature]) -> Schema:
    # A column that is compared may have any name, also one that a model's schema refuses.
    return cast("Schema", _Features(tuple(features)))
