import json
import math
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from homeostat.errors import Unavailable
from homeostat.reports.files import report_paths, write_reports
from tests.shell.reports.made import AT


def everything(folder: Path) -> list[str]:
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_files_are_where_people_expect_them(tmp_path: Path) -> None:
    paths = report_paths(tmp_path, AT)

    written = write_reports(paths, result={"a": 1}, summary={"b": 2}, report="<p>é")

    assert everything(tmp_path) == [
        "metrics/monitoring_results/monitoring_20260304_123005.json",
        "reports/drift_reports/drift_report_20260304_123005.html",
        "reports/drift_reports/drift_summary_20260304_123005.json",
    ]
    assert set(written) == {paths.monitoring, paths.drift_summary, paths.drift_report}
    assert json.loads(paths.monitoring.read_text()) == {"a": 1}
    assert json.loads((tmp_path / paths.summary_reference).read_text()) == {"b": 2}
    assert paths.drift_report.read_text(encoding="utf-8") == "<p>é"


def test_names_are_in_utc_whatever_the_zone(tmp_path: Path) -> None:
    local = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=5)))

    assert report_paths(tmp_path, local).monitoring.name == "monitoring_20251231_193000.json"


def test_a_run_without_a_drift_report_writes_its_result_only(tmp_path: Path) -> None:
    write_reports(report_paths(tmp_path, AT), result={})

    assert everything(tmp_path) == ["metrics/monitoring_results/monitoring_20260304_123005.json"]


def test_what_strict_json_cannot_hold_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    paths = report_paths(tmp_path, AT)
    write_reports(paths, result={"a": 1})

    with pytest.raises(ValueError, match="JSON compliant"):
        write_reports(paths, result={"a": math.nan})

    assert json.loads(paths.monitoring.read_text()) == {"a": 1}
    assert len(everything(tmp_path)) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("a file where a folder should be")

    with pytest.raises(Unavailable, match=r"monitoring_20260304_123005\.json could not be written"):
        write_reports(report_paths(tmp_path, AT), result={})
