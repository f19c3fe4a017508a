"""Catalog: the named extensions of one kind."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Generic, TypeVar, cast

from homeostat.errors import NotFound, StateError

__all__ = ["Catalog", "did_you_mean"]


def did_you_mean(name: str, known: list[str]) -> str:
    """A hint at the nearest known name, or the list of all when none is near.

    Examples
    --------
    >>> did_you_mean("pis", ["psi", "ks"])
    "did you mean 'psi'?"
    """
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"


T = TypeVar("T")
M = TypeVar("M")


class Catalog(Generic[T]):
    """Extensions of one kind by name.

    Members live one to a file in `package` and register themselves there; other packages
    add theirs under the entry point group `homeostat.<kind>`.  Both are imported at the
    first look, so importing the kind costs nothing.

    Parameters
    ----------
    kind
        What one member is called in messages, such as "statistic".
    package
        Dotted name of the folder that holds the built-in members.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._members: dict[str, T] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[M], M]:
        """A decorator that adds its object under `name`; a second one of a name is refused."""

        def add(member: M) -> M:
            if name in self._members:
                message = f"two members of kind {self.kind} are named {name!r}; rename one"
                raise StateError(message)
            self._members[name] = cast("T", member)
            return member

        return add

    def __getitem__(self, name: str) -> T:
        self._load()
        if name not in self._members:
            raise NotFound(f"no {self.kind} {name!r}; {did_you_mean(name, list(self._members))}")
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._members))

    def __len__(self) -> int:
        self._load()
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._members

    def items(self) -> Iterator[tuple[str, T]]:
        """Names with their members, by name."""
        return ((name, self._members[name]) for name in self)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__, f"{self._package}."):
            importlib.import_module(module.name)
        for point in entry_points(group=f"homeostat.{self._package.rpartition('.')[2]}"):
            point.load()
