"""What turned out to be true."""

from dataclasses import asdict

from fastapi import APIRouter

from homeostat.errors import UserError
from homeostat.serving.answers import Coverage, LabelsStored
from homeostat.serving.dependencies import ERRORS, BodyDep, MaxBatchDep, ServiceDep
from homeostat.serving.labels import read_labels
from homeostat.serving.openapi import body_of

__all__ = ["router"]

router = APIRouter(prefix="/labels", tags=["labels"], responses=ERRORS)


@router.post("", openapi_extra=body_of("LabelBatch"))
async def add_labels(service: ServiceDep, body: BodyDep, max_batch: MaxBatchDep) -> LabelsStored:
    """Labels of earlier predictions, together or one on its own; all are stored, or none."""
    batch = read_labels(body, now=service.clock(), most=max_batch)
    if (n := len(batch.labels)) > max_batch:
        raise UserError(f"{n:,} labels; at most {max_batch:,} are taken: send them in parts")
    return LabelsStored(**asdict(await service.label(batch)))


@router.get("/coverage")
async def coverage(service: ServiceDep) -> Coverage:
    """How many of the predictions have a label."""
    return await service.coverage()
