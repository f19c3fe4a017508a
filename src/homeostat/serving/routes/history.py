"""What happened: alerts, performance, drift, decisions, verdicts."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from homeostat.reports import strict
from homeostat.serving.answers import Failure
from homeostat.serving.dependencies import Moment, ServicesDep
from homeostat.store import Entry, Kind, Span

__all__ = ["HistoryAnswer", "router"]

MOST = 1000  #: entries of one page

router = APIRouter(tags=["history"], responses={s: {"model": Failure} for s in (404, 422, 503)})


class HistoryAnswer(BaseModel):
    """One page of the history, newest first."""

    model_name: str
    kind: Kind
    entries: list[dict[str, Any]] = Field(description="each with `at`, `key` and what was kept")
    next: str | None = Field(description="what to give as `page` for the next one; null at the end")


def _plain(one: Entry) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "key": one.key, **strict(dict(one.body))}


@router.get("/history/{kind}")
async def history(  # noqa: PLR0913  # each is a part of the question
    services: ServicesDep,
    kind: Annotated[Kind, Path(description="what is asked for")],
    *,
    since: Annotated[Moment | None, Query(description="only from this time on")] = None,
    until: Annotated[Moment | None, Query(description="only before this time")] = None,
    as_of: Annotated[Moment | None, Query(description="as it was known then")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST, description="entries of one page")] = 100,
    page: Annotated[str | None, Query(max_length=200, description="`next` of a page")] = None,
    model_name: Annotated[
        str | None, Query(description="of a model [default: that of /predict]")
    ] = None,
) -> HistoryAnswer:
    """What happened to a model, newest first, as it was known at a time."""
    service = services.get(model_name)
    span = Span(since=since, until=until, as_of=as_of, limit=limit, page=page)
    found = await asyncio.to_thread(service.history.entries, kind, service.model, span)
    return HistoryAnswer(
        model_name=service.model,
        kind=kind,
        entries=[_plain(one) for one in found.entries],
        next=found.following,
    )
