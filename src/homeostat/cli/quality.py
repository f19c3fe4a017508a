"""How good the answers were, by their labels: of the model, or of any labelled file."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.markup import escape
from typer import Exit, Option

from homeostat.cli.options import (
    EXIT,
    AsJson,
    AsOf,
    Config,
    moment,
    outcome_text,
    print_json,
    say,
    show_table,
)
from homeostat.cli.project import Project, open_project
from homeostat.cli.quality_file import FileColumns, file_quality
from homeostat.errors import NotFound, UserError
from homeostat.schema import Task

if TYPE_CHECKING:
    from homeostat.assessment import Assessment
    from homeostat.cohort import Labelled

__all__ = ["quality"]

#: What --by takes besides features.
VERSION, DAY, WEEK = "version", "day", "week"

#: Shown of each part.
SHORT = ("accuracy", "precision", "recall", "f1", "roc_auc", "brier", "positive_rate")


def quality(
    *,
    config: Config = Path("homeostat.yaml"),
    version: Annotated[
        int | None, Option(min=1, help="Of this version [default: that in service then].")
    ] = None,
    window: Annotated[
        float | None, Option(help="Days of predictions [default: quality.lookback_days].")
    ] = None,
    by: Annotated[
        str | None, Option(help="In parts by a feature, or by version, day or week.")
    ] = None,
    data: Annotated[
        Path | None, Option(help="Of a labelled .csv or .parquet file; needs no settings.")
    ] = None,
    label: Annotated[str | None, Option(help="Column of --data with the labels.")] = None,
    score: Annotated[
        list[str] | None,
        Option(help="Column of --data with the scores; CLASS=COLUMN for each of many classes."),
    ] = None,
    prediction: Annotated[
        str | None, Option(help="Column of --data with the answers [default: by --threshold].")
    ] = None,
    task: Annotated[Task, Option(help="What the model of --data does.")] = Task.BINARY,
    positive: Annotated[str, Option(help="The class of --data that --score is of.")] = "1",
    threshold: Annotated[float, Option(help="Score of --data that makes a positive.")] = 0.5,
    quantile: Annotated[
        float, Option(help="That the numbers of --prediction stand for, in a regression.")
    ] = 0.5,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """How good the answers were, by their labels, with confidence intervals.

    Without --data of the model of the settings: its limits and its frozen reference are
    asked, and it exits with 0 when all is well, 1 when not, 3 when it cannot be told.
    Nothing is written down.
    """
    if data is not None:
        columns = FileColumns(
            label=label,
            scores=tuple(score or ()),
            prediction=prediction,
            positive=positive,
            threshold=threshold,
            quantile=quantile,
        )
        told = file_quality(data, columns, task, by=by)
        if as_json:
            print_json(told)
        else:
            say(f"[bold]{escape(str(data))}[/]  {told['rows']:,} labelled rows")
            _show_metrics(told["metrics"])
            _show_parts(told["by"])
        return
    if label or score or prediction:
        raise UserError("--label, --score and --prediction are columns of a file; give --data")
    if window is not None and not window > 0:
        raise UserError(f"--window {window:g}: give a number of days above 0")
    with open_project(config) as project:
        found, parts = _assessed(project, version, window, by, at=moment(as_of))
    plain = found.to_dict()
    if by is not None:
        plain["by"] = parts
    if as_json:
        print_json(plain)
    else:
        _show(found, plain, parts)
    raise Exit(_exit_code(found))


def _assessed(
    project: Project, number: int | None, window: float | None, by: str | None, *, at: datetime
) -> "tuple[Assessment, dict[str, Any]]":
    from homeostat.assessment import champion_at
    from homeostat.monitor import clean_windows

    store, assessor = project.store, project.assessor
    length = assessor.policy.lookback if window is None else timedelta(days=window)
    windows = clean_windows(store, project.model, since=at - length, until=at, as_of=at)
    number = number or champion_at(store, project.model, at)
    if number is None:
        raise NotFound(f"no version of {project.model!r} was in service at {at:%Y-%m-%d %H:%M} UTC")
    version = store.version(project.model, number)
    found = assessor.assess(version, windows, at=at)
    if by is None:
        return found, {}
    labelled = assessor.labelled(None if by == VERSION else version, windows, at=at)
    return found, _by(project, labelled, by)


def _by(project: Project, labelled: "Labelled", by: str) -> dict[str, Any]:
    from homeostat.assessment import figure_dict
    from homeostat.reports import strict

    parts = project.assessor.by_part(labelled, _names(project, labelled, by))
    plain: dict[str, Any] = strict(
        {
            part: {name: figure_dict(one) for name, one in figures.items()}
            for part, figures in parts.items()
        }
    )
    return plain


def _names(project: Project, labelled: "Labelled", by: str) -> list[str]:
    """The part that each labelled row belongs to."""
    from homeostat.extension import did_you_mean
    from homeostat.weakness import group_rows

    features = project.schema.names
    if by not in features:
        if by == VERSION:
            return [f"version {one}" for one in labelled.versions.tolist()]
        if by == DAY:
            return [f"{one:%Y-%m-%d}" for one in labelled.received()]
        if by == WEEK:
            return [f"{one:%G-W%V}" for one in labelled.received()]
        near = did_you_mean(by, [*features, VERSION, DAY, WEEK])
        raise NotFound(f"--by {by}: no such feature; {near}")
    rows = project.store.performance.rows(labelled.ids)
    for segment in project.settings.divisions():
        if segment.column == by:
            return [segment.part(row) for row in rows]
    groups = group_rows(rows, [by])
    if by not in groups:
        return [by] * len(rows)
    codes, names = groups[by]
    return [names[code] for code in codes.tolist()]


def _exit_code(found: "Assessment") -> int:
    from homeostat.verdict import Outcome, worst

    if found.verdicts:
        return EXIT[worst([one.outcome for one in found.verdicts])]
    return EXIT[Outcome.PASS if found.cohort.labelled else Outcome.INCONCLUSIVE]


def _show(found: "Assessment", plain: dict[str, Any], parts: dict[str, Any]) -> None:
    cohort = found.cohort
    say(f"[bold]{found.at:%Y-%m-%d %H:%M} UTC[/]  version {found.version}")
    if cohort.coverage is None or cohort.maturity is None:
        say(f"  no labelled prediction; {cohort.predictions + cohort.left_out:,} wait for theirs")
    else:
        say(
            f"  {cohort.labelled:,} of {cohort.predictions:,} predictions have a label "
            f"({cohort.coverage:.1%}; {cohort.maturity:.1%} of those that come have come); worth "
            f"{cohort.worth_rows:,.0f} rows of equal weight"
        )
        say(f"  {cohort.left_out:,} younger than {cohort.counted_from_days:.3g} days do not count")
    for verdict in found.verdicts:
        outcome = outcome_text(verdict.outcome.value)
        say(f"  {verdict.question:<11} {outcome}  {escape(verdict.reason)}")
    _show_metrics(plain["metrics"])
    _show_parts({**plain["segments"], **parts})


def _show_metrics(metrics: dict[str, Any]) -> None:
    from homeostat.standards import METRIC_NAMES

    show_table(
        ("figure", "value", "from", "to", "rows", "interval"),
        [
            (
                METRIC_NAMES.get(name, name),
                _cell(one["value"]),
                _cell(one["lower"]),
                _cell(one["upper"]),
                f"{one['n']:,}",
                one["method"],
            )
            for name, one in metrics.items()
        ],
    )


def _show_parts(parts: dict[str, Any]) -> None:
    if not parts:
        return
    shown = [name for name in SHORT if any(name in one for one in parts.values())]
    shown = shown or list(next(iter(parts.values())))
    show_table(
        ("part", "rows", *shown),
        [
            (part, f"{max(one['n'] for one in figures.values()):,}", *_row(figures, shown))
            for part, figures in parts.items()
        ],
    )


def _row(figures: dict[str, Any], shown: list[str]) -> list[str]:
    return [
        f"{_cell(figures[name]['value'])} ({_cell(figures[name]['lower'])} to "
        f"{_cell(figures[name]['upper'])})"
        if figures[name]["value"] is not None
        else "unknown"
        for name in shown
    ]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
