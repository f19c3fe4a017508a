"""The pages of the statistics, gates and trainers."""

import dataclasses
import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from homeostat.battery import EFFECTS
from homeostat.estimators import ESTIMATORS
from homeostat.gates import GATES
from homeostat.statistics import STATISTICS
from homeostat.trainers import TRAINERS
from scripts.reference import Lines, field_comments, first_line, table

__all__ = ["GATE_SETTINGS", "estimators", "gates", "statistics", "trainers"]

#: The setting behind an option of a gate; `tests/docs/test_reference.py` proves each.
GATE_SETTINGS: Mapping[tuple[str, str], str] = {
    ("calibration", "at_most"): "gates.max_brier_degradation",
    ("cooldown", "at_least"): "gates.cooldown_days",
    ("improvement", "at_least_pct"): "gates.min_f1_improvement_pct",
    ("label_coverage", "at_least"): "gates.min_coverage",
    ("min_rows", "at_least"): "gates.min_rows",
    ("segments", "at_most_pct"): "gates.max_segment_f1_drop_pct",
}


def statistics() -> Lines:
    """Every statistic, and which of them decide."""
    yield "# Statistics\n"
    yield (
        "Two profiles of one feature in, one distance out.  A statistic judges nothing: what is "
        "large enough to matter, and how the questions are corrected for their number, is "
        "explained under [judging](../explanation/judging.md).  One with no effect that matters is "
        "reported only.\n"
    )
    rows = [(f"[{n}](#{n})", f"{EFFECTS[n]:g}" if n in EFFECTS else "–") for n in STATISTICS]
    yield table(("statistic", "effect that matters"), rows)
    for name, make in STATISTICS.items():
        yield f"## {name}\n"
        yield markdown(inspect.getdoc(make) or "")
        rows = [
            (word, first_line(getattr(make, method)))
            for word, method in (
                ("asked", "applies"),
                ("distance", "distance"),
                ("detectable", "detectable"),
            )
        ]
        yield table(("", ""), rows)


def gates() -> Lines:
    """Every gate with its options."""
    yield "# Gates\n"
    yield (
        "Questions that a candidate must answer before it is put into service.  All are asked "
        "each time, and only when all PASS it is promoted.  Too little data is INCONCLUSIVE: the "
        "candidate waits, at most `gates.candidate_days`.  The evidence is explained under "
        "[healing](../explanation/healing.md).\n"
    )
    for name, make in GATES.items():
        module = inspect.getmodule(make)
        yield f"## {name}\n"
        yield f"*{inspect.getdoc(module)}*\n"
        yield markdown(inspect.getdoc(make) or "")
        yield f"{inspect.getdoc(make.judge)}\n"  # type: ignore[attr-defined]
        yield table(("option", "default", "meaning", "setting"), gate_options(name, make))


def gate_options(name: str, make: Any) -> list[Sequence[str]]:
    """The rows for the options of a gate."""
    said = field_comments(make)
    return [
        (
            f"`{one.name}`",
            f"`{plain_span(one.default)}`",
            said.get(one.name, ""),
            f"`{GATE_SETTINGS[name, one.name]}`" if (name, one.name) in GATE_SETTINGS else "",
        )
        for one in dataclasses.fields(make)
    ]


def trainers() -> Lines:
    """Every trainer with its options."""
    yield "# Trainers\n"
    yield (
        "What `training.algorithm` and `homeostat model train --algorithm` may name.  Each is "
        "fitted on the oldest 60 % of the rows, calibrated on the next 20 % and judged on the "
        "newest 20 %, where the threshold with the highest F1 is taken too.\n"
    )
    for name, trainer in TRAINERS.items():
        yield f"## {name}\n"
        yield markdown(inspect.getdoc(type(trainer)) or "")
        yield f"{first_line(trainer.fit)}\n"
        said = field_comments(type(trainer))
        rows = [
            (f"`{one.name}`", f"`{one.default}`", said.get(one.name, ""))
            for one in dataclasses.fields(trainer)  # type: ignore[arg-type]
        ]
        yield table(("parameter", "value", "meaning"), rows)


def estimators() -> Lines:
    """Every estimator with its options."""
    yield "# Estimators\n"
    yield (
        "What labels are expected to say before they come.  How late labels are put together with "
        "it, and what it cannot see, is explained under "
        "[quality before the labels come](../explanation/estimates.md).\n"
    )
    for name, make in ESTIMATORS.items():
        yield f"## {name}\n"
        yield f"*{inspect.getdoc(inspect.getmodule(make))}*\n"
        yield markdown(inspect.getdoc(make) or "")
        said = field_comments(cast("type", make))
        rows = [
            (
                f"`{one.name}`",
                "" if one.default is dataclasses.MISSING else f"`{one.default}`",
                said.get(one.name, ""),
            )
            for one in dataclasses.fields(make)  # type: ignore[arg-type]
        ]
        yield table(("option", "default", "meaning"), rows)


def plain_span(value: Any) -> str:
    """A default, spans of time in days."""
    return f"{value / timedelta(days=1):g} days" if isinstance(value, timedelta) else f"{value}"


def markdown(docstring: str) -> str:
    """A NumPy docstring as Markdown, without its examples."""
    text = re.sub(r"\nExamples\n-+\n(.|\n)*\Z", "\n", docstring)
    text = re.sub(r"^\.\. math:: ((?:.+\n?)(?: {6,}.+\n?)*)", _formula, text, flags=re.MULTILINE)
    text = re.sub(r"^(\w+)\n-{3,}$", r"**\1**\n", text, flags=re.MULTILINE)
    return f"{text.strip()}\n"


def _formula(found: re.Match[str]) -> str:
    lines = " ".join(found[1].split())
    return f"```math\n{lines}\n```\n"
