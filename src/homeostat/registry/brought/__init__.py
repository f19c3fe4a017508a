"""Models made elsewhere: found, read without running anything, and made fit to be served."""

from homeostat.registry.brought.estimators import as_estimator
from homeostat.registry.brought.model import Brought
from homeostat.registry.brought.read import read_brought

__all__ = ["Brought", "as_estimator", "read_brought"]
