"""Which role each route asks for: one table, and nothing is open that does not stand in it."""

from collections.abc import Iterator, Mapping, Sequence
from re import Pattern
from types import MappingProxyType

import fastapi.routing
from starlette.routing import BaseRoute

from homeostat.access import EVERY_ROLE, Role

__all__ = ["ADMINS", "EVERY_METHOD", "OPEN", "ROLES", "RoleTable", "routes_of"]

Roles = frozenset[Role]

EVERY_METHOD = "*"  #: of what is mounted

#: What a route asks for that is not in the table.
ADMINS: Roles = frozenset({Role.ADMIN})

_PREDICT, _LABEL = frozenset({Role.PREDICT}), frozenset({Role.LABEL})
_READ, _OPERATE = frozenset({Role.READ, Role.OPERATE}), frozenset({Role.OPERATE})

#: The paths that need no key.
OPEN: frozenset[str] = frozenset({"/health"})

#: The roles of which a route asks for one, by method and path; an admin has them all.
ROLES: Mapping[str, Roles] = MappingProxyType(
    {
        "GET /": EVERY_ROLE,
        "GET /docs": EVERY_ROLE,
        "GET /docs/{file}": EVERY_ROLE,
        "GET /openapi.json": EVERY_ROLE,
        "GET /model/info": _READ | _PREDICT,
        "GET /model/versions": _READ,
        "POST /predict": _PREDICT,
        "POST /predict/batch": _PREDICT,
        "POST /labels": _LABEL,
        "GET /labels/coverage": _READ | _LABEL,
        "GET /models": _READ | _PREDICT,
        "GET /models/{name}/docs": EVERY_ROLE,
        "GET /models/{name}/docs/{file}": EVERY_ROLE,
        "GET /models/{name}/openapi.json": EVERY_ROLE,
        "GET /models/{name}/info": _READ | _PREDICT,
        "GET /models/{name}/versions": _READ,
        "POST /models/{name}/predict": _PREDICT,
        "POST /models/{name}/predict/batch": _PREDICT,
        "POST /models/{name}/labels": _LABEL,
        "GET /models/{name}/labels/coverage": _READ | _LABEL,
        "GET /history/{kind}": _READ,
        "GET /alerts": _READ,
        "GET /monitoring/health": _READ,
        "GET /monitoring/stats": _READ,
        "GET /monitoring/performance": _READ,
        "GET /monitoring/drift/{model_name}": _READ,
        "POST /monitoring/baseline": _OPERATE,
        "GET /metrics": _READ,
        "GET /monitor/health": _READ | _PREDICT,
        "GET /monitor/metrics": _READ,
        "POST /monitor/predict": _PREDICT,
        "POST /monitor/batch": _PREDICT,
    }
)


#: Of an older FastAPI the routes are flat already.
_each = getattr(fastapi.routing, "iter_route_contexts", iter)


class RoleTable:
    """The roles that a request asks for, found out before it is routed.

    Parameters
    ----------
    routes
        All of the application; what is added later is for admins only.
    predict_paths
        Paths that ask for what `/predict` asks for.
    """

    def __init__(self, routes: Sequence[BaseRoute], predict_paths: Sequence[str] = ()) -> None:
        named = {**ROLES, **{f"POST {path}": _PREDICT for path in predict_paths}}
        self._exact: dict[tuple[str, str], Roles] = {}
        self._patterns: list[tuple[str, Pattern[str], Roles]] = []
        for method, path, pattern in routes_of(routes):
            roles = named.get(f"{method} {path}", ADMINS)
            if "{" not in path and method != EVERY_METHOD:
                self._exact.setdefault((method, path), roles)
            elif pattern is not None:
                self._patterns.append((method, pattern, roles))

    def roles(self, method: str, path: str) -> Roles | None:
        """Those of which one is asked for; None where nothing answers."""
        found = self._exact.get((method, path))
        if found is not None:
            return found
        matching = (
            roles
            for one, pattern, roles in self._patterns
            if one in {method, EVERY_METHOD} and pattern.match(path)
        )
        return next(matching, None)

    def methods(self, path: str) -> list[str]:
        """Those that something answers at this path."""
        exact = [method for method, known in self._exact if known == path]
        return sorted({*exact, *(one for one, pattern, _ in self._patterns if pattern.match(path))})


def routes_of(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, str, Pattern[str] | None]]:
    """Method, path and pattern of every route; the method of a mounted application is `*`."""
    for one in _each(routes):
        methods = getattr(one, "methods", None) or {EVERY_METHOD}
        for method in sorted(methods):
            yield method, str(getattr(one, "path", "")), getattr(one, "path_regex", None)
