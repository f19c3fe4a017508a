"""`homeostat estimate`: the quality to be expected, before the labels come."""

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
from homeostat.errors import NotFound, UserError

if TYPE_CHECKING:
    from datetime import datetime

    from homeostat.blend import Coverage
    from homeostat.estimation import Outlook
    from homeostat.stream import Cut, Streamed
    from homeostat.verdict import Verdict

__all__ = ["estimate"]


def estimate(
    config: Config = Path("homeostat.yaml"),
    *,
    data: Annotated[
        Path | None,
        Option(help="Estimate every window of this file instead: .csv or .parquet."),
    ] = None,
    time: Annotated[str | None, Option(help="Its column of the time.")] = None,
    score: Annotated[
        str | None, Option(help="Its column of the probability of the positive class.")
    ] = None,
    label: Annotated[
        str | None, Option(help="Its column of what turned out to be true; empty: not yet known.")
    ] = None,
    positive: Annotated[str, Option(help="The label of the positive class.")] = "1",
    threshold: Annotated[
        float, Option(min=0, max=1, help="Score from which on it is predicted.")
    ] = 0.5,
    reference: Annotated[int, Option(min=1, help="Labelled rows to learn from, the first.")] = 5000,
    rows: Annotated[int, Option(min=1, help="Rows of a window.")] = 1000,
    lag: Annotated[int, Option(min=1, help="Windows until the labels of one are there.")] = 1,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Estimate accuracy, precision, recall, F1, ROC AUC, Brier score and log loss without labels.

    Of the newest window of the model in service; with --data of every window of a file.
    Exits with 0 when what is expected suffices, 1 when it is too low, 3 when it cannot be told.
    """
    if data is None:
        raise Exit(_of_model(config, moment(as_of), as_json=as_json))
    from homeostat.dataset import ScoredColumns, read_scored
    from homeostat.stream import Cut, streamed

    given = {"--time": time, "--score": score, "--label": label}
    if time is None or score is None or label is None:
        lacking = [f"{name}: missing" for name, value in given.items() if value is None]
        raise UserError("--data needs the names of its columns", lacking)
    columns = ScoredColumns(time=time, score=score, label=label, positive=positive)
    cut = Cut(reference=reference, rows=rows, lag=lag, threshold=threshold)
    found = streamed(read_scored(data, columns), cut)
    if as_json:
        print_json(found.to_dict())
    else:
        _show_stream(found, cut)
    raise Exit(EXIT[found.verdict.outcome])


def _of_model(config: Path, at: "datetime", *, as_json: bool) -> int:
    """The exit code, once what is expected of the model in service is told."""
    with open_project(config) as project:
        outlook = _outlook(project, at)
    if as_json:
        print_json(_plain(outlook))
    else:
        _show(outlook)
    return EXIT[outlook.verdict.outcome]


def _outlook(project: Project, at: "datetime") -> "Outlook":
    """What is expected of the window that ends at `at`."""
    store, model = project.store, project.model
    deployment = store.deployment(model)
    if deployment is None or deployment.champion is None:
        message = f"no version of {model!r} is in service; promote one first"
        raise NotFound(message)
    version = store.version(model, deployment.champion)
    bins = store.reference(model, version.reference_digest).bins
    lookback = project.monitor.policy.lookback
    window = store.window_profile(model, version.number, bins, at - lookback, at)
    return project.estimation.outlook(version, window, lookback=lookback, at=at)


def _plain(outlook: "Outlook") -> dict[str, Any]:
    return {
        "at": outlook.at.isoformat(),
        "model_version": outlook.version,
        "verdict": outlook.verdict.to_dict(),
        "metrics": {
            name: {
                "expected": one.value,
                "interval": list(one.interval),
                "reference": outlook.reference[name],
            }
            for name, one in outlook.blended.items()
        },
        "past": [
            {
                "at": one.at.isoformat(),
                "window": [one.since.isoformat(), one.until.isoformat()],
                "rows": one.n,
                "combined": {
                    name: {"expected": value, "interval": [low, high]}
                    for name, (value, low, high) in one.combined.items()
                },
                "labels": None
                if one.scored is None
                else {
                    "at": one.scored.at.isoformat(),
                    "rows": one.scored.n,
                    "seen": dict(one.scored.seen),
                },
            }
            for one in outlook.past
        ],
    }


def _show(outlook: "Outlook") -> None:
    from homeostat.blend import BLEND

    say(f"[bold]{outlook.at:%Y-%m-%d %H:%M} UTC[/]  version {outlook.version}")
    _show_verdict(outlook.verdict)
    rows = [
        (
            name,
            f"{one.value:.4f}",
            "{:.4f} to {:.4f}".format(*one.interval),
            f"{outlook.reference[name]:.4f}",
            _tested(one.coverage[BLEND]),
        )
        for name, one in outlook.blended.items()
    ]
    if rows:
        show_table(("metric", "expected", "95 % interval", "reference", "interval held"), rows)


def _tested(seen: "Coverage") -> str:
    return f"{seen.covered} of {seen.windows}" if seen.windows else "not tested yet"


def _show_verdict(verdict: "Verdict") -> None:
    say(f"  estimate  {outcome_text(verdict.outcome.value)}  {escape(verdict.reason)}")


def _show_stream(found: "Streamed", cut: "Cut") -> None:
    n = len(found.steps)
    say(f"{n} windows of {cut.rows:,} rows, labels {cut.lag} later; the newest window:")
    _show_verdict(found.verdict)
    if found.unlabelled:
        say(f"  {found.unlabelled:,} rows without a label among labelled ones were left out")
    errors = {name: found.errors(name) for name in found.reference}
    methods = list(dict.fromkeys(one for each in errors.values() for one in each))
    rows = [
        (name, *(f"{each[one]:.4f}" for one in methods), "{} of {}".format(*found.covered(name)))
        for name, each in errors.items()
        if each
    ]
    if rows:
        say("mean absolute error over the windows whose labels came:")
        show_table(("metric", *methods, "interval held"), rows)
