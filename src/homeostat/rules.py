"""Rules: what the verdicts say about each thing that has an alert, and who is told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from homeostat.alert import AlertSeverity, AlertType, Answer, Damping, Finding
from homeostat.diagnosis import Diagnosis
from homeostat.findings import MOST_FACTS, finding_of, known_of
from homeostat.policy import DriftPolicy
from homeostat.verdict import Measurement, Outcome, Verdict

__all__ = ["ERROR", "Escalation", "Route", "Rule", "Rules", "answers", "error_key"]

ERROR = "error:"  #: before the question, in the key of the alert that it could not be answered

#: That it could not be looked is told although somebody wants silence.
_LOOKING = frozenset({"watch", "canary", "liveness"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is different from the usual for a question, or a bound of one's own for a number.

    With `above` or `below` it opens an alert of its own, under its name, as soon as a
    measurement is beyond; else it changes how FAIL to its question is told.
    """

    name: str
    question: str
    subject: str | None = None  #: feature or metric; None: any
    statistic: str | None = None  #: None: any
    above: float | None = None
    below: float | None = None
    enabled: bool = True  #: False: nobody is told
    kind: AlertType | None = None
    severity: AlertSeverity | None = None
    runbook: str | None = None
    advice: str | None = None
    channels: tuple[str, ...] | None = None

    @property
    def is_bound(self) -> bool:
        """Whether it has an alert of its own."""
        return self.above is not None or self.below is not None

    def beyond(self, one: Measurement) -> bool:
        """Whether a measurement is one that this rule is about, and too high or too low."""
        meant = self.subject in {None, one.subject} and self.statistic in {None, one.statistic}
        high = self.above is not None and one.value > self.above
        low = self.below is not None and one.value < self.below
        return meant and (high or low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which alerts a channel is told of."""

    channel: str
    min_severity: AlertSeverity = AlertSeverity.LOW
    types: frozenset[AlertType] = frozenset(AlertType)
    only_named: bool = False  #: told only where a rule, a fallback or an escalation names it

    def takes(self, finding: Finding, highest: AlertSeverity) -> bool:
        """Whether this channel is told."""
        if finding.channels is not None:
            return self.channel in finding.channels
        return not self.only_named and highest >= self.min_severity and finding.kind in self.types


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Who is told when nobody takes an alert up."""

    after: timedelta = timedelta(minutes=30)
    min_severity: AlertSeverity = AlertSeverity.HIGH
    channels: tuple[str, ...] | None = None  #: None: those that were told of it first


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What alerts are made of, and who is told."""

    drift: DriftPolicy = field(default_factory=DriftPolicy)
    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = ()
    runbook: str | None = None  #: where no rule has another; {key} stands for the alert's key
    damping: Damping = field(default_factory=Damping)
    remind: timedelta = timedelta(hours=4)  #: after which an open alert is told again
    escalation: Escalation | None = None


def error_key(question: str) -> str:
    """The key of the alert that a question could not be answered.

    Examples
    --------
    >>> error_key("drift")
    'error:drift'
    """
    return ERROR + question


def answers(
    verdicts: Sequence[Verdict], rules: Rules, diagnosis: Diagnosis | None = None
) -> tuple[Answer, ...]:
    """What the verdicts say about each thing that has an alert of its own.

    An ERROR is a finding of its own kind and leaves the alert of its question as it is.
    """
    return tuple(one for verdict in verdicts for one in _answers(verdict, rules, diagnosis))


def _answers(verdict: Verdict, rules: Rules, diagnosis: Diagnosis | None) -> Iterator[Answer]:
    key = error_key(verdict.question)
    if verdict.outcome is Outcome.ERROR:
        yield Answer(key=key, outcome=Outcome.FAIL, finding=_error(verdict, rules))
        return
    yield Answer(key=key, outcome=Outcome.PASS)
    changes = [one for one in rules.rules if one.question == verdict.question]
    usual = [one for one in changes if not one.is_bound]
    if all(one.enabled for one in usual):
        finding = None
        if verdict.outcome is Outcome.FAIL:
            finding = finding_of(verdict, rules.drift, diagnosis)
            finding = replace(finding, runbook=_runbook(rules, finding.key))
            finding = _changed(finding, verdict, usual)
        yield Answer(key=verdict.question, outcome=verdict.outcome, finding=finding)
    for rule in changes:
        if rule.is_bound and rule.enabled and verdict.outcome is not Outcome.INCONCLUSIVE:
            yield _bound(verdict, rule, rules)


def _error(verdict: Verdict, rules: Rules) -> Finding:
    return Finding(
        key=error_key(verdict.question),
        kind=AlertType.SYSTEM_ERROR,
        severity=AlertSeverity.HIGH,
        title=f"Could not look: {verdict.question}",
        reason=verdict.reason,
        window=verdict.window,
        advice="Look at the log; nothing is known about this until it can be answered again.",
        runbook=_runbook(rules, error_key(verdict.question)),
        silenceable=verdict.question not in _LOOKING,
    )


def _changed(finding: Finding, verdict: Verdict, usual: Sequence[Rule]) -> Finding:
    """As the rules of its question want it; a rule for one subject counts where that is bad."""
    bad = {one.subject for one in verdict.measurements if one.drifted}
    for rule in usual:
        if rule.subject is None or rule.subject in bad:
            finding = _as_asked(finding, rule)
    return finding


def _as_asked(finding: Finding, rule: Rule) -> Finding:
    return replace(
        finding,
        kind=rule.kind or finding.kind,
        severity=rule.severity or finding.severity,
        runbook=rule.runbook or finding.runbook,
        advice=rule.advice or finding.advice,
        channels=finding.channels if rule.channels is None else rule.channels,
    )


def _bound(verdict: Verdict, rule: Rule, rules: Rules) -> Answer:
    beyond = [one for one in verdict.measurements if rule.beyond(one)]
    if not beyond:
        return Answer(key=rule.name, outcome=Outcome.PASS)
    limit = rule.above if rule.above is not None else rule.below
    side = "above" if rule.above is not None else "below"
    facts = tuple(f"{one.subject}: {one.statistic} {one.value:.4g}" for one in beyond)
    finding = Finding(
        key=rule.name,
        kind=AlertType.THRESHOLD_BREACH,
        severity=AlertSeverity.MEDIUM,
        title=f"{rule.name}: {facts[0]} is {side} {limit:g}",
        reason=f"{facts[0]} seen, {side} {limit:g} is asked about, by the rule {rule.name!r}",
        facts=facts[:MOST_FACTS],
        features=tuple(dict.fromkeys(one.subject for one in beyond)),
        rows=max(one.n_current for one in beyond),
        window=verdict.window,
        advice=known_of(verdict.question).advice,
        runbook=_runbook(rules, rule.name),
    )
    return Answer(key=rule.name, outcome=Outcome.FAIL, finding=_as_asked(finding, rule))


def _runbook(rules: Rules, key: str) -> str | None:
    return rules.runbook.replace("{key}", key) if rules.runbook else None
