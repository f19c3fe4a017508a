import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.decision import SUFFICIENCY, Action, Decision, decide_promotion, evidence_digest
from homeostat.gates import GATES, Evidence, build_gates
from homeostat.testing.gate import good_evidence, odd_evidence
from homeostat.verdict import Outcome, Verdict
from tests.core.made import NOW, said
from tests.core.test_verdict import VERDICTS

PLAIN = Decision(
    id="d1",
    model="credit",
    action=Action.PROMOTE,
    outcome=Outcome.PASS,
    decided_at=NOW,
    decided_by="loop",
    reasons=("better",),
    verdicts=(said(Outcome.PASS, "improvement"), said(Outcome.PASS, "min_rows")),
    version_before=1,
    version_after=2,
    candidate=2,
)


@given(
    verdicts=st.lists(VERDICTS, max_size=3),
    action=st.sampled_from(Action),
    outcome=st.sampled_from(Outcome),
    numbers=st.tuples(*[st.none() | st.integers(1)] * 3),
)
def test_a_decision_survives_json(
    verdicts: list[Verdict],
    action: Action,
    outcome: Outcome,
    numbers: tuple[int | None, int | None, int | None],
) -> None:
    before = replace(
        PLAIN,
        action=action,
        outcome=outcome,
        verdicts=tuple(verdicts),
        version_before=numbers[0],
        version_after=numbers[1],
        candidate=numbers[2],
    )
    plain = json.loads(json.dumps(before.to_dict(), allow_nan=False))

    assert Decision.from_dict(plain) == before
    assert plain["evidence_digest"] == before.evidence_digest


def test_reading_a_decision_leaves_what_was_read_as_it_is() -> None:
    plain = PLAIN.to_dict()
    Decision.from_dict(plain)

    assert plain == PLAIN.to_dict()


def test_equal_evidence_equal_digest() -> None:
    again = replace(PLAIN, id="d2", reasons=("other words",), decided_by="ada")

    assert again.evidence_digest == PLAIN.evidence_digest == evidence_digest(PLAIN.verdicts)


def test_the_order_of_the_details_is_no_evidence() -> None:
    one, other = (
        replace(PLAIN.verdicts[0], details=details)
        for details in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )

    assert evidence_digest([one]) == evidence_digest([other])


@pytest.mark.parametrize(
    "verdicts",
    [
        (),
        PLAIN.verdicts[:1],
        PLAIN.verdicts[::-1],
        (replace(PLAIN.verdicts[0], reason="as seen"), PLAIN.verdicts[1]),
        (replace(PLAIN.verdicts[0], outcome=Outcome.FAIL), PLAIN.verdicts[1]),
        (replace(PLAIN.verdicts[0], details={"n": 1}), PLAIN.verdicts[1]),
        (replace(PLAIN.verdicts[0], window=(NOW, NOW)), PLAIN.verdicts[1]),
    ],
    ids=["none", "fewer", "order", "reason", "outcome", "details", "window"],
)
def test_other_evidence_another_digest(verdicts: tuple[Verdict, ...]) -> None:
    assert evidence_digest(verdicts) != PLAIN.evidence_digest


@dataclass(frozen=True)
class Says:
    question: str
    outcome: Outcome

    def judge(self, evidence: Evidence) -> Verdict:
        return said(self.outcome, self.question)


OUTCOMES = st.sampled_from(Outcome)


@given(
    st.dictionaries(st.sampled_from(["improvement", "calibration", "segments"]), OUTCOMES),
    st.dictionaries(st.sampled_from(sorted(SUFFICIENCY)), OUTCOMES),
)
def test_only_when_every_gate_passes_the_answer_is_pass(
    others: dict[str, Outcome], sufficiency: dict[str, Outcome]
) -> None:
    gates = [Says(name, outcome) for name, outcome in {**others, **sufficiency}.items()]
    outcome, verdicts = decide_promotion(gates, Evidence(now=NOW))
    all_said = {**others, **sufficiency}

    assert (outcome is Outcome.PASS) == (
        bool(all_said) and set(all_said.values()) == {Outcome.PASS}
    )
    assert {one.question: one.outcome for one in verdicts} == all_said


@pytest.mark.parametrize("name", sorted(SUFFICIENCY))
def test_failures_on_too_few_rows_are_not_believed_yet(name: str) -> None:
    gates = [Says("improvement", Outcome.FAIL), Says(name, Outcome.INCONCLUSIVE)]

    assert decide_promotion(gates, Evidence(now=NOW))[0] is Outcome.INCONCLUSIVE


def test_with_rows_enough_a_failure_counts() -> None:
    gates = [
        Says("improvement", Outcome.FAIL),
        *(Says(name, Outcome.PASS) for name in SUFFICIENCY),
        Says("cooldown", Outcome.INCONCLUSIVE),
    ]

    assert decide_promotion(gates, Evidence(now=NOW))[0] is Outcome.FAIL


def test_a_decision_lists_every_reason_at_once() -> None:
    for evidence in (Evidence(now=NOW), good_evidence(), *odd_evidence().values()):
        _, verdicts = decide_promotion(build_gates({}), evidence)

        assert {one.question for one in verdicts} == set(GATES)


def test_no_evidence_promotes_nothing_and_good_evidence_does() -> None:
    gates = build_gates({})

    assert decide_promotion(gates, Evidence(now=NOW))[0] is Outcome.INCONCLUSIVE
    assert decide_promotion(gates, good_evidence())[0] is Outcome.PASS
    for name, evidence in odd_evidence().items():
        assert decide_promotion(gates, evidence)[0] is not Outcome.PASS, name


def test_no_gate_is_no_pass() -> None:
    assert decide_promotion([], good_evidence()) == (Outcome.INCONCLUSIVE, ())
