"""The settings of the HTTP service."""

from pathlib import Path

from pydantic import BaseModel, Field

from homeostat.cli.settings_types import (
    CONFIG,
    Count,
    Names,
    Positive,
    PredictPaths,
    Text,
    Whole,
)

__all__ = ["ServingSettings"]


class ServingSettings(BaseModel):
    """The HTTP service."""

    model_config = CONFIG

    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    port: Whole = Field(
        default=8000, ge=0, le=65535, description="port to listen on; 0 takes a free one"
    )
    refresh_s: Positive = Field(default=0.5, description="seconds between looks for a new champion")
    queue: Count = Field(default=5000, description="predictions waiting to be stored; more get 503")
    max_batch: Count = Field(default=1000, description="rows in one request; more get 422")
    api_key: Text | None = Field(
        default=None, repr=False, description="a key with all roles; see also `homeostat key`"
    )
    models: Names = Field(
        default=(), description="other models of the store, served under /models/<name>"
    )
    max_body_bytes: Count = Field(default=2**20, description="of one request; more get 413")
    max_connections: Count = Field(default=500, description="at a time; more get 503")
    tls_certificate: Path | None = Field(
        default=None, description="file of the certificate, PEM; then only HTTPS is spoken"
    )
    tls_key: Path | None = Field(default=None, description="file of its private key, PEM")
    behind_proxy: bool = Field(
        default=False, description="whether a proxy before the service ends TLS"
    )
    open_metrics: bool = Field(default=False, description="whether /metrics needs no key")
    predict_paths: PredictPaths = Field(
        default=(), description="paths that answer as /predict does, such as /predict_ctr"
    )
