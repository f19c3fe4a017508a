"""How alerts read, and C9: names and values are data in every form."""

import json
from dataclasses import replace
from datetime import timedelta

import html5lib
import pytest

from homeostat.alert import Alert, AlertSeverity, Change
from homeostat.messages import render, test_message
from homeostat.messages.words import clean
from homeostat.outgoing import Envelope, Notice
from homeostat.rules import Rules, answers
from homeostat.verdict import Measurement, Outcome, Verdict
from tests.core.made import NOW
from tests.shell.alerts.office import drift, failed

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe src=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>*{background:url(//evil.example)}</style>",
    "<meta http-equiv=refresh content=0>",
    "<base href=//evil.example>",
    "<!--",
    "]]>",
    "{{7*7}}",
    "{% raw %}",
    "${7*7}",
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<@U012AB3CD>",
    "<#C012AB3CD>",
    "<https://evil.example|click>",
    "<mailto:eve@example.com|mail>",
    '{"text": "x"}',
    '"\\',
    "=HYPERLINK(1)",
    "\x1b[2J\x1b[31mred",
    "a\nWARNING forged line",
    "a\r\nBcc: eve@example.com",
    "\u202egnp.exe",
    "\ud800 half",
    "x" * 100_000,
    "&lt;!channel&gt;",
]


def alert_of(verdict: Verdict, **given: object) -> Alert:
    [finding] = [one.finding for one in answers([verdict], Rules()) if one.finding]
    made = Alert(
        id="0190-alert",
        model="churn",
        finding=finding,
        severity=finding.severity,
        opened_at=NOW,
        updated_at=NOW,
    )
    return replace(made, **given)  # type: ignore[arg-type]


def envelope(alert: Alert, change: Change = Change.OPENED) -> Envelope:
    return Envelope(
        id=f"e-{alert.id}",
        channel="c",
        model=alert.model,
        created_at=NOW,
        due_at=NOW,
        alert=alert,
        change=change,
    )


def hostile(payload: str) -> Envelope:
    verdict = replace(drift(0.3, payload, "age"), reason=f"{payload} moved")
    alert = alert_of(verdict, model=payload, acknowledged_by=payload)
    finding = replace(alert.finding, runbook=payload, advice=payload, title=payload, cause=payload)
    return replace(envelope(replace(alert, finding=finding)), fallback_for=payload)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda text: repr(text[:20]))
def test_names_are_data_in_every_form(payload: str) -> None:
    message = render([hostile(payload)], "m-1", now=NOW)

    tree = html5lib.parse(message.html, namespaceHTMLElements=False)
    live = {"script", "img", "svg", "iframe", "a", "base", "object", "embed", "form", "input"}
    tags = [one.tag for one in tree.iter() if isinstance(one.tag, str)]
    assert not live & set(tags), tags
    assert tags.count("meta") == 2
    assert "style" not in tags
    assert "link" not in tags
    assert not [name for one in tree.iter() for name in one.attrib if name.startswith("on")]
    slack = json.loads(json.dumps({"text": message.slack, "blocks": message.blocks}))
    for text in (message.slack, *texts(slack["blocks"])):
        assert "<!" not in text
        assert "<@" not in text
        assert "<#" not in text
        assert "<http" not in text
        assert len(text) <= 3_000
    shown = message.text + message.subject
    assert not [one for one in shown if ord(one) < 32 and one != "\n"]
    assert "\u202e" not in shown
    assert "\n" not in message.subject
    assert len(message.text) < 10_000
    shown.encode()
    assert "WARNING forged line" not in [line.strip() for line in message.text.splitlines()]


def texts(blocks: list[dict[str, object]]) -> list[str]:
    """Every text in blocks."""
    found: list[str] = []
    for one in blocks:
        held = one.get("text")
        found += [str(held["text"])] if isinstance(held, dict) else []
        elements = one.get("elements")
        found += [str(e["text"]) for e in elements] if isinstance(elements, list) else []
    return found


def test_there_are_thirty_payloads() -> None:
    assert len(PAYLOADS) >= 30


def test_a_drift_reads_well() -> None:
    message = render([envelope(alert_of(drift(0.28)))], "m-1", now=NOW)

    assert message.text == (
        "DATA_DRIFT - HIGH Severity, opened\n"
        "Drift in monthly_charges, tenure (PSI 0.28)\n"
        "  Seen and asked  2 of 20 features changed\n"
        "  Top features    monthly_charges, tenure\n"
        "  Over            2,000 rows, 2026-02-28 12:00 to 2026-03-01 12:00 UTC\n"
        "  Since           2026-03-01 12:00 UTC, 1 look\n"
        "  What to do      Look at the drift report, and ask who changed what is sent.\n"
        "  - monthly_charges: psi 0.28 seen, 0.1 asked over 2,000 rows\n"
        "  - tenure: psi 0.28 seen, 0.1 asked over 2,000 rows\n"
        "  churn: drift 0190-alert\n"
    )
    assert message.subject == (
        "[churn] DATA_DRIFT - HIGH Severity, opened: Drift in monthly_charges, tenure (PSI 0.28)"
    )
    assert message.blocks[0]["text"]["text"].startswith("🚨 *DATA_DRIFT - HIGH Severity, opened*")


def test_what_is_over_says_how_long_it_took() -> None:
    over = NOW + timedelta(hours=2, minutes=5)
    alert = alert_of(drift(0.28), resolved_at=over, updated_at=over)
    message = render([envelope(alert, Change.RESOLVED)], "m-1", now=over)

    assert "Lasted     2026-03-01 12:00 UTC to 2026-03-01 14:05 UTC (2 h 5 min)" in message.text
    assert "✅" in message.blocks[0]["text"]["text"]
    assert message.severity is AlertSeverity.LOW


def test_several_alerts_are_one_message_the_worst_first() -> None:
    alerts = [
        replace(alert_of(failed(question)), id=f"a{n}")
        for n, question in enumerate(["quality", "canary", *(f"q{n}" for n in range(12))])
    ]
    message = render([envelope(one) for one in alerts], "m-1", now=NOW)

    assert message.subject == "[churn] 14 alerts, worst CRITICAL"
    first = message.text.index("The monitor is blind")
    assert first < message.text.index("no longer agree")
    assert "and 4 more alerts: homeostat alert list" in message.text
    assert "4 more" in message.html
    assert message.alert_id == ""
    assert len(message.plain["changes"]) == 14


def test_what_opened_and_was_over_before_it_was_told_is_told_in_one() -> None:
    alert = alert_of(drift(0.28))
    over = replace(alert, resolved_at=NOW + timedelta(minutes=6))
    parts = [envelope(alert), envelope(over, Change.RESOLVED)]
    message = render(parts, "m-1", now=NOW)

    assert "opened, then resolved" in message.subject
    assert message.text.count("DATA_DRIFT") == 1


def test_a_runbook_is_a_link_only_when_it_is_one() -> None:
    alert = alert_of(drift(0.28))
    linked = replace(alert, finding=replace(alert.finding, runbook="https://wiki.example/a?b&c"))
    message = render([envelope(linked)], "m-1", now=NOW)

    assert '<a href="https://wiki.example/a?b&amp;c"' in message.html
    assert "<https://wiki.example/a?b&amp;c|Runbook>" in str(message.blocks)
    assert "Runbook: https://wiki.example/a?b&c" in message.text


def test_a_notice_keeps_its_lines_and_its_page() -> None:
    notice = Notice(
        id="n", channel="c", model="m", subject="The week", text="one\ntwo", created_at=NOW
    )
    waiting = replace(envelope(alert_of(drift())), alert=None, change=None, notice=notice)
    plain = render([waiting], "n", now=NOW)
    page = render([replace(waiting, notice=replace(notice, html="<p>ours</p>"))], "n", now=NOW)

    assert plain.text == "one\ntwo"
    assert "one\ntwo" in plain.html
    assert page.html == "<p>ours</p>"
    assert plain.plain["text"] == "one\ntwo"


def test_a_test_says_that_it_is_one() -> None:
    message = test_message("oncall", "churn", "t-1", now=NOW)

    assert "test of the channel oncall" in message.subject
    assert message.plain["test"] is True
    assert "Nothing." in message.text


def test_the_degradation_and_the_breach_read_as_in_the_churn_document() -> None:
    def told(question: str, name: str, value: float, asked: float) -> str:
        measured = Measurement(
            subject=name,
            statistic=name,
            value=value,
            asked=asked,
            n_reference=0,
            n_current=500,
            drifted=True,
        )
        verdict = Verdict(
            question=question,
            outcome=Outcome.FAIL,
            reason=f"{name} {value} seen, {asked} asked",
            measurements=(measured,),
            details={"reference": {"accuracy": 0.85}},
        )
        return render([envelope(alert_of(verdict))], "m", now=NOW).subject

    assert told("degradation", "accuracy", 0.789, 0.83) == (
        "[churn] MODEL_DEGRADATION - MEDIUM Severity, opened: "
        "accuracy degraded by 7.2% (0.85 → 0.789)"
    )
    assert told("thresholds", "recall", 0.65, 0.70) == (
        "[churn] THRESHOLD_BREACH - CRITICAL Severity, opened: "
        "recall (0.65) is below the minimum of 0.7"
    )


def test_long_text_is_cut_where_it_is_cleaned() -> None:
    assert clean("x" * 600) == "x" * 499 + "…"
