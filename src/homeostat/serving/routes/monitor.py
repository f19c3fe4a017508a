"""Models that are served elsewhere: rows in, what they look like out."""

from fastapi import APIRouter, Response

from homeostat.serving.dependencies import ERRORS, BodyDep, MaxBatchDep, ServiceDep
from homeostat.serving.elsewhere import BaselineHealth, Judgements
from homeostat.serving.judging import Judgement
from homeostat.serving.openapi import body_of
from homeostat.serving.routes.metrics import metrics

__all__ = ["router"]

router = APIRouter(prefix="/monitor", tags=["drift as a service"])


@router.post("/predict", responses=ERRORS, openapi_extra=body_of("ReportRequest"))
async def report(service: ServiceDep, body: BodyDep) -> Judgement:
    """Keep a row that a model elsewhere was asked about; what the rows so far look like.

    One row is never judged alone: the answer is about all rows of its `model_version` in
    the last `monitoring.lookback_h` hours, up to ten seconds ago.  While they are too few,
    `outcome` is INCONCLUSIVE and `drift_detected` is null, which is not false.
    """
    yardstick = await service.elsewhere.yardstick()
    row = yardstick.requests.one(body, now=service.clock())
    return await service.elsewhere.report(row, yardstick)


@router.post("/batch", responses=ERRORS, openapi_extra=body_of("ReportsRequest"))
async def report_batch(service: ServiceDep, body: BodyDep, max_batch: MaxBatchDep) -> Judgements:
    """Keep many such rows, all of them or none; what each of their versions looks like."""
    yardstick = await service.elsewhere.yardstick()
    rows = yardstick.requests.many(body, now=service.clock(), at_most=max_batch)
    return await service.elsewhere.report_all(rows, yardstick)


@router.get("/health", responses={503: {"model": BaselineHealth}})
async def baseline_health(service: ServiceDep, response: Response) -> BaselineHealth:
    """Whether reported rows can be judged; 503 when not, such as without a baseline."""
    answer = await service.elsewhere.health()
    response.status_code = 200 if answer.status == "healthy" else 503
    return answer


router.add_api_route("/metrics", metrics, methods=["GET"], response_class=Response)
