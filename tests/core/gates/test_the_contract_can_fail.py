"""A gate with one fault each, and the check that must find it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from homeostat.gates import Evidence
from homeostat.testing.gate import gate_checks
from homeostat.verdict import Outcome, Verdict

CHECKS = {check.__name__: check for check in gate_checks()}


@dataclass(frozen=True)
class Faulty:
    judge: Callable[[Evidence], Verdict]


def verdict(outcome: Outcome, reason: str = "7 seen, 8 asked", question: str = "own") -> Verdict:
    return Verdict(question=question, outcome=outcome, reason=reason)


def likes_everything(evidence: Evidence) -> Verdict:
    return verdict(Outcome.PASS)


def likes_nothing(evidence: Evidence) -> Verdict:
    return verdict(Outcome.FAIL)


def takes_no_row_for_good_news(evidence: Evidence) -> Verdict:
    fallen = evidence.paired.f1_gain < 0
    return verdict(Outcome.FAIL if fallen else Outcome.PASS)


def divides_by_the_rows(evidence: Evidence) -> Verdict:
    share = evidence.paired.positives / evidence.rows
    return verdict(Outcome.PASS if share > 0.01 else Outcome.FAIL)


def writes_what_json_cannot_hold(evidence: Evidence) -> Verdict:
    details = {"gain": evidence.paired.f1_gain_share}
    return Verdict(question="own", outcome=Outcome.FAIL, reason="1", details=details)


def asks_something_else_without_rows(evidence: Evidence) -> Verdict:
    return verdict(Outcome.FAIL, question="own" if evidence.rows else "rows")


def gives_no_number(evidence: Evidence) -> Verdict:
    return verdict(Outcome.PASS, reason="it looks fine")


def says_the_same_to_everything(evidence: Evidence) -> Verdict:
    return verdict(Outcome.FAIL, reason="fewer than 200 rows")


ASKED: list[Evidence] = []


def remembers(evidence: Evidence) -> Verdict:
    ASKED.append(evidence)
    return verdict(Outcome.PASS if len(ASKED) % 2 else Outcome.FAIL)


def spoils_the_evidence(evidence: Evidence) -> Verdict:
    dict.clear(evidence.segments)  # type: ignore[arg-type]
    return verdict(Outcome.PASS)


@pytest.mark.parametrize(
    ("judge", "name"),
    [
        (likes_everything, "check_it_can_say_no"),
        (likes_nothing, "check_a_better_candidate_passes"),
        (takes_no_row_for_good_news, "check_nothing_known_is_no_good_news"),
        (divides_by_the_rows, "check_bad_news_is_a_verdict"),
        (writes_what_json_cannot_hold, "check_bad_news_is_a_verdict"),
        (asks_something_else_without_rows, "check_it_always_asks_the_same_question"),
        (gives_no_number, "check_reasons_hold_the_numbers"),
        (says_the_same_to_everything, "check_reasons_hold_the_numbers"),
        (remembers, "check_equal_evidence_has_equal_answers"),
        (spoils_the_evidence, "check_equal_evidence_has_equal_answers"),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_fault_is_found(judge: Callable[[Evidence], Verdict], name: str) -> None:
    with pytest.raises(AssertionError):
        CHECKS[name](Faulty(judge))
