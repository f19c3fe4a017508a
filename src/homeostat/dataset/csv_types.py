"""What the texts of a CSV column are, told batch by batch as `read_frame` tells it at once."""

from dataclasses import dataclass

import polars as pl

from homeostat.dataset.columns import NULLS
from homeostat.engines.kinds import ColumnKind
from homeostat.schema import Kind

__all__ = ["Texts", "cleaned", "converted"]

_WHOLE = r"^[+-]?\d+$"
_CODE = r"^[+-]?0\d"
_BOOLEANS = ("true", "false")


@dataclass(slots=True)
class Texts:
    """What all texts of a column seen so far have in common."""

    some: bool = False  #: at least one is not missing
    booleans: bool = True
    whole: bool = True
    fits: bool = True  #: in 64 bits
    numbers: bool = True
    codes: bool = False  #: at least one has a leading zero

    def add(self, text: pl.Series) -> None:
        """Look at the next texts of the column."""
        known = cleaned(text).drop_nulls()
        if not len(known):
            return
        self.some = True
        if not (self.booleans or self.numbers):
            return
        self.booleans = self.booleans and bool(known.str.to_lowercase().is_in(_BOOLEANS).all())
        if self.numbers:
            self._add_numbers(known)

    def _add_numbers(self, known: pl.Series) -> None:
        self.codes = self.codes or bool(known.str.contains(_CODE).any())
        whole = self.whole and bool(known.str.contains(_WHOLE).all())
        fits = whole and not known.cast(pl.Int64, strict=False).has_nulls()
        self.whole, self.fits = whole, self.fits and (fits or not whole)
        # What 64 bits hold is a number; of the rest it must be seen.
        self.numbers = fits or not known.cast(pl.Float64, strict=False).has_nulls()

    def __add__(self, other: "Texts") -> "Texts":
        return Texts(
            some=self.some or other.some,
            booleans=self.booleans and other.booleans,
            whole=self.whole and other.whole,
            fits=self.fits and other.fits,
            numbers=self.numbers and other.numbers,
            codes=self.codes or other.codes,
        )

    @property
    def kind(self) -> ColumnKind:
        """What the column holds."""
        if not self.some:
            return ColumnKind(kind=None, type="text", reason="holds no value at all", empty=True)
        kind = Kind.CATEGORY
        if self.codes:
            pass
        elif self.booleans:
            kind = Kind.BOOLEAN
        elif self.whole:
            kind = Kind.INTEGER if self.fits else Kind.CATEGORY
        elif self.numbers:
            kind = Kind.NUMBER
        return ColumnKind(kind=kind, type="text" if kind is Kind.CATEGORY else kind.value)


def cleaned(text: pl.Series) -> pl.Series:
    """The texts without the blanks around them, those that stand for nothing as nulls."""
    stripped = text.str.strip_chars()
    return stripped.set(stripped.is_in(NULLS), None)


def converted(text: pl.Series, kind: Kind | None) -> pl.Series:
    """The texts as what the column holds."""
    clean = cleaned(text)
    if kind is Kind.BOOLEAN:
        return clean.str.to_lowercase() == "true"
    if kind is None or not kind.is_numeric:
        return clean
    return clean.cast(pl.Int64 if kind is Kind.INTEGER else pl.Float64)
