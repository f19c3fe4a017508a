"""Where the reports of a run go, and how they get there."""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from homeostat.reports import replacing, utc

__all__ = [
    "ReportPaths",
    "report_paths",
    "stamped",
    "write_json",
    "write_reports",
    "write_text",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPaths:
    """The files of one run."""

    monitoring: Path
    drift_summary: Path
    drift_report: Path

    @property
    def summary_reference(self) -> str:
        """The drift summary as the monitoring result names it: from the monitoring folder."""
        return "/".join(self.drift_summary.parts[-3:])


def report_paths(folder: Path, at: datetime) -> ReportPaths:
    """The files of a run at the time `at` under the monitoring `folder`.

    The names hold the time in UTC to the second: a run that is repeated for the same time
    takes the place of the first.

    Examples
    --------
    >>> from datetime import UTC
    >>> paths = report_paths(Path("monitoring"), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    >>> paths.monitoring.as_posix()
    'monitoring/metrics/monitoring_results/monitoring_20260102_030405.json'
    >>> paths.summary_reference
    'reports/drift_reports/drift_summary_20260102_030405.json'
    """
    stamp = stamped(at)
    drift = folder / "reports" / "drift_reports"
    return ReportPaths(
        monitoring=folder / "metrics" / "monitoring_results" / f"monitoring_{stamp}.json",
        drift_summary=drift / f"drift_summary_{stamp}.json",
        drift_report=drift / f"drift_report_{stamp}.html",
    )


def stamped(at: datetime) -> str:
    """The time as it stands in the names of files: UTC, to the second."""
    return f"{utc(at):%Y%m%d_%H%M%S}"


def write_text(path: Path, text: str) -> Path:
    """The path, where a file with this text stands now; Unavailable when it cannot."""
    with replacing(path) as file:
        file.write(text)
    return path


def write_json(path: Path, plain: Mapping[str, Any]) -> Path:
    """The path, where a file with this JSON stands now; Unavailable when it cannot."""
    return write_text(path, _json(plain))


def write_reports(
    paths: ReportPaths,
    *,
    result: Mapping[str, Any],
    summary: Mapping[str, Any] | None = None,
    report: str | None = None,
    also: Path | None = None,
) -> list[Path]:
    """The files written, each of them whole; the result last, as it names the summary.

    Parameters
    ----------
    also
        A folder that shows the drift summary and report too, under the same names: they are
        linked where the file system can, so they are made and take room once.

    Raises
    ------
    Unavailable
        When a file cannot be written.
    ValueError
        When `result` or `summary` holds what strict JSON cannot; its file stays as it was.
    """
    texts = {
        paths.drift_report: report,
        paths.drift_summary: None if summary is None else _json(summary),
        paths.monitoring: _json(result),
    }
    written = []
    for path, text in texts.items():
        if text is not None:
            written.append(write_text(path, text))
            if also is not None and path is not paths.monitoring:
                _show(path, also / path.name, text)
    return written


def _show(path: Path, shown: Path, text: str) -> None:
    """Make a written file be found in a second place; a copy where it cannot be linked."""
    with contextlib.suppress(OSError):
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.unlink(missing_ok=True)
        os.link(path, shown)
        return
    write_text(shown, text)


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"
