from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from homeostat.candidate import Harvest, HarvestPolicy
from homeostat.errors import NotFound, UserError
from homeostat.prediction import Label
from homeostat.registry import encode
from homeostat.schema import Kind, Schema
from homeostat.verdict import Outcome
from tests.shell.project import CENTS, DAY, HOUR, MODEL, QUIET, START, Town, in_cents

LABELLED = 960  #: of the two days in `quiet`, one


def harvest(town: Town, **policy: object) -> Harvest:
    few = {"min_rows": 100, "min_positives": 10, "original_share": 0.3, "holdout": 0.4, **policy}
    return replace(town.project.harvest, policy=HarvestPolicy(**few))  # type: ignore[arg-type]


def test_what_is_there_and_what_is_asked_are_told(quiet: Town) -> None:
    verdict = harvest(quiet, min_rows=1000).ready(onset=None, now=quiet.now)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.reason.startswith("960 labelled rows so far, 1,000 asked; 3")
    assert verdict.reason.endswith("of the rarer class, 10 asked")


def test_enough_rows_without_enough_of_the_rarer_class_are_not_enough(quiet: Town) -> None:
    of_either = [
        harvest(quiet, min_positives=n).ready(onset=None, now=quiet.now) for n in (300, 400)
    ]

    assert [one.outcome for one in of_either] == [Outcome.PASS, Outcome.INCONCLUSIVE]


def test_the_rarer_class_may_be_the_negative_one(quiet: Town) -> None:
    stored = quiet.project.store.predictions(MODEL, since=START, until=quiet.now)
    quiet.project.store.add_labels(
        [Label(prediction_id=one.id, value=1, received_at=quiet.now) for one in stored]
    )

    verdict = harvest(quiet).ready(onset=None, now=quiet.now)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "0 of the rarer class" in verdict.reason


def test_a_label_counts_from_when_it_came_in(quiet: Town) -> None:
    before = harvest(quiet).ready(onset=None, now=quiet.now - HOUR)

    assert before.reason.startswith("920 labelled rows")


def test_rows_from_before_the_change_are_left_out(quiet: Town) -> None:
    onset = START + 20 * HOUR

    verdict = harvest(quiet).ready(onset=onset, now=quiet.now)
    rows = harvest(quiet).rows(onset=onset, now=quiet.now)

    oldest = min(quiet.project.store.prediction(key).received_at for key in rows.ids)  # type: ignore[union-attr]
    assert verdict.reason.startswith("160 labelled rows since 2026-03-02 20:00 UTC")
    assert oldest == onset


def test_rows_from_before_the_lookback_are_left_out(quiet: Town) -> None:
    verdict = harvest(quiet, lookback=timedelta(hours=30)).ready(onset=None, now=quiet.now)

    assert verdict.reason.startswith(f"{6 * 40} labelled rows")


def test_original_rows_come_first_then_served_ones_and_the_newest_are_kept_back(
    quiet: Town,
) -> None:
    rows = harvest(quiet).rows(onset=None, now=quiet.now)

    kept = round(0.6 * LABELLED)
    original = len(rows.y) - kept
    held = quiet.project.store.labelled(MODEL, since=START, until=quiet.now, as_of=quiet.now)
    assert original == round(kept * 0.3 / 0.7)
    assert rows.ids == tuple(one.prediction.id for one in held[:kept])
    assert rows.y[original:].tolist() == [one.label.value for one in held[:kept]]
    np.testing.assert_array_equal(
        rows.x[original:],
        encode(quiet.project.schema, [one.prediction.features for one in held[:kept]]),
    )
    assert rows.until == held[kept - 1].prediction.received_at


def test_original_rows_are_never_those_of_the_reference(quiet: Town) -> None:
    rows = harvest(quiet, original_share=0.9).rows(onset=None, now=quiet.now)

    baseline = quiet.project.baseline
    golden = {tuple(one) for one in encode(baseline.schema, baseline.golden.rows).tolist()}
    original = {tuple(one) for one in rows.x[: -len(rows.ids)].tolist()}
    assert len(original) == 2400  # all there are
    assert not original & golden


def test_the_reference_is_what_was_served_after_the_rows_learnt_from(quiet: Town) -> None:
    rows = harvest(quiet).rows(onset=None, now=quiet.now)

    assert rows.until is not None
    served = quiet.project.store.predictions(MODEL, since=rows.until, until=quiet.now)
    assert list(rows.reference_rows) == [
        one.features for one in served if one.received_at > rows.until
    ]
    assert len(rows.reference_rows) > LABELLED


def test_the_same_rows_have_the_same_fingerprint_and_other_labels_another(quiet: Town) -> None:
    one, same = (harvest(quiet).rows(onset=None, now=quiet.now) for _ in range(2))
    corrected = quiet.project.store.labelled(MODEL, since=START, until=quiet.now)[0]
    value = 1 - corrected.label.value
    quiet.project.store.add_labels([replace(corrected.label, value=value, received_at=quiet.now)])

    other = harvest(quiet).rows(onset=None, now=quiet.now)

    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_without_labels_there_is_nothing_to_learn_from(start: Town) -> None:
    with pytest.raises(UserError, match="POST /labels"):
        harvest(start).rows(onset=None, now=start.now)


def test_without_the_original_file_there_is_no_candidate(quiet: Town) -> None:
    (quiet.folder / "loans.csv").unlink()

    with pytest.raises(NotFound, match=r"loans\.csv"):
        harvest(quiet).rows(onset=None, now=quiet.now)


def test_rows_of_a_broken_feed_are_left_out(quiet: Town) -> None:
    quiet.live(CENTS, 12)
    repaired = quiet.now
    quiet.live(QUIET, 60)

    rows = harvest(quiet).rows(onset=repaired - 12 * HOUR, now=quiet.now)

    store = quiet.project.store
    oldest = min(store.prediction(key).received_at for key in rows.ids)  # type: ignore[union-attr]
    assert oldest >= repaired
    assert not any(in_cents(row) for row in rows.reference_rows)
    assert quiet.now - oldest < 60 * HOUR + DAY


def fewer(town: Town) -> Schema:
    """What a version reads that was made elsewhere, from some of the columns in its own order."""
    known = {one.name: one for one in town.project.schema.features}
    return replace(town.project.schema, features=(known["job"], known["debt"], known["income"]))


def test_a_candidate_reads_what_is_served_and_says_what_is_left_out(quiet: Town) -> None:
    served = fewer(quiet)
    rows = harvest(quiet).rows(onset=None, now=quiet.now, served=served)
    usual = harvest(quiet).rows(onset=None, now=quiet.now)
    names = usual.schema.names

    assert rows.schema == served
    assert rows.source == f"{usual.source}; without 'age', which nobody is asked for"
    np.testing.assert_array_equal(rows.x, usual.x[:, [names.index(one) for one in served.names]])
    assert [one.name for one in rows.bins.features] == list(served.names)


def test_a_column_is_taken_as_the_settings_know_it_unless_it_is_of_another_kind(
    quiet: Town,
) -> None:
    job, debt, income = fewer(quiet).features
    older = replace(job, categories=("clerk",)), replace(debt, kind=Kind.INTEGER), income
    rows = harvest(quiet).rows(
        onset=None, now=quiet.now, served=replace(fewer(quiet), features=older)
    )

    assert rows.schema.features == (job, older[1], income)


def test_a_column_that_only_the_version_in_service_knows_is_named(quiet: Town) -> None:
    served = fewer(quiet)
    height = replace(served.features[1], name="height")
    with pytest.raises(UserError, match=r"loans\.csv is not known to have it") as refused:
        harvest(quiet).rows(
            onset=None, now=quiet.now, served=replace(served, features=(height, *served.features))
        )

    assert len(refused.value.problems) == 1
    assert refused.value.problems[0].startswith("height: ")
