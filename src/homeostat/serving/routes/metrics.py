"""Figures for Prometheus."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

__all__ = ["metrics", "router"]

router = APIRouter(tags=["monitoring"])


@router.get("/metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Counters and gauges of this process, in the text format of Prometheus.

    At most 2,000 series, whatever comes in: what a label has too many of is told as `other`.
    """
    text: bytes = request.app.state.metrics.text()
    return Response(text, media_type=CONTENT_TYPE_LATEST)
