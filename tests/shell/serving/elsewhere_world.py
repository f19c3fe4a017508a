"""The project of the document: its four features, a frozen baseline, and no model of ours."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from fastapi import FastAPI

from homeostat.cli.project import Project
from homeostat.cli.serve import build_services
from homeostat.cli.settings import Settings, load_settings
from homeostat.serving.app import create_app
from homeostat.serving.services import Services
from homeostat.store import Store

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
MODEL = "churn"
PRODUCTS = ("basic", "premium", "standard")

#: homeostat.yaml
CONFIG: dict[str, Any] = {
    "model": MODEL,
    "target": {"column": "churned"},
    "features": {
        "age": {"kind": "integer", "minimum": 18, "maximum": 120},
        "income": {"kind": "number", "minimum": 0},
        "tenure_months": {"kind": "integer", "minimum": 0},
        "product_category": {"kind": "category", "categories": PRODUCTS},
    },
    "data": {"path": "rows.csv"},
    "mlflow": {"tracking_uri": ""},
    "reference": {"share": 0.5},
}

#: The body of the document, word for word.
DOCUMENTED = """{
    "features": {
      "age": 35,
      "income": 50000,
      "tenure_months": 24,
      "product_category": "premium"
    },
    "model_version": "v1.2.0",
    "timestamp": "2023-05-29T10:30:00Z"
  }"""


def customers(n: int, seed: int, *, income: float = 1.0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": random.integers(20, 70, n),
            "income": income * random.lognormal(10.8, 0.4, n),
            "tenure_months": random.integers(0, 72, n),
            "product_category": random.choice(PRODUCTS, n),
        }
    )


def reports(n: int, seed: int, *, version: str = "v1.2.0", income: float = 1.0) -> list[Any]:
    """Rows as they are reported."""
    rows = customers(n, seed, income=income).iter_rows(named=True)
    return [{"features": row, "model_version": version} for row in rows]


def write_project(folder: Path) -> Settings:
    """A project with its file of rows; nothing is frozen yet."""
    rows = customers(4000, 0)
    churned = np.random.default_rng(1).integers(0, 2, len(rows))
    rows.with_columns(pl.Series("churned", churned)).write_csv(folder / "rows.csv")
    (folder / "homeostat.yaml").write_text(json.dumps(CONFIG))
    return load_settings(folder / "homeostat.yaml", {})


class Drifting:
    """A service that takes in rows, with clocks that stand still until they are set."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.now = NOW
        self.seconds = 0.0  #: of the monotonic clock
        self.services = self.started()

    def started(self) -> Services:
        """The services as after a restart."""
        services = build_services(self.settings, self.store, lambda: self.now)
        elsewhere = services.default.elsewhere
        elsewhere.monotonic = lambda: self.seconds
        elsewhere.judging._monotonic = lambda: self.seconds
        self.services = services
        return services

    def freeze(self) -> None:
        project = Project(settings=self.settings, store=self.store)
        project.baseline.freeze(share=self.settings.reference.share, now=NOW)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def app(self, **options: Any) -> FastAPI:
        return create_app(self.services, **{"refresh_s": 3600.0, **options})

    @asynccontextmanager
    async def asking(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the running service."""
        app = self.app(**options)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        ):
            yield client
