from dataclasses import replace

import numpy as np
import pytest

from homeostat.decision import decide_promotion
from homeostat.errors import StateError
from homeostat.gates import Evidence, build_gates
from homeostat.replay import Bench
from homeostat.schema import Segment
from homeostat.verdict import Outcome
from tests.shell.project import CENTS, CHANGED, DAY, HOUR, MODEL, QUIET, Town, in_cents


def evidence(town: Town, bench: Bench | None = None) -> Evidence:
    return (bench or town.project.bench).evidence(1, 2, last_promoted_at=None, now=town.now)


def test_both_versions_are_scored_on_labelled_rows_that_neither_has_learnt(
    candidate: Town,
) -> None:
    version = candidate.project.store.version(MODEL, 2)
    assert version.trained_until is not None

    seen = evidence(candidate)

    held = candidate.project.store.labelled(
        MODEL, since=version.trained_until, until=candidate.now, as_of=candidate.now
    )
    newer = [one for one in held if one.prediction.received_at > version.trained_until]
    assert seen.rows == len(newer) > 200
    assert seen.paired.positives == sum(one.label.value for one in newer)
    assert seen.shared_rows == 0
    assert seen.now == candidate.now


def test_the_answers_are_those_of_the_models(candidate: Town) -> None:
    bench = candidate.project.bench
    version = candidate.project.store.version(MODEL, 2)
    assert version.trained_until is not None
    held = [
        one
        for one in candidate.project.store.labelled(
            MODEL, since=version.trained_until, until=candidate.now, as_of=candidate.now
        )
        if one.prediction.received_at > version.trained_until
    ]
    y = np.array([one.label.value for one in held])
    p, q = (
        bench.scorer(n).probabilities([one.prediction.features for one in held]) for n in (1, 2)
    )

    seen = evidence(candidate)

    difference = np.mean((y - q) ** 2) - np.mean((y - p) ** 2)
    found = (q >= version.threshold) & (y == 1)
    assert seen.brier.mean == pytest.approx(difference)
    assert seen.paired.candidate.true_positives == found.sum()


def test_rows_without_a_label_count_as_due(candidate: Town) -> None:
    before = evidence(candidate)
    for _, labels in candidate.due:
        candidate.project.store.add_labels(labels[::2])
    candidate.now = max(when for when, _ in candidate.due)

    after = evidence(candidate)

    assert before.due == before.rows
    assert after.rows < after.due <= 2 * after.rows


def test_labels_that_came_in_later_do_not_count_earlier(candidate: Town) -> None:
    candidate.live(CHANGED, 8, every=100)
    now = candidate.now

    later = evidence(candidate)
    earlier = candidate.project.bench.evidence(1, 2, last_promoted_at=None, now=now - 8 * HOUR)

    assert later.rows == earlier.rows + 8 * candidate.rows_per_hour


def test_segments_are_parts_of_the_same_rows(candidate: Town) -> None:
    bench = replace(
        candidate.project.bench,
        segments=(Segment(column="job"), Segment(column="age", edges=(40, 60))),
    )

    seen = evidence(candidate, bench)

    jobs = {name: one.n for name, one in seen.segments.items() if name.startswith("job")}
    ages = {name: one.n for name, one in seen.segments.items() if name.startswith("age")}
    assert set(jobs) == {"job clerk", "job cook", "job pilot", "job missing"}
    assert set(ages) == {"age [-inf, 40)", "age [40, 60)", "age [60, inf)"}
    assert sum(jobs.values()) == sum(ages.values()) == seen.rows


def test_the_golden_rows_are_asked_too(candidate: Town) -> None:
    seen = evidence(candidate)

    assert seen.golden_champion is not None
    assert seen.golden_candidate is not None
    assert seen.golden_champion.n == seen.golden_candidate.n == 600
    assert seen.golden_champion.auc > seen.golden_candidate.auc > 0.65


def test_without_labels_there_is_evidence_for_nothing(two: Town) -> None:
    seen = evidence(two)

    outcome, _ = decide_promotion(build_gates({}), seen)
    assert (seen.rows, seen.due, seen.safest) == (0, 0, None)
    assert outcome is Outcome.INCONCLUSIVE


def test_rows_of_a_broken_feed_prove_nothing(candidate: Town) -> None:
    before = evidence(candidate).rows
    monitor = candidate.loop.monitor
    for _ in range(12):
        candidate.serve(CENTS, candidate.rows_per_hour)
        candidate.pass_time(HOUR)
        monitor.observe(at=candidate.now)
    for _ in range(48):
        candidate.serve(CHANGED, candidate.rows_per_hour)
        candidate.pass_time(HOUR)
    held = candidate.project.store.labelled(
        MODEL, since=candidate.now - 30 * DAY, until=candidate.now, as_of=candidate.now
    )
    broken = sum(in_cents(one.prediction.features) for one in held)

    seen = evidence(candidate)

    assert broken > 400
    assert before < seen.rows <= len(held) - broken
    assert seen.due == seen.rows


def test_a_damaged_version_is_no_evidence(two: Town) -> None:
    version = two.project.store.version(MODEL, 2)
    (two.project.settings.artifacts.path / version.location / "version.json").write_text("{}")

    with pytest.raises(StateError, match=r"version\.json"):
        evidence(two)


def test_an_equal_model_is_not_promoted(two: Town) -> None:
    """The same rows, another algorithm: no improvement, so the gates say no."""
    two.live(QUIET, 48)

    outcome, verdicts = decide_promotion(build_gates({}), evidence(two))

    answers = {one.question: one.outcome for one in verdicts}
    assert outcome is Outcome.FAIL
    assert answers["improvement"] is Outcome.FAIL
    assert answers["min_rows"] is answers["label_coverage"] is Outcome.PASS
