"""What became of the stories, read from the store of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.demo.rehearsal import Rehearsal
from homeostat.demo.stories import Chapters, Span, Story
from homeostat.diagnosis import Cause
from homeostat.loop import Turn
from homeostat.metrics.confusion import Confusion
from homeostat.store import KnownLabels, Store
from homeostat.verdict import Outcome

__all__ = ["Told", "measured_f1", "told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One story as it went."""

    summary: dict[str, Any]  #: as in demo/summary.json
    problems: tuple[str, ...]  #: where it went another way than it must


def measured_f1(store: Store, model: str, span: Span) -> float | None:
    """F1 of the answers given in `span`, by the labels in the store; None without labels."""
    known = KnownLabels(as_of=span.as_of)
    held = store.scored_labels(model, since=span.since, until=span.until, known=known)
    if not held.values:
        return None
    labels = np.array(held.values, dtype=np.int64)
    answers = np.array(held.predictions, dtype=np.int64)
    return round(Confusion.of(labels, answers).f1, 4)


def told(story: Story, scene: Rehearsal, chapters: Chapters, folder: Path) -> Told:
    """The summary of a story, and what is not as it must be."""
    store, model = scene.project.store, scene.project.model
    decisions = list(reversed(store.decisions(model)))
    deployment = store.deployment(model)
    turn = _telling_turn(scene.turns)
    reports = sorted((folder / "monitoring/reports/drift_reports").glob("*.html"))
    summary = {
        "name": story.name,
        "drift_outcome": turn.observation.confirmed_drift.outcome.value,
        "diagnosis": turn.diagnosis.cause.value,
        "diagnosis_reason": turn.diagnosis.reason,
        "decisions": [
            {
                "id": one.id,
                "action": one.action.value,
                "outcome": one.outcome.value,
                "decided_at": one.decided_at.isoformat(),
                "decided_by": one.decided_by,
                "reasons": list(one.reasons),
            }
            for one in decisions
        ],
        "alerts": [
            {"key": one.key, "reason": one.reason} for one in store.alerts(model, open_only=False)
        ],
        "champion_before": 1,
        "champion_after": deployment.champion if deployment else None,
        "f1_before": measured_f1(store, model, chapters.before),
        "f1_during": measured_f1(store, model, chapters.during),
        "f1_after": measured_f1(store, model, chapters.after),
        "predictions": store.count_predictions(model),
        "requests": scene.requests,
        "failed_requests": scene.failed_requests,
        "folder": folder.as_posix(),
        "report": _report_of(turn, reports),
    }
    return Told(summary=summary, problems=tuple(_problems(story, summary)))


def _telling_turn(turns: list[Turn]) -> Turn:
    """The turn that says most: a failed promotion, a confirmed drift, or else the last."""
    for turn in turns:
        if turn.diagnosis.cause is Cause.BAD_VERSION:
            return turn
    for turn in turns:
        if turn.observation.confirmed_drift.outcome is Outcome.FAIL:
            return turn
    return turns[-1]


def _report_of(turn: Turn, reports: list[Path]) -> str | None:
    stamp = f"{turn.observation.at:%Y%m%d_%H%M%S}"
    return next((path.as_posix() for path in reports if stamp in path.name), None)


def _problems(story: Story, summary: dict[str, Any]) -> list[str]:
    by_loop = [one["action"] for one in summary["decisions"] if one["decided_by"] == "loop"]
    asked: dict[str, tuple[Any, Any]] = {
        "drift_outcome": (summary["drift_outcome"], story.drift_outcome.value),
        "actions of the loop": (by_loop, [one.value for one in story.actions]),
        "champion_after": (summary["champion_after"], story.champion_after),
        "failed_requests": (summary["failed_requests"], 0),
    }
    found = [
        f"{story.name}: {name} is {seen}, {must} expected"
        for name, (seen, must) in asked.items()
        if seen != must
    ]
    causes = {one.value for one in story.diagnosis}
    if summary["diagnosis"] not in causes:
        found.append(f"{story.name}: diagnosis is {summary['diagnosis']}, expected {causes}")
    if summary["report"] is None:
        found.append(f"{story.name}: there is no report of the turn that tells most")
    return found
