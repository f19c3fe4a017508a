"""What routes are given."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from pydantic import AwareDatetime, BeforeValidator

from homeostat.serving.answers import Failure
from homeostat.serving.champion import Champion
from homeostat.serving.metering import note
from homeostat.serving.service import Service
from homeostat.serving.services import Services
from homeostat.serving.wire import read_body

__all__ = [
    "ERRORS",
    "BodyDep",
    "MaxBatchDep",
    "Moment",
    "NamedDep",
    "ServiceDep",
    "ServicesDep",
    "Version",
    "VersionDep",
]

#: What a route that reads a body may answer besides 200.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure}
    for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503)
}


def _written_out(value: Any) -> Any:
    """A number would be taken for seconds since 1970, and one that is large for milliseconds."""
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        raise ValueError("write the time as 2026-03-04T12:00:00Z, with its zone")
    return value


#: A point in time in a query, with its zone.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


@dataclass(frozen=True, slots=True)
class Version:
    """The version that is to answer."""

    champion: Champion
    pinned: bool  #: whether it was asked for by number


# These wait for nothing; but what is not `async` is run in a thread.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _service(request: Request, services: ServicesDep) -> Service:
    return services.get(request.path_params.get("name"))


async def _named(name: Annotated[str, Path(description="of a model")]) -> str:
    return name  # `_service` looks it up; this one tells of it


async def _max_batch(request: Request) -> int:
    rows: int = request.app.state.max_batch
    return rows


NamedDep = Depends(_named)  #: the name in the path, for the description of the interface
ServiceDep = Annotated[Service, Depends(_service)]
MaxBatchDep = Annotated[int, Depends(_max_batch)]
BodyDep = Annotated[bytes, Depends(read_body)]


async def _version(
    request: Request,
    service: ServiceDep,
    model_version: Annotated[
        int | None,
        Query(ge=1, lt=2**31, description="a version by its number; else the one in service"),
    ] = None,
) -> Version:
    champion = await service.champions.get(model_version)
    note(request.scope, service.model, champion.version.number, 1)
    return Version(champion, model_version is not None)


VersionDep = Annotated[Version, Depends(_version)]
