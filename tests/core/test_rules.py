"""What verdicts of every question become."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from homeostat.alert import Alert, AlertSeverity, AlertType, Answer, Finding
from homeostat.diagnosis import Cause, Diagnosis
from homeostat.errors import UserError
from homeostat.rules import Route, Rule, Rules, answers, error_key
from homeostat.silence import Silence
from homeostat.verdict import Measurement, Outcome, Verdict
from tests.core.made import NOW, said

RULES = Rules()


def measured(subject: str, value: float, asked: float, **more: Any) -> Measurement:
    given = {
        "statistic": subject,
        "value": value,
        "effect": value,
        "asked": asked,
        "n_reference": 1000,
        "n_current": 400,
        "drifted": True,
        **more,
    }
    return Measurement(subject=subject, **given)


def drift(psi: float, *names: str) -> Verdict:
    return Verdict(
        question="drift",
        outcome=Outcome.FAIL,
        reason=f"{len(names)} features changed",
        measurements=tuple(measured(one, psi, 0.1, statistic="psi") for one in names),
        details={"drifted": list(names)},
        window=(NOW - timedelta(days=1), NOW),
    )


def finding(verdict: Verdict, rules: Rules = RULES, found: Diagnosis | None = None) -> Finding:
    [one] = [one for one in answers([verdict], rules, found) if one.finding is not None]
    assert one.outcome is Outcome.FAIL
    assert one.finding is not None
    return one.finding


def outcomes(given: tuple[Answer, ...]) -> dict[str, Outcome]:
    return {one.key: one.outcome for one in given}


# The three alerts of the churn document.


def test_the_drift_of_the_churn_document() -> None:
    told = finding(drift(0.28, "monthly_charges", "tenure"))

    assert (told.kind, told.severity) == (AlertType.DATA_DRIFT, AlertSeverity.HIGH)
    assert told.title == "Drift in monthly_charges, tenure (PSI 0.28)"
    assert told.features == ("monthly_charges", "tenure")
    assert told.facts[0] == "monthly_charges: psi 0.28 seen, 0.1 asked over 400 rows"
    assert (told.rows, told.window) == (400, (NOW - timedelta(days=1), NOW))


def test_the_degradation_of_the_churn_document() -> None:
    verdict = Verdict(
        question="degradation",
        outcome=Outcome.FAIL,
        reason="accuracy 0.79 seen",
        measurements=(measured("accuracy", 0.789, 0.83),),
        details={"reference": {"accuracy": 0.85}},
    )
    told = finding(verdict)

    assert (told.kind, told.severity) == (AlertType.MODEL_DEGRADATION, AlertSeverity.MEDIUM)
    assert told.title == "accuracy degraded by 7.2% (0.85 → 0.789)"


def test_the_breach_of_the_churn_document() -> None:
    verdict = Verdict(
        question="thresholds",
        outcome=Outcome.FAIL,
        reason="recall 0.65 seen, 0.70 asked",
        measurements=(measured("recall", 0.65, 0.70), measured("f1", 0.74, 0.75)),
    )
    told = finding(verdict)

    assert (told.kind, told.severity) == (AlertType.THRESHOLD_BREACH, AlertSeverity.CRITICAL)
    assert told.title == "recall (0.65) is below the minimum of 0.7 and 1 more"
    assert told.facts[0] == "recall: 0.65 seen, 0.7 asked over 400 rows"


# Kinds and urgency.


@pytest.mark.parametrize(
    ("psi", "severity"),
    [
        (0.1, AlertSeverity.MEDIUM),
        (0.2, AlertSeverity.HIGH),
        (0.5, AlertSeverity.CRITICAL),
    ],
)
def test_how_urgent_a_drift_is_follows_from_its_size(psi: float, severity: AlertSeverity) -> None:
    assert finding(drift(psi, "age")).severity is severity


@pytest.mark.parametrize(
    ("question", "kind", "severity"),
    [
        ("quality", AlertType.MODEL_DEGRADATION, AlertSeverity.HIGH),
        ("thresholds", AlertType.THRESHOLD_BREACH, AlertSeverity.HIGH),
        ("degradation", AlertType.MODEL_DEGRADATION, AlertSeverity.MEDIUM),
        ("segments", AlertType.MODEL_DEGRADATION, AlertSeverity.LOW),
        ("estimate", AlertType.MODEL_DEGRADATION, AlertSeverity.MEDIUM),
        ("aftermath", AlertType.MODEL_DEGRADATION, AlertSeverity.HIGH),
        ("canary", AlertType.INFRASTRUCTURE, AlertSeverity.CRITICAL),
        ("liveness", AlertType.INFRASTRUCTURE, AlertSeverity.CRITICAL),
        ("store", AlertType.SYSTEM_ERROR, AlertSeverity.CRITICAL),
        ("channel:slack", AlertType.INFRASTRUCTURE, AlertSeverity.HIGH),
        ("a_plugin's", AlertType.THRESHOLD_BREACH, AlertSeverity.MEDIUM),
    ],
)
def test_every_question_has_a_kind_and_an_urgency(
    question: str, kind: AlertType, severity: AlertSeverity
) -> None:
    told = finding(said(Outcome.FAIL, question))

    assert (told.key, told.kind, told.severity) == (question, kind, severity)
    assert told.title
    assert told.advice


def test_a_broken_feed_is_of_its_own_kind() -> None:
    broken = Diagnosis(
        cause=Cause.DATA_FAULT, reason="age: 90% missing", features=("age",), advice="Repair it."
    )
    told = finding(drift(0.1, "debt", "age"), found=broken)

    assert (told.kind, told.severity) == (AlertType.DATA_QUALITY, AlertSeverity.HIGH)
    assert told.title == "Broken feed: age"
    assert told.features == ("age", "debt")
    assert told.reason.startswith("age: 90% missing")
    assert (told.cause, told.advice) == ("data fault", "Repair it.")


# What cannot be known.


def test_an_error_is_a_finding_of_its_own_and_says_nothing_of_its_question() -> None:
    [error] = answers([said(Outcome.ERROR, "drift")], RULES)

    assert error.finding is not None
    assert (error.key, error.finding.kind) == (error_key("drift"), AlertType.SYSTEM_ERROR)


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE])
def test_whoever_could_look_again_ends_the_error(outcome: Outcome) -> None:
    given = outcomes(answers([said(outcome, "drift")], RULES))

    assert given == {error_key("drift"): Outcome.PASS, "drift": outcome}


# Rules.


def test_a_rule_changes_how_its_question_is_told() -> None:
    rules = Rules(
        runbook="https://wiki.example/{key}",
        rules=(
            Rule(name="r", question="drift", severity=AlertSeverity.LOW, channels=("a",)),
            Rule(name="age", question="drift", subject="age", runbook="https://wiki.example/age"),
            Rule(name="no", question="drift", subject="job", severity=AlertSeverity.CRITICAL),
        ),
    )
    told = finding(drift(0.9, "age"), rules)

    assert (told.severity, told.channels) == (AlertSeverity.LOW, ("a",))
    assert told.runbook == "https://wiki.example/age"
    assert finding(said(Outcome.FAIL, "quality"), rules).runbook == "https://wiki.example/quality"


def test_a_rule_can_switch_a_question_off_but_not_its_errors() -> None:
    rules = Rules(rules=(Rule(name="r", question="drift", enabled=False),))

    assert outcomes(answers([drift(0.9, "age")], rules)) == {"error:drift": Outcome.PASS}
    assert error_key("drift") in outcomes(answers([said(Outcome.ERROR)], rules))


def test_a_bound_of_ones_own_is_an_alert_of_its_own() -> None:
    rule = Rule(name="age-psi", question="drift", subject="age", statistic="psi", above=0.3)
    rules = Rules(rules=(rule,))

    beyond = answers([drift(0.4, "age", "debt")], rules)
    within = answers([drift(0.2, "age")], rules)
    unknown = answers([said(Outcome.INCONCLUSIVE)], rules)

    [told] = [one.finding for one in beyond if one.key == "age-psi"]
    assert told is not None
    assert told.title == "age-psi: age: psi 0.4 is above 0.3"
    assert told.features == ("age",)
    assert outcomes(within)["age-psi"] is Outcome.PASS
    assert "age-psi" not in outcomes(unknown)


def test_a_channel_is_told_what_it_asked_for() -> None:
    told = finding(drift(0.2, "age"))  # HIGH
    route = Route(channel="a")

    assert route.takes(told, told.severity)
    assert not replace(route, min_severity=AlertSeverity.CRITICAL).takes(told, told.severity)
    assert not replace(route, types=frozenset({AlertType.SYSTEM_ERROR})).takes(told, told.severity)
    assert not replace(route, only_named=True).takes(told, told.severity)
    assert replace(route, only_named=True).takes(replace(told, channels=("a",)), told.severity)
    assert not route.takes(replace(told, channels=("b",)), told.severity)


# Silences.


def alert_of(question: str) -> Alert:
    told = finding(said(Outcome.FAIL, question))
    return Alert(
        id="a", model="m", finding=told, severity=told.severity, opened_at=NOW, updated_at=NOW
    )


def silence(**given: Any) -> Silence:
    plain = {"id": "s", "model": "m", "owner": "ann", "reason": "a move", "created_at": NOW}
    return Silence(**{**plain, "ends_at": NOW + timedelta(hours=1), **given})


def test_a_silence_covers_its_alerts_until_it_ends() -> None:
    drifted = alert_of("drift")

    assert silence().covers(drifted, now=NOW)
    assert silence(key="drift").covers(drifted, now=NOW)
    assert not silence(key="quality").covers(drifted, now=NOW)
    assert not silence(model="n").covers(drifted, now=NOW)
    assert not silence().covers(drifted, now=NOW + timedelta(hours=1))
    assert not silence(ended_at=NOW, ended_by="bob").covers(drifted, now=NOW)


@pytest.mark.parametrize("question", ["canary", "liveness", "channel:slack"])
def test_that_nobody_looks_is_never_silenced(question: str) -> None:
    assert not silence().covers(alert_of(question), now=NOW)


@pytest.mark.parametrize("question", ["watch", "liveness", "canary"])
def test_that_it_could_not_be_looked_is_never_silenced(question: str) -> None:
    [error] = answers([said(Outcome.ERROR, question)], RULES)

    assert error.finding is not None
    assert not error.finding.silenceable


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"owner": " "}, "owner: none"),
        ({"reason": ""}, "reason: none"),
        ({"ends_at": NOW}, "not after its beginning"),
        ({"ends_at": NOW + timedelta(days=7, seconds=1)}, "at most 7 days"),
    ],
)
def test_a_silence_has_an_owner_a_reason_and_an_end(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        silence(**given)
