# ruff: noqa: S101 (a check asserts)
"""What every gate must do.

Run each check on a gate of your own; it raises AssertionError where the gate fails:

```
@pytest.mark.parametrize("check", list(gate_checks()), ids=lambda c: c.__name__)
def test_gate(check):
    check(MyGate())
```
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from homeostat.gates import Evidence, Gate
from homeostat.metrics.auc import RankingQuality
from homeostat.metrics.confusion import Confusion, PairedConfusion
from homeostat.metrics.paired_loss import PairedLoss
from homeostat.verdict import Outcome, Verdict

__all__ = ["gate_checks", "good_evidence", "odd_evidence"]

Check = Callable[[Gate], None]

NOW = datetime(2026, 3, 1, tzinfo=UTC)

#: Questions that need no row to be answered with PASS: nothing was promoted before, no
#: segment is declared, no evaluated row was trained on.
ASK_FOR_NO_ROWS = frozenset({"cooldown", "segments", "unseen_rows"})


def gate_checks() -> Iterator[Check]:
    """The checks, each named after what must hold."""
    yield check_a_better_candidate_passes
    yield check_it_can_say_no
    yield check_nothing_known_is_no_good_news
    yield check_bad_news_is_a_verdict
    yield check_it_always_asks_the_same_question
    yield check_reasons_hold_the_numbers
    yield check_equal_evidence_has_equal_answers


def good_evidence(n: int = 4_000, *, seed: int = 0) -> Evidence:
    """A candidate that is clearly better, on rows that neither model was trained on."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.2).astype(np.int64)
    champion = _scores(random, labels, 0.8)
    candidate = _scores(random, labels, 2.5)
    answers = (champion >= 0.4).astype(np.int64), (candidate >= 0.4).astype(np.int64)
    paired = PairedConfusion.of(labels, *answers)
    safest = np.argsort(candidate)[: n // 5]
    safe = Confusion.of(labels[safest], answers[1][safest])
    return Evidence(
        now=NOW,
        last_promoted_at=NOW - timedelta(days=90),
        due=n,
        paired=paired,
        brier=PairedLoss.brier(labels, champion, candidate),
        segments={"old customers": paired, "new customers": paired},
        safest=safe,
        safest_golden=safe,
        golden_champion=RankingQuality.of(labels, champion),
        golden_candidate=RankingQuality.of(labels, candidate),
    )


def odd_evidence() -> Mapping[str, Evidence]:
    """Evidence that a careless gate stumbles over or takes for good news, by name."""
    good = good_evidence()
    worse = PairedConfusion(_swapped(good.paired.cells))
    ranking = RankingQuality(0.55, 0.01, 4_000)
    return {
        "nothing": Evidence(now=NOW),
        "one row": replace(
            good,
            due=1,
            paired=PairedConfusion((0, 0, 0, 0, 0, 1, 0, 0)),
            brier=PairedLoss(1, -0.1, 0.0),
            safest=Confusion(true_negatives=1),
            safest_golden=Confusion(true_negatives=1),
            golden_champion=RankingQuality(0.5, 0.5, 2),
            golden_candidate=RankingQuality(0.5, 0.5, 2),
            segments={"one": PairedConfusion((0, 0, 0, 0, 0, 1, 0, 0))},
        ),
        "hardly any label": replace(good, due=1_000_000),
        "no positives": replace(good, paired=PairedConfusion((4_000, 0, 0, 0, 0, 0, 0, 0))),
        "two dead models": replace(good, paired=PairedConfusion((3_600, 0, 0, 0, 400, 0, 0, 0))),
        "a dead candidate": replace(good, paired=PairedConfusion((3_600, 0, 0, 0, 0, 0, 400, 0))),
        "a worse candidate": replace(
            good,
            paired=worse,
            brier=replace(good.brier, mean=0.2),
            segments={"old customers": worse},
            golden_candidate=ranking,
        ),
        "a loss that is not a number": replace(
            good, brier=PairedLoss(4_000, float("nan"), float("nan"))
        ),
        "labels at random": replace(
            good, safest=Confusion(false_negatives=400, true_negatives=400)
        ),
        "promoted an hour ago": replace(good, last_promoted_at=NOW - timedelta(hours=1)),
        "promoted tomorrow": replace(good, last_promoted_at=NOW + timedelta(days=1)),
        "trained on a row of it": replace(good, shared_rows=1),
    }


def check_a_better_candidate_passes(gate: Gate) -> None:
    """A candidate with which nothing is wrong gets through."""
    verdict = gate.judge(good_evidence())

    assert verdict.outcome is Outcome.PASS, f"{verdict.question}: {verdict.reason}"


def check_it_can_say_no(gate: Gate) -> None:
    """Of all that can be wrong at least one thing keeps a candidate out."""
    answers = {name: gate.judge(evidence).outcome for name, evidence in odd_evidence().items()}

    assert set(answers.values()) != {Outcome.PASS}, f"it passes all of: {', '.join(answers)}"


def check_nothing_known_is_no_good_news(gate: Gate) -> None:
    """Without a row there is no PASS, but to a question that asks for no rows."""
    verdict = gate.judge(Evidence(now=NOW))

    assert verdict.outcome is not Outcome.PASS or verdict.question in ASK_FOR_NO_ROWS, (
        f"{verdict.question} passes on no evidence: {verdict.reason}"
    )


def check_bad_news_is_a_verdict(gate: Gate) -> None:
    """Whatever the evidence: no exception, and a verdict that is strict JSON."""
    for name, evidence in odd_evidence().items():
        try:
            verdict = gate.judge(evidence)
        except (ArithmeticError, ValueError, TypeError, LookupError, RuntimeWarning) as error:
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
        text = json.dumps(verdict.to_dict())

        assert isinstance(verdict.outcome, Outcome), f"{name}: {verdict.outcome!r}"
        assert Verdict.from_dict(json.loads(text)) == verdict, f"{name}: {text} reads otherwise"
        assert "NaN" not in text, f"{name}: {text}"
        assert "Infinity" not in text, f"{name}: {text}"


def check_it_always_asks_the_same_question(gate: Gate) -> None:
    """One gate, one question, whatever the answer."""
    questions = {gate.judge(evidence).question for evidence in odd_evidence().values()}

    assert len(questions) == 1, f"it asks {sorted(questions)}"
    assert questions != {""}, "its question has no name"


def check_reasons_hold_the_numbers(gate: Gate) -> None:
    """The reason says what was seen: with other evidence it is another, and it has a number."""
    odd = odd_evidence()
    reasons = {gate.judge(evidence).reason for evidence in odd.values()}
    verdict = gate.judge(good_evidence())

    assert any(sign.isdigit() for sign in verdict.reason), f"no number in {verdict.reason!r}"
    assert len(reasons) > 1, f"it says {reasons} to everything"


def check_equal_evidence_has_equal_answers(gate: Gate) -> None:
    """The answer depends on the evidence alone, and leaves it as it was."""
    for name, evidence in odd_evidence().items():
        copy = deepcopy(evidence)
        first, second = gate.judge(evidence), gate.judge(evidence)

        assert first == second, f"{name}: {first.reason!r}, then {second.reason!r}"
        assert repr(evidence) == repr(copy), f"{name}: the evidence was changed"


def _scores(
    random: np.random.Generator, labels: NDArray[np.int64], skill: float
) -> NDArray[np.float64]:
    """Probabilities of a model that is right, whose classes lie `skill` deviations apart."""
    x = random.normal(size=len(labels)) + skill * labels
    odds = np.exp(skill * x - skill**2 / 2) * 0.2 / 0.8
    scores: NDArray[np.float64] = odds / (1 + odds)
    return scores


def _swapped(cells: tuple[int, ...]) -> tuple[int, ...]:
    """The counts with champion and candidate in each other's place."""
    return tuple(cells[i] for i in (0, 2, 1, 3, 4, 6, 5, 7))
