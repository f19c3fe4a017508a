"""Project: the parts of one model, put together from its settings."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uuid_utils

from homeostat.cli.alerting import build_rules, build_sender
from homeostat.cli.logs import configure_logs
from homeostat.cli.settings import Settings, load_settings

if TYPE_CHECKING:
    from homeostat.actions import Actor
    from homeostat.alerting import Alerting
    from homeostat.assessment import Assessor
    from homeostat.baseline import Baseline
    from homeostat.candidate import Harvest
    from homeostat.estimation import Estimation
    from homeostat.loop import Loop
    from homeostat.monitor import Monitor
    from homeostat.policy import DriftPolicy
    from homeostat.registry import Tracker
    from homeostat.replay import Bench
    from homeostat.schema import Schema
    from homeostat.sending import Sender
    from homeostat.store import Store
    from homeostat.training import Recipe, Workshop

__all__ = ["Project", "drift_policy", "new_id", "open_project"]


def new_id() -> str:
    """A UUIDv7: ids in the order of their making."""
    return str(uuid_utils.uuid7())


def drift_policy(settings: Settings) -> "DriftPolicy":
    """When a difference is a drift, as the settings say."""
    from homeostat.policy import DriftPolicy

    monitoring, drift = settings.monitoring, settings.drift
    return DriftPolicy(
        false_alarms_per_week=drift.false_alarms_per_week,
        interval_s=monitoring.interval_s,
        min_rows=monitoring.min_rows,
        seasonal_weeks=drift.seasonal_weeks,
        warning_effect=drift.warning_threshold,
        critical_effect=drift.critical_threshold,
    )


@contextmanager
def open_project(config: Path) -> "Iterator[Project]":
    """The project that `config` describes, with its store open."""
    from homeostat.store import open_store

    settings = load_settings(config, os.environ)
    configure_logs(settings.log_level)
    store = open_store(settings.store.url)
    try:
        yield Project(settings=settings, store=store)
    finally:
        store.close()


@dataclass(frozen=True, kw_only=True)
class Project:
    """One model with everything that acts on it."""

    settings: Settings
    store: "Store"

    @property
    def model(self) -> str:
        """Its name."""
        return self.settings.model

    @cached_property
    def schema(self) -> "Schema":
        """What its rows are."""
        return self.settings.schema()

    @cached_property
    def tracker(self) -> "Tracker":
        """Its mirror in MLflow."""
        from homeostat.registry import open_tracker

        mlflow = self.settings.mlflow
        return open_tracker(
            mlflow.tracking_uri, mlflow.experiment, artifacts=self.settings.artifacts.path
        )

    @cached_property
    def baseline(self) -> "Baseline":
        """The file it began with, and the frozen reference."""
        from homeostat.baseline import Baseline

        settings = self.settings
        return Baseline(
            store=self.store,
            model=self.model,
            schema=self.schema,
            data=settings.data.path,
            folder=settings.reference.path,
            time_column=settings.time,
        )

    @cached_property
    def actor(self) -> "Actor":
        """What changes its champion."""
        from homeostat.actions import Actor

        return Actor(
            store=self.store,
            model=self.model,
            artifacts=self.settings.artifacts.path,
            tracker=self.tracker,
            new_id=new_id,
        )

    @cached_property
    def workshop(self) -> "Workshop":
        """What makes its versions."""
        from homeostat.training import Workshop

        return Workshop(
            store=self.store,
            model=self.model,
            artifacts=self.settings.artifacts.path,
            tracker=self.tracker,
        )

    def recipe(self, *, algorithm: str | None = None, origin: str = "manual") -> "Recipe":
        """How its versions are made."""
        from homeostat.training import Recipe

        training = self.settings.training
        return Recipe(algorithm=algorithm or training.algorithm, seed=training.seed, origin=origin)

    @cached_property
    def monitor(self) -> "Monitor":
        """What looks at it."""
        from homeostat.monitor import Monitor, WatchPolicy
        from homeostat.quality import QualityPolicy

        monitoring = self.settings.monitoring
        policy = WatchPolicy(
            drift=drift_policy(self.settings),
            quality=QualityPolicy(min_rows=monitoring.min_rows),
            patience=self.settings.drift.patience,
            lookback=timedelta(hours=monitoring.lookback_h),
        )
        return Monitor(
            store=self.store,
            model=self.model,
            tracker=self.tracker,
            policy=policy,
            folder=monitoring.path,
            shown=self.settings.reports.path / "drift_reports",
            assessor=self.assessor,
            estimation=self.estimation,
        )

    @cached_property
    def assessor(self) -> "Assessor":
        """What tells how good its answers were."""
        from homeostat.assessment import Assessor
        from homeostat.cli.settings_quality import assessment_policy

        return Assessor(
            store=self.store,
            model=self.model,
            features=self.schema.names,
            policy=assessment_policy(self.settings.quality, self.settings.divisions()),
        )

    @cached_property
    def estimation(self) -> "Estimation":
        """What estimates its quality before labels come."""
        from homeostat.estimated import JUDGED, EstimatePolicy
        from homeostat.estimation import Estimation

        quality = self.settings.quality
        return Estimation(
            store=self.store,
            model=self.model,
            labelled=self.bench.reference,
            policy=EstimatePolicy(
                at_least={name: one for name, one in quality.limits.items() if name in JUDGED},
                fall=quality.degradation_threshold,
                min_rows=self.settings.monitoring.min_rows,
            ),
        )

    @cached_property
    def bench(self) -> "Bench":
        """What puts two of its versions side by side."""
        from homeostat.replay import Bench

        return Bench(
            store=self.store,
            model=self.model,
            artifacts=self.settings.artifacts.path,
            segments=self.settings.divisions(),
            baseline=self.baseline,
        )

    @cached_property
    def harvest(self) -> "Harvest":
        """What collects the rows for a candidate."""
        from homeostat.candidate import Harvest, HarvestPolicy

        training = self.settings.training
        policy = HarvestPolicy(
            lookback=timedelta(days=training.lookback_days),
            min_rows=training.min_rows,
            min_positives=training.min_positives,
            original_share=training.original_share,
            seed=training.seed,
        )
        return Harvest(store=self.store, model=self.model, baseline=self.baseline, policy=policy)

    @cached_property
    def alerting(self) -> "Alerting":
        """What makes alerts of verdicts."""
        from homeostat.alerting import Alerting

        return Alerting(
            store=self.store,
            model=self.model,
            rules=build_rules(self.settings.alerts, drift_policy(self.settings)),
            new_id=new_id,
        )

    def sender(self, clock: Callable[[], datetime]) -> "Sender":
        """What delivers its alerts; UserError when a channel cannot be used as it is set."""
        return build_sender(self.settings.alerts, self.alerting, clock)

    @cached_property
    def loop(self) -> "Loop":
        """What keeps it healthy."""
        from homeostat.loop import HealingPolicy, Loop
        from homeostat.plan import RestPolicy
        from homeostat.quality import AftermathPolicy

        settings = self.settings
        policy = HealingPolicy(
            gates=self._gate_options(),
            rest=RestPolicy(rest=timedelta(hours=settings.training.rest_h)),
            recipe=self.recipe(origin="loop"),
            candidate_limit=timedelta(days=settings.gates.candidate_days),
            verification=timedelta(days=settings.verification.days),
            aftermath=AftermathPolicy(min_rows=settings.verification.min_rows),
        )
        return Loop(
            store=self.store,
            model=self.model,
            monitor=self.monitor,
            actor=self.actor,
            harvest=self.harvest,
            workshop=self.workshop,
            bench=self.bench,
            alerting=self.alerting,
            policy=policy,
        )

    def _gate_options(self) -> dict[str, dict[str, Any]]:
        gates = self.settings.gates
        return {
            "min_rows": {"at_least": gates.min_rows},
            "label_coverage": {"at_least": gates.min_coverage},
            "improvement": {"at_least_pct": gates.min_f1_improvement_pct},
            "calibration": {"at_most": gates.max_brier_degradation},
            "segments": {"at_most_pct": gates.max_segment_f1_drop_pct},
            "cooldown": {"at_least": timedelta(days=gates.cooldown_days)},
        }
