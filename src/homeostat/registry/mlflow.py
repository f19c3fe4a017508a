"""What happened, mirrored into MLflow for people to look at.  Nothing is read back from it.

Versions in MLflow are counted by MLflow; which of them is version 7 of ours stands in the tag
`homeostat.version`, and what it must consist of in `homeostat.digest`.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from homeostat.access import without_passwords
from homeostat.errors import NotFound, Unavailable
from homeostat.version import Version

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

__all__ = ["MlflowTracker", "NoTracker", "Tracker", "open_tracker"]

ALIAS = "champion"
NUMBER = "homeostat.version"  #: tag of a registered version: its number with us
DIGEST = "homeostat.digest"  #: tag of a registered version: sha256 of its manifest
LOCATION = "homeostat.location"  #: tag of a registered version: its folder under the root
KIND = "homeostat.kind"  #: tag of a run: "training" or "monitoring"

#: Set before MLflow is first imported, unless the user has set them.  By its own defaults it
#: asks the internet for a telemetry configuration, tries for minutes to reach a server, and
#: prints among what our commands print.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

_NOT_IN_A_KEY = re.compile(r"[^\w./ -]", re.ASCII)


class Tracker(Protocol):
    """Where trainings, measurements and the champion are mirrored to."""

    def log_training(
        self, version: Version, params: Mapping[str, object], metrics: Mapping[str, float]
    ) -> None:
        """Record a new version; a second time for the same one has no effect."""
        ...

    def log_monitoring(self, result_metrics: Mapping[str, float], *, at: datetime) -> None:
        """Record measurements as of `at`; the same ones a second time have no effect."""
        ...

    def mirror_champion(self, model: str, number: int | None) -> bool:
        """True when the mirror did not show this version as champion, and now does."""
        ...


@dataclass(frozen=True, slots=True)
class NoTracker:
    """Mirrors nothing: for those who do without MLflow."""

    def log_training(
        self, version: Version, params: Mapping[str, object], metrics: Mapping[str, float]
    ) -> None:
        """Nothing."""

    def log_monitoring(self, result_metrics: Mapping[str, float], *, at: datetime) -> None:
        """Nothing."""

    def mirror_champion(self, model: str, number: int | None) -> bool:
        """False: there is no mirror that could differ."""
        return False


def open_tracker(uri: str, experiment: str, *, artifacts: Path) -> Tracker:
    """The mirror at a tracking URI; none at all when that is empty."""
    return MlflowTracker(uri, experiment, artifacts=artifacts) if uri else NoTracker()


@dataclass(frozen=True)
class MlflowTracker:
    """A mirror in MLflow.  Every method raises Unavailable when MLflow does not answer.

    Nothing is imported or connected before the first call.

    Parameters
    ----------
    uri
        Of a database, such as ``sqlite:///mlflow.db``, or of a server, ``http://...``.
    experiment
        Its name; made when it is not there.
    artifacts
        The artefact root, which the location of a version is relative to.
    """

    uri: str
    experiment: str
    artifacts: Path = Path("models")
    _clients: list["MlflowClient"] = field(default_factory=list, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def log_training(
        self, version: Version, params: Mapping[str, object], metrics: Mapping[str, float]
    ) -> None:
        """A finished run and a registered version; nothing where they are there already.

        Raises
        ------
        Unavailable
            When MLflow does not answer.
        """
        with self._client() as client:
            if _registered(client, version.model, version.number) is not None:
                return
            run = self._training_run(client, version, params, metrics)
            _make_model(client, version.model)
            client.create_model_version(
                version.model,
                source=self._source(version, run),
                run_id=run.info.run_id,
                tags={
                    NUMBER: str(version.number),
                    DIGEST: version.digest,
                    LOCATION: version.location,
                },
            )

    def log_monitoring(self, result_metrics: Mapping[str, float], *, at: datetime) -> None:
        """One point for each metric, in one run for all monitoring of the experiment.

        A value that is not finite is left out: it is no measurement.

        Raises
        ------
        Unavailable
            When MLflow does not answer.
        """
        with self._client() as client:
            run_id = self._monitoring_run(client)
            points = _points(result_metrics, at)
            for i in range(0, len(points), 1000):  # as many as MLflow takes at a time
                client.log_batch(run_id, metrics=points[i : i + 1000])

    def mirror_champion(self, model: str, number: int | None) -> bool:
        """True when the alias `champion` had to be set, moved or, for None, removed.

        Raises
        ------
        NotFound
            When MLflow has no such version: `log_training` could not record it then, and can
            now.
        Unavailable
            When MLflow does not answer.
        """
        with self._client() as client:
            shown = _alias(client, model)
            if number is None:
                if shown is not None:
                    client.delete_registered_model_alias(model, ALIAS)
                return shown is not None
            wanted = _registered(client, model, number)
            if wanted is None:
                raise NotFound(f"MLflow has no version {number} of {model!r}; log it again")
            # MLflow gives numbers or text, by the kind of its store.
            if shown == str(wanted.version):
                return False
            client.set_registered_model_alias(model, ALIAS, str(wanted.version))
            return True

    @contextmanager
    def _client(self) -> Iterator["MlflowClient"]:
        """The one client of this mirror; what goes wrong with it becomes Unavailable."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._lock:
                if not self._clients:
                    self._clients.append(MlflowClient(self.uri, self.uri))
            yield self._clients[0]
        except (MlflowException, SQLAlchemyError, OSError) as error:
            cause = without_passwords(str(error).partition("\n")[0])[:300]
            raise Unavailable(f"MLflow did not do it: {cause}") from error

    def _experiment(self, client: "MlflowClient") -> str:
        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            return str(client.create_experiment(self.experiment))
        return str(found.experiment_id)

    def _training_run(
        self,
        client: "MlflowClient",
        version: Version,
        params: Mapping[str, object],
        metrics: Mapping[str, float],
    ) -> "Run":
        from mlflow.entities import Param

        tags = {KIND: "training", NUMBER: str(version.number), DIGEST: version.digest}
        name = f"{version.model} {version.number}"
        run = client.create_run(self._experiment(client), tags=tags, run_name=name)
        client.log_batch(
            run.info.run_id,
            metrics=_points(metrics, version.created_at),
            params=[Param(_key(key), str(value)[:6000]) for key, value in params.items()],
        )
        client.set_terminated(run.info.run_id)
        return run

    def _monitoring_run(self, client: "MlflowClient") -> str:
        experiment = self._experiment(client)
        asked = f"tags.`{KIND}` = 'monitoring'"
        oldest = client.search_runs([experiment], asked, max_results=1, order_by=["start_time"])
        if oldest:
            return str(oldest[0].info.run_id)
        tags = {KIND: "monitoring"}
        return str(client.create_run(experiment, tags=tags, run_name="monitoring").info.run_id)

    def _source(self, version: Version, run: "Run") -> str:
        """The artefact's folder; a server refuses those, there it is a place in the run."""
        if self.uri.startswith(("http://", "https://")):
            return f"{run.info.artifact_uri}/model"
        return (self.artifacts.resolve() / version.location).as_uri()


def _make_model(client: "MlflowClient", model: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _registered(client: "MlflowClient", model: str, number: int) -> "ModelVersion | None":
    """The oldest version in MLflow that carries our number."""
    asked = f"name = '{model}' and tags.`{NUMBER}` = '{number}'"
    found = client.search_model_versions(asked, max_results=1, order_by=["version_number ASC"])
    return found[0] if found else None


def _alias(client: "MlflowClient", model: str) -> str | None:
    """The version in MLflow that the alias is on."""
    from mlflow.exceptions import MlflowException

    try:
        aliases = client.get_registered_model(model).aliases
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    version = aliases.get(ALIAS)
    return None if version is None else str(version)


def _points(metrics: Mapping[str, float], at: datetime) -> list["Metric"]:
    from mlflow.entities import Metric

    seconds = int(at.timestamp())
    return [
        Metric(_key(name), float(value), seconds * 1000, seconds)
        for name, value in metrics.items()
        if math.isfinite(value)
    ]


def _key(name: str) -> str:
    """A name that MLflow takes: at most 250 of the characters that it knows."""
    return _NOT_IN_A_KEY.sub("_", name)[:250]
