import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.verdict import Measurement, Outcome, Verdict, worst
from tests.core.made import NOW

FINITE = st.floats(allow_nan=False, allow_infinity=False)
MEASUREMENTS = st.builds(
    Measurement,
    subject=st.text(),
    statistic=st.text(),
    value=FINITE,
    p_value=st.none() | st.floats(0, 1),
    effect=FINITE,
    asked=st.none() | FINITE,
    minimum_detectable_effect=st.none() | FINITE,
    n_reference=st.integers(0),
    n_current=st.integers(0),
    drifted=st.booleans(),
)
VERDICTS = st.builds(
    Verdict,
    question=st.text(),
    outcome=st.sampled_from(Outcome),
    reason=st.text(),
    measurements=st.lists(MEASUREMENTS, max_size=3).map(tuple),
    details=st.dictionaries(st.text(), st.integers() | st.lists(st.text())),
    window=st.none() | st.just((NOW, NOW)),
)


@given(VERDICTS)
def test_a_verdict_survives_json(verdict: Verdict) -> None:
    text = json.dumps(verdict.to_dict(), allow_nan=False)

    assert Verdict.from_dict(json.loads(text)) == verdict


@pytest.mark.parametrize(
    ("outcomes", "answer"),
    [
        ("", "INCONCLUSIVE"),
        ("PASS PASS", "PASS"),
        ("PASS INCONCLUSIVE", "INCONCLUSIVE"),
        ("INCONCLUSIVE ERROR PASS", "ERROR"),
        ("ERROR FAIL INCONCLUSIVE", "FAIL"),
    ],
)
def test_the_worst_of_several(outcomes: str, answer: str) -> None:
    assert worst([Outcome(one) for one in outcomes.split()]) is Outcome(answer)


@given(st.lists(st.sampled_from(Outcome)))
def test_only_passes_pass(outcomes: list[Outcome]) -> None:
    all_pass = bool(outcomes) and set(outcomes) == {Outcome.PASS}

    assert (worst(outcomes) is Outcome.PASS) == all_pass
