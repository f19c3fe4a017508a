"""`homeostat compare`: whether two data sets differ, column by column."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import ValidationError
from rich.markup import escape
from typer import Argument, Exit, Option

from homeostat.cli.options import EXIT, AsJson, outcome_text, print_json, say, show_table
from homeostat.cli.settings import DriftSettings, load_settings
from homeostat.cli.settings_errors import problems_of
from homeostat.cli.settings_source import variable
from homeostat.errors import UserError

# numpy and polars come with them, which the help should not wait for.
if TYPE_CHECKING:
    from homeostat.comparison import Comparison, GroupedComparison
    from homeostat.policy import DriftPolicy
    from homeostat.schema import Schema

__all__ = ["compare", "show_comparison", "show_groups"]

NAMED = 12  #: columns without a change that are named


def compare(
    reference: Annotated[
        str, Argument(metavar="REF", help="What is normal: a .csv or .parquet file, or a folder.")
    ],
    current: Annotated[str, Argument(metavar="CUR", help="What is compared with it.")],
    *,
    schema: Annotated[
        Path | None,
        Option(help="What the columns are: settings, or a JSON schema; else as found."),
    ] = None,
    by: Annotated[
        str | None, Option(help="Compare each value, or each period, of this column of CUR.")
    ] = None,
    alpha: Annotated[
        float, Option(min=1e-12, max=0.05, help="Chance of a false alarm, all columns together.")
    ] = 0.001,
    joint: Annotated[
        bool, Option("--joint", help="Ask a classifier to tell the rows apart, too.")
    ] = False,
    html: Annotated[Path | None, Option(help="Write a report for people to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the rows of CUR with those of REF, column by column.

    Exits with 0 when nothing changed, 1 when something did, 3 when it cannot be told, 2 when
    a file or an option cannot be used.
    """
    from homeostat import comparison
    from homeostat.reports import replacing

    if by is not None and joint:
        raise UserError("--joint looks at all rows at once; leave it out with --by")
    features, thresholds = _given(schema, os.environ)
    policy = _policy(alpha, thresholds)
    found: Comparison | GroupedComparison
    if by is None:
        found = comparison.compare(reference, current, features, policy, joint=joint)
    else:
        found = comparison.compare_by(reference, current, by, features, policy)
    if html is not None:
        with replacing(html) as file:
            file.write(found.to_html(title=f"{Path(reference).name} and {Path(current).name}"))
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)
        if html is not None:
            say(f"[dim]{escape(str(html))}[/]")
    raise Exit(EXIT[found.outcome])


def show_comparison(found: "Comparison") -> None:
    """Print a comparison for people: what changed first, then what cannot be told."""
    from homeostat.reports.html.sentences import could_see, seen

    say(f"{outcome_text(found.outcome.value)}  {escape(_headline(found))}")
    rows = []
    for name in found.changed:
        one = found.features[name]
        sides = (found.reference.feature(name), found.current.feature(name))
        told = seen(one.finding, *sides)
        first = (name, "FAIL", _severity(one.severity))
        rows += [(*(first if not i else ("",) * 3), *line) for i, line in enumerate(told)]
    rows += [(name, "INCONCLUSIVE", "", why, "") for name, why in found.untold.items()]
    if rows:
        show_table(("column", "outcome", "severity", "seen", "counts from"), rows)
    together = found.together
    if together is not None and together.main is not None:
        outcome = outcome_text(together.outcome.value)
        say(f"all columns together: {outcome}  {escape(together.reason)}")
    if found.given_away_by:
        given = ", ".join(f"{name} ({loss:.2f})" for name, loss in found.given_away_by.items())
        say(f"  given away by, in AUC: {escape(given)}")
    quiet = [one for one in found.features.values() if one.outcome.value == "PASS"]
    if quiet:
        say(f"no change: {escape(_named([one.name for one in quiet]))}")
        sight = could_see(one.finding for one in quiet)
        say(f"[dim]  would have been seen in each: {escape(sight)}[/]")
    for name, why in found.left_out.items():
        say(f"[dim]left out: {escape(name)} ({escape(why)})[/]")


def show_groups(found: "GroupedComparison") -> None:
    """Print one line for each group."""
    say(f"{outcome_text(found.outcome.value)}  {escape(found.reason)}")
    rows = []
    for name, one in found.groups.items():
        what = _named(one.changed) or _unknown(one)
        rows.append((name, f"{one.current.n:,}", one.outcome.value, _severity(one.severity), what))
    show_table((found.by, "rows", "outcome", "severity", "what changed most"), rows)
    for name, why in found.untold.items():
        say(f"[yellow]cannot be told:[/] {escape(name)} ({escape(why)})")
    for name, why in found.left_out.items():
        say(f"[dim]left out: {escape(name)} ({escape(why)})[/]")


def _show(found: "Comparison | GroupedComparison") -> None:
    from homeostat.comparison import Comparison

    if isinstance(found, Comparison):
        show_comparison(found)
    else:
        show_groups(found)


def _headline(found: "Comparison") -> str:
    """How many columns changed, or why that cannot be told."""
    if not (found.changed or found.outcome.value == "PASS"):
        return found.reason
    parts = [f"{len(found.changed)} of {len(found.features)} columns changed"]
    parts += [f"{len(found.untold)} cannot be told"] if found.untold else []
    before, now = found.rows or (0, 0)
    rows = f"{now:,} rows against {before:,}"
    return f"{', '.join(parts)}; {rows}, chance of a false alarm {found.policy.alpha:g}"


def _severity(severity: str) -> str:
    return "" if severity == "none" else severity


def _unknown(found: "Comparison") -> str:
    """Why a group cannot be told; nothing when it can."""
    if not found.untold or min(found.rows or (0, 0)) < found.policy.min_rows:
        return found.reason if found.outcome.value != "PASS" else ""
    name, why = next(iter(found.untold.items()))
    return f"{name}: {why}"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _given(path: Path | None, environ: Mapping[str, str]) -> "tuple[Schema | None, DriftSettings]":
    """The schema in a file, and the thresholds of severity there or in the environment."""
    if path is not None and path.suffix.lower() in {".yaml", ".yml"}:
        settings = load_settings(path, environ)
        return settings.schema(), settings.drift
    return (None if path is None else _json_schema(path)), _thresholds(environ)


def _json_schema(path: Path) -> "Schema":
    from homeostat.schema import Schema

    try:
        return Schema.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        message = (
            f"{path} holds no schema ({error}); give homeostat.yaml, or what Schema.to_dict gives"
        )
        raise UserError(message) from error


def _thresholds(environ: Mapping[str, str]) -> DriftSettings:
    keys = ("warning_threshold", "critical_threshold")
    names = {key: variable(("drift", key)) for key in keys}
    given = {key: environ[name] for key, name in names.items() if environ.get(name)}
    try:
        return DriftSettings.model_validate(given)
    except ValidationError as error:
        sources: dict[tuple[str, ...], str] = {(key,): name for key, name in names.items()}
        problems = problems_of(error, DriftSettings, sources)
        raise UserError("the environment cannot be used", problems) from error


def _policy(alpha: float, drift: DriftSettings) -> "DriftPolicy":
    from homeostat.policy import DriftPolicy

    return replace(
        DriftPolicy.once(alpha),
        warning_effect=drift.warning_threshold,
        critical_effect=drift.critical_threshold,
    )
