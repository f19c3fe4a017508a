"""Messages to real receivers that fail in every way, on a clock that only the test moves."""

import hashlib
import hmac
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from homeostat.alert import Change
from homeostat.store import open_store
from tests.shell.alerts.office import MINUTE, SECOND, Office, drift, failed, passed
from tests.shell.alerts.receivers import Received, http_receiver

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def keys(received: Received) -> list[str]:
    return [one["changes"][0]["change"] for one in received.taken]


# A01: what receivers do.


def test_what_fails_three_times_is_delivered_in_the_end(office: Office) -> None:
    with http_receiver([500, 503, 502]) as hook:
        office.webhook("hook", hook.url)
        office.see(drift())

        delivered = [office.send(), *(office.wait(SECOND * n) for n in (1, 2, 4))]

    assert delivered == [0, 0, 0, 1]
    assert len({headers["Idempotency-Key"] for _, headers, _ in hook.requests}) == 1
    assert keys(hook) == ["opened"]


def test_a_receiver_that_wants_to_be_left_alone_is(office: Office) -> None:
    with http_receiver([429], headers={"Retry-After": "90"}) as hook:
        office.webhook("hook", hook.url)
        office.see(drift())
        delivered = [office.send(), office.wait(89 * SECOND), office.wait(SECOND)]

    assert delivered == [0, 0, 1]


def test_what_nobody_answers_is_tried_for_a_day_and_then_told_elsewhere(office: Office) -> None:
    with http_receiver() as spare:
        office.webhook("gone", "http://127.0.0.1:9/hook", fallback="spare")
        office.webhook("spare", spare.url)
        office.see(drift())
        office.send()
        assert [office.wait(5 * MINUTE) for _ in range(3)] == [0, 0, 0]
        office.now += DAY - 30 * MINUTE
        assert [office.send(), office.wait(5 * MINUTE)] == [0, 0]
        assert not spare_only(spare)
        office.wait(15 * MINUTE)
        office.wait(5 * MINUTE)

    assert len(hook_tries(office)) == 7
    assert spare_only(spare) == ["channel:gone", "drift"]
    assert keys(spare) == ["opened"] * 3


def spare_only(spare: Received) -> list[str]:
    """The alerts that the other channel was told of besides those that it is told of anyway."""
    told = [one["changes"][0]["alert"]["key"] for one in spare.taken]
    return sorted(told[1:])


def hook_tries(office: Office) -> list[str]:
    tried = office.store.outbox.deliveries("id-00001")
    return [one.outcome for one in tried if one.channel == "gone"]


def test_what_is_refused_goes_to_the_other_channel_and_is_alerted(office: Office) -> None:
    with http_receiver([400] * 9) as hook, http_receiver() as spare:
        office.webhook("hook", hook.url, fallback="spare")
        office.webhook("spare", spare.url)
        office.see(drift())
        for _ in range(4):
            office.wait(4 * SECOND)

        alert = office.store.open_alert("m", "channel:hook")

    assert len(hook.requests) == 3
    told = [(one["changes"][0]["alert"]["key"], one["changes"][0]["id"]) for one in spare.taken]
    assert sorted(key for key, _ in told) == ["channel:hook", "drift", "drift"]
    assert any(one.endswith(">spare") for _, one in told)
    assert alert is not None
    assert "HTTP 400" in alert.reason


def test_a_channel_that_works_again_ends_its_alert(office: Office) -> None:
    with http_receiver([400] * 3) as hook:
        office.webhook("hook", hook.url)
        office.see(drift())
        for _ in range(3):
            office.wait(4 * SECOND)
        assert office.store.open_alert("m", "channel:hook") is not None
        office.now += HOUR
        office.see(failed("quality"))
        office.wait(MINUTE)

    assert office.store.open_alert("m", "channel:hook") is None


def test_slack_that_says_no_with_200_has_said_no(office: Office) -> None:
    with http_receiver(body="invalid_token") as hook:
        office.slack("team", hook.url)
        office.see(drift())
        delivered = office.wait(MINUTE)

    assert delivered == 0
    [tried] = office.store.outbox.deliveries("id-00001")
    assert "invalid_token" in tried.detail


# The faults of the system before.


def test_a_failed_delivery_advances_no_limiter(office: Office) -> None:
    """There, a message that could not be sent kept the next one from being tried."""
    with http_receiver([500]) as hook:
        office.slack("team", hook.url, per_hour=1)
        office.see(drift())
        assert office.wait(30 * SECOND) == 0

        assert office.wait(SECOND) == 1

    with http_receiver([400] * 3) as hook:
        office.secrets["team"], office.hosts = hook.url, {hook.host}
        office.see(failed("aftermath"))
        office.now += HOUR
        for _ in range(4):
            office.wait(4 * SECOND)
        assert not hook.taken
        office.see(failed("aftermath"))  # given up, so it is told again before the usual time
        assert office.wait(HOUR) == 0
        office.see(failed("aftermath"))

        assert office.wait(MINUTE) == 1


def test_what_is_critical_is_never_hidden_behind_what_is_low(office: Office) -> None:
    with http_receiver() as hook:
        office.slack("team", hook.url, per_hour=1)
        office.see(failed("segments"))
        assert office.wait(MINUTE) == 1
        office.see(failed("canary"))

        assert office.send() == 1

    assert "CRITICAL" in str(hook.taken[1])


def test_ids_never_collide(office: Office) -> None:
    """There, an id was the kind and the second."""
    for n in range(50):
        office.see(failed(f"question{n}"))

    alerts = office.store.alerts("m", open_only=True)
    assert len({one.id for one in alerts}) == 50


# Signed, grouped, in order.


def test_a_webhook_can_be_checked(office: Office) -> None:
    with http_receiver() as hook:
        office.secrets |= {"url": hook.url, "sign": "s3cret"}
        office.hosts.add(hook.host)
        office.channel("hook", "webhook", {"url": {"env": "url"}, "secret": {"env": "sign"}})
        office.see(drift())
        office.send()

    [(_, headers, body)] = hook.requests
    signed = headers["X-Homeostat-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert headers["X-Homeostat-Signature"] == expected
    assert headers["X-Homeostat-Timestamp"] == str(int(office.now.timestamp()))


def test_changes_of_one_alert_arrive_in_order(office: Office) -> None:
    """What was resolved must not be opened again by a message that is late."""
    with http_receiver([500]) as hook:
        office.webhook("hook", hook.url)
        office.see(drift())
        office.send()
        office.now += HOUR
        office.see(passed())
        office.now -= HOUR - timedelta(milliseconds=1)
        assert office.send() == 0
        office.wait(HOUR)

    assert keys(hook) == ["opened", "resolved"]


def test_a_hundred_features_are_one_message_with_ten_names(office: Office) -> None:
    with http_receiver() as hook:
        office.slack("team", hook.url)
        names = [f"feature_{n:03}" for n in range(100)]
        office.see(drift(0.3, *names))
        assert office.wait(MINUTE) == 1
        for _ in range(4):
            office.see(drift(0.3, *names))
            assert office.wait(MINUTE) == 0

    text = str(hook.taken[0])
    assert "feature_009" in text
    assert "and 90 more (100 in all)" in text
    assert "feature_010:" not in text


def test_flapping_is_two_messages_in_ten_minutes_at_most(office: Office) -> None:
    with http_receiver() as hook:
        office.slack("team", hook.url)
        for n in range(100):
            office.see(drift() if n % 2 == 0 else passed())
            office.wait(6 * SECOND)

    assert 1 <= len(hook.taken) <= 2


def test_a_storm_of_ten_thousand_findings_is_three_messages_at_most(office: Office) -> None:
    questions = ["drift", "quality", "thresholds", "degradation", "segments", "estimate"]
    with http_receiver() as hook:
        office.slack("team", hook.url)
        found = 0
        for n in range(100):
            verdicts = [failed(questions[k % 6], f"seen {n}") for k in range(100)]
            office.see(*verdicts)
            found += len(verdicts)
            office.wait(SECOND)
        office.wait(MINUTE)

    assert found == 10_000
    assert 1 <= len(hook.taken) <= 3
    assert {one.key for one in office.store.alerts("m", open_only=True)} == set(questions)


def test_an_alert_that_stays_is_told_again_after_hours_and_not_before(office: Office) -> None:
    with http_receiver() as hook:
        office.webhook("hook", hook.url)
        for _ in range(10):
            office.see(drift())
            office.send()
            office.now += HOUR

    assert keys(hook) == ["opened", "updated", "updated"]


# Two senders, and one that is killed.


def test_of_two_senders_one_sends(office: Office, tmp_path: Path) -> None:
    with http_receiver() as hook, open_store(f"sqlite:///{tmp_path / 'homeostat.db'}") as store:
        office.webhook("hook", hook.url)
        office.see(drift())
        other = Office(
            store=store,
            secrets=office.secrets,
            hosts=office.hosts,
            channels=office.channels,
            holder="another",
        )
        store.lease("send:m:hook", "another", now=office.now, ttl_s=60)
        assert office.send() == 0
        assert other.send() == 1
        assert office.wait(2 * MINUTE) == 0

    assert keys(hook) == ["opened"]


def test_who_is_killed_before_it_wrote_down_that_it_sent_sends_the_same_again(
    office: Office,
) -> None:
    """A02: the group stays as it was, also when more came in meanwhile."""
    with http_receiver() as hook:
        office.slack("team", hook.url)
        office.see(drift())
        office.now += MINUTE
        queue = office.store.outbox.queue("m", "team", grouped=True, now=office.now)
        office.store.outbox.claim(queue.waiting, queue.waiting[0].id)
        office.see(failed("canary"))
        assert office.send() == 2

    first, second = (one["blocks"] for one in hook.taken)
    assert first[0]["block_id"] == queue.waiting[0].id
    assert "canary" not in str(first)
    assert "blind" in str(second)


def test_a_channel_that_is_taken_out_of_the_settings_is_waited_for_no_longer(
    office: Office,
) -> None:
    with http_receiver() as hook, capture_logs() as logs:
        office.webhook("old", hook.url)
        office.see(drift())
        office.channels.clear()
        assert office.sender.drain_all(limit_s=5) == 0

    assert hook.taken == []
    assert [one for one in logs if one.get("channel") == "old"] == [
        {
            "event": "messages to a channel that is gone",
            "log_level": "warning",
            "channel": "old",
            "given_up": 1,
        }
    ]
    assert not office.store.outbox.queue("m", "old", grouped=False, now=office.now).waiting


def test_every_change_has_a_word() -> None:
    assert {one.value for one in Change} >= {"opened", "escalated", "resolved", "overdue"}
