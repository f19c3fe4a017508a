"""Rows in, answers out."""

from fastapi import APIRouter, FastAPI, Request

from homeostat.errors import UserError
from homeostat.serving.answers import Answer, Answers
from homeostat.serving.dependencies import ERRORS, BodyDep, MaxBatchDep, ServiceDep, VersionDep
from homeostat.serving.metering import note
from homeostat.serving.openapi import body_of

__all__ = ["answer_at", "router"]

router = APIRouter(prefix="/predict", tags=["predictions"], responses=ERRORS)


@router.post("", openapi_extra=body_of("Row"))
async def predict(service: ServiceDep, version: VersionDep, body: BodyDep) -> Answer:
    """One row in, one answer out; 422 lists all that is wrong with the row.

    With a `prediction_id` the request may be repeated: it is answered as it was before.
    """
    row = version.champion.requests.one(body, now=service.clock())
    [answer] = await service.predict([row], version.champion, pinned=version.pinned)
    return Answer.of(answer, durable=service.durable)


@router.post("/batch", openapi_extra=body_of("Rows"))
async def predict_batch(
    request: Request,
    service: ServiceDep,
    version: VersionDep,
    body: BodyDep,
    max_batch: MaxBatchDep,
) -> Answers:
    """Many rows in, as many answers out; all are answered, or none is stored."""
    rows = version.champion.requests.many(body, now=service.clock(), most=max_batch)
    if len(rows) > max_batch:
        raise UserError(f"{len(rows):,} rows; at most {max_batch:,} are taken: send them in parts")
    note(request.scope, service.model, version.champion.version.number, len(rows))
    answers = await service.predict(rows, version.champion, pinned=version.pinned)
    return Answers(predictions=[Answer.of(one, durable=service.durable) for one in answers])


def answer_at(app: FastAPI, path: str) -> None:
    """Answer at another path as at `/predict`."""
    app.add_api_route(
        path,
        predict,
        methods=["POST"],
        tags=["predictions"],
        responses=ERRORS,
        openapi_extra=body_of("Row"),
        operation_id=f"predict{path.replace('/', '_')}",
    )
