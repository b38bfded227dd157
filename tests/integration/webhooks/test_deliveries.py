"""Events to receivers that work, fail, hang, vanish, and lie."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook as Library
from standardwebhooks.webhooks import WebhookVerificationError

from tests.integration.webhooks.conftest import NOW, Answers, Receiver, Ticking
from triage.channels import outgoing
from triage.errors import Conflict, Unknown
from triage.jobs import deliveries
from triage.jobs.deliveries import LEASE, MOST_ATTEMPTS, Deliveries
from triage.storage import schema, webhooks
from triage.storage.database import Database
from triage.storage.events import emit
from triage.storage.leases import claim
from triage.storage.webhooks import LoggedDelivery, Webhook
from triage.storage.workspace import Workspace

Make = Callable[..., Receiver]


class Bench:
    """A sender over one database, and shorthands for what tests ask it."""

    def __init__(self, database: Database, clock: Ticking, **options: Any) -> None:
        self.database, self.clock = database, clock
        self.sender = Deliveries(database, clock, **{"allow_private": True, "step": 5.0, **options})

    def hook(self, url: str, *types: str) -> Webhook:
        return self.write(lambda w: webhooks.create(w, url=url, types=types, now=self.clock.now()))

    def emit(self, type: str = "draft.created", **data: object) -> str:
        return self.write(lambda w: emit(w, type, data, now=self.clock.now()))

    def run(self) -> int:
        """Sends what is due until nothing is."""
        begun = self.sender.round()
        assert self.sender.drain(30)
        return begun

    def log(self, hook: Webhook) -> list[LoggedDelivery]:
        return self.write(lambda w: webhooks.delivery_log(w, hook.id))

    def write(self, work: Callable[[Workspace], Any]) -> Any:
        return self.database.write(lambda connection: work(Workspace(connection, "shop")))


@pytest.fixture
def make_bench(database: Database, clock: Ticking) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def make(**options: Any) -> Bench:
        opened.append(Bench(database, clock, **options))
        return opened[-1]

    yield make
    for bench in opened:
        bench.sender.close()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


def verified(seen: Any, secret: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The body, by the project's own library, which asks the machine for the time."""
    now = int(seen.headers["webhook-timestamp"])
    monkeypatch.setattr("standardwebhooks.webhooks.datetime", _frozen(now))
    return Library(secret).verify(seen.body, seen.headers)


def _frozen(seconds: int) -> type:
    import datetime as module

    class Frozen(module.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return module.datetime.fromtimestamp(seconds, tz)

    return Frozen


def test_an_event_arrives_as_the_library_expects(
    bench: Bench, make_receiver: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = make_receiver()
    hook = bench.hook(receiver.url)
    event = bench.emit("draft.created", draft_id="drf_1", language="pl")
    assert bench.run() == 1
    (seen,) = receiver.seen
    body = verified(seen, hook.secrets[0], monkeypatch)
    assert body == {
        "type": "draft.created", "timestamp": NOW.isoformat(), "data": {"draft_id": "drf_1", "language": "pl"},
    }  # fmt: skip
    assert seen.headers["webhook-id"] == event
    assert seen.headers["content-type"] == "application/json"
    (logged,) = bench.log(hook)
    assert (logged.state, logged.status, logged.attempts, logged.failure) == ("delivered", 204, 1, None)
    assert bench.run() == 0


def test_only_wanted_types_are_sent(bench: Bench, make_receiver: Make) -> None:
    receiver = make_receiver()
    bench.hook(receiver.url, "reply.sent")
    bench.emit("draft.created")
    wanted = bench.emit("reply.sent")
    bench.run()
    assert [seen.headers["webhook-id"] for seen in receiver.seen] == [wanted]


def test_a_retry_keeps_id_and_body_with_a_fresh_time_and_signature(
    bench: Bench, make_receiver: Make, clock: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = make_receiver(Answers(500), Answers(200, body=b"not json"))
    hook = bench.hook(receiver.url)
    bench.emit()
    bench.run()
    assert bench.run() == 0
    clock.pass_by(seconds=5)
    bench.run()
    first, second = receiver.seen
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    for seen in receiver.seen:
        verified(seen, hook.secrets[0], monkeypatch)
    assert [one.state for one in bench.log(hook)] == ["delivered"]


def test_the_pauses_are_those_of_the_specification_and_then_it_ends(
    bench: Bench, make_receiver: Make, clock: Ticking
) -> None:
    receiver = make_receiver(*[Answers(500)] * 20)
    hook = bench.hook(receiver.url)
    bench.emit()
    bench.run()
    waits = []
    while (logged := bench.log(hook)[0]).next_attempt_at is not None:
        assert logged.failure == "the receiver answered 500"
        waits.append(logged.next_attempt_at - clock.now())
        clock.pass_by(seconds=waits[-1].total_seconds())
        bench.run()
    assert [wait.total_seconds() for wait in waits] == [5, 300, 1800, 7200, 18000, 36000, 50400]
    assert len(receiver.seen) == MOST_ATTEMPTS == 8
    assert (logged.state, logged.status, logged.attempts) == ("failed", 500, 8)
    clock.pass_by(days=30)
    assert bench.run() == 0


@pytest.mark.parametrize(
    ("wanted", "seconds"),
    [("120", 120.0), ("1", 5.0), ("Mon, 04 May 2026 10:30:00 GMT", 3600.0), ("x", 5.0), ("9" * 20, 86400.0)],
)
def test_a_receiver_may_ask_for_a_longer_pause(bench: Bench, make_receiver: Make, wanted: str, seconds: float) -> None:
    hook = bench.hook(make_receiver(Answers(429, {"Retry-After": wanted})).url)
    bench.emit()
    bench.run()
    (logged,) = bench.log(hook)
    assert logged.next_attempt_at == NOW + timedelta(seconds=seconds)
    assert logged.status == 429


def test_gone_disables_the_webhook_and_what_waits_for_it(bench: Bench, make_receiver: Make, clock: Ticking) -> None:
    receiver = make_receiver(Answers(500), Answers(410))
    hook = bench.hook(receiver.url)
    bench.emit()
    bench.run()
    bench.emit()
    bench.run()
    clock.pass_by(days=2)
    bench.emit()
    assert bench.run() == 0
    assert len(receiver.seen) == 2
    assert [(one.state, one.status) for one in bench.log(hook)] == [("failed", 410), ("failed", 500)]
    assert bench.write(lambda w: webhooks.find(w, hook.id)).disabled_at == NOW


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(bench: Bench, make_receiver: Make, status: int) -> None:
    elsewhere = make_receiver()
    hook = bench.hook(make_receiver(Answers(status, {"Location": elsewhere.url})).url)
    bench.emit()
    bench.run()
    assert elsewhere.seen == []
    assert (bench.log(hook)[0].state, bench.log(hook)[0].failure) == ("queued", "redirects are not followed")


def test_a_dropped_line_is_tried_again(bench: Bench, make_receiver: Make, clock: Ticking) -> None:
    receiver = make_receiver(Answers(None))
    hook = bench.hook(receiver.url)
    bench.emit()
    bench.run()
    assert bench.log(hook)[0].failure == "the connection broke before an answer"
    clock.pass_by(seconds=5)
    bench.run()
    assert bench.log(hook)[0].state == "delivered"
    assert len({seen.headers["webhook-id"] for seen in receiver.seen}) == 1


@pytest.mark.parametrize("answers", [Answers(hang=True), Answers(drip=True)])
def test_a_slow_receiver_is_left_after_the_deadline(
    make_bench: Callable[..., Bench], make_receiver: Make, answers: Answers
) -> None:
    bench = make_bench(step=0.2, total=0.3)
    hook = bench.hook(make_receiver(answers).url)
    bench.emit()
    bench.run()
    (logged,) = bench.log(hook)
    assert (logged.state, logged.failure, logged.status) == ("queued", "no answer in time", None)


def test_a_hanging_receiver_holds_up_no_other(bench: Bench, make_receiver: Make) -> None:
    hanging, working = make_receiver(*[Answers(hang=True)] * 50), make_receiver()
    bench.hook(hanging.url)
    good = bench.hook(working.url)
    for _ in range(20):
        bench.emit()
    while bench.sender.round() or any(one.state != "delivered" for one in bench.log(good)):
        time.sleep(0.01)
    assert len(working.seen) == 20
    assert len(hanging.seen) <= deliveries.MOST_PER_WEBHOOK
    hanging.released.set()


def test_nobody_listens(bench: Bench, make_receiver: Make) -> None:
    receiver = make_receiver()
    receiver.close()
    hook = bench.hook(receiver.url)
    bench.emit()
    bench.run()
    assert (bench.log(hook)[0].state, bench.log(hook)[0].failure) == ("queued", "no connection")


def test_the_answer_is_not_kept(bench: Bench, make_receiver: Make, database: Database) -> None:
    hook = bench.hook(make_receiver(Answers(500, {"X-Leak": "CANARY"}, b"CANARY" * 1000)).url)
    bench.emit()
    bench.run()
    rows = database.read(lambda c: c.execute(schema.deliveries.select()).mappings().all())
    assert "CANARY" not in str([dict(row) for row in rows])
    assert bench.log(hook)[0].status == 500


def test_an_event_whose_worker_died_is_sent_under_the_same_id(
    bench: Bench, make_receiver: Make, clock: Ticking, database: Database
) -> None:
    receiver = make_receiver()
    hook = bench.hook(receiver.url)
    event = bench.emit()
    died = database.write(lambda c: claim(c, schema.deliveries, working="sending", now=NOW, lease=LEASE))
    assert len(died) == 1
    assert bench.run() == 0
    clock.pass_by(seconds=LEASE.total_seconds() + 1)
    bench.run()
    assert [seen.headers["webhook-id"] for seen in receiver.seen] == [event]
    assert (bench.log(hook)[0].state, bench.log(hook)[0].attempts) == ("delivered", 2)


def test_a_worker_that_comes_back_late_writes_nothing(
    make_bench: Callable[..., Bench], make_receiver: Make, clock: Ticking
) -> None:
    late, quick = make_bench(), make_bench()
    receiver = make_receiver(Answers(hang=True))
    hook = late.hook(receiver.url)
    late.emit()
    late.sender.round()
    while not receiver.seen:
        time.sleep(0.01)
    clock.pass_by(seconds=LEASE.total_seconds() + 1)
    quick.run()
    receiver.released.set()
    assert late.sender.drain(30)
    assert (late.log(hook)[0].state, late.log(hook)[0].attempts) == ("delivered", 2)


def test_an_event_that_always_kills_its_worker_ends(bench: Bench, clock: Ticking, database: Database) -> None:
    hook = bench.hook("https://receiver.example/")
    bench.emit()
    database.write(lambda c: c.execute(update(schema.deliveries).values(attempts=MOST_ATTEMPTS)))
    bench.run()
    assert bench.log(hook)[0].state == "failed"


def test_both_secrets_sign_while_one_is_replaced(
    bench: Bench, make_receiver: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = make_receiver()
    hook = bench.hook(receiver.url)
    rotated = bench.write(lambda w: webhooks.rotate(w, hook.id))
    assert rotated.secrets[1] == hook.secrets[0]
    bench.emit()
    bench.run()
    for secret in rotated.secrets:
        verified(receiver.seen[0], secret, monkeypatch)
    last = bench.write(lambda w: webhooks.rotate(w, hook.id, keep_previous=False))
    bench.emit()
    bench.run()
    verified(receiver.seen[1], last.secrets[0], monkeypatch)
    for secret in rotated.secrets:
        with pytest.raises(WebhookVerificationError):
            verified(receiver.seen[1], secret, monkeypatch)


def test_one_event_is_sent_again_by_hand(bench: Bench, make_receiver: Make, clock: Ticking) -> None:
    receiver = make_receiver(Answers(410))
    hook = bench.hook(receiver.url)
    event = bench.emit()
    bench.run()
    (logged,) = bench.log(hook)
    with pytest.raises(Conflict):
        bench.write(lambda w: webhooks.replay(w, hook.id, logged.id, now=clock.now()))
    second = bench.hook(receiver.url)
    again = bench.emit()
    bench.run()
    (delivered,) = bench.log(second)
    clock.pass_by(days=7)
    queued = bench.write(lambda w: webhooks.replay(w, second.id, delivered.id, now=clock.now()))
    assert (queued.state, queued.attempts) == ("queued", 0)
    bench.run()
    assert [seen.headers["webhook-id"] for seen in receiver.seen] == [event, again, again]
    for wrong in (hook.id, "whk_none"):
        with pytest.raises((Unknown, Conflict)):
            bench.write(lambda w, wrong=wrong: webhooks.replay(w, wrong, delivered.id, now=clock.now()))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433"])
def test_private_addresses_are_refused_when_sending(
    make_bench: Callable[..., Bench], make_receiver: Make, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = make_receiver()
    bench = make_bench(allow_private=False)
    hook = bench.hook(receiver.url.replace("http://127.0.0.1", f"https://{host}"))
    bench.emit()
    bench.run()
    assert receiver.seen == []
    assert bench.log(hook)[0].failure in ("the address is private, or of this machine", "no connection")


def test_a_name_that_changes_its_address_after_the_check_is_not_called(
    make_bench: Callable[..., Bench], make_receiver: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the address that was checked is the one that is connected to, so there is no second look-up to win."""
    receiver = make_receiver()
    port = int(receiver.url.split(":")[2].split("/")[0])
    real, connected = outgoing.socket.getaddrinfo, []

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        connected.append(host)
        if host == "rebinding.example":
            return [(2, 1, 6, "", ("8.8.8.8" if len(connected) == 1 else "127.0.0.1", port))]
        return real(host, *rest, **more)

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.setattr("socket.create_connection", _refuses(calls := []))
    bench = make_bench(allow_private=False)
    bench.hook(f"https://rebinding.example:{port}/")
    bench.emit()
    bench.run()
    assert connected == ["rebinding.example"]
    assert calls == [("8.8.8.8", port)]
    assert receiver.seen == []


def _refuses(calls: list[tuple[str, int]]) -> Callable[..., Any]:
    def connect(address: tuple[str, int], *_: Any, **__: Any) -> Any:
        calls.append(address)
        raise ConnectionRefusedError

    return connect


def test_plain_http_needs_leave_too(make_bench: Callable[..., Bench], make_receiver: Make) -> None:
    receiver = make_receiver()
    bench = make_bench(allow_private=False)
    hook = bench.hook(receiver.url)
    bench.emit()
    bench.run()
    assert bench.log(hook)[0].state == "failed"
    assert json.dumps(bench.log(hook)[0].failure).count("https://") == 1
    assert receiver.seen == []


def test_a_workspace_gets_its_own_events_alone(bench: Bench, make_receiver: Make, database: Database) -> None:
    receiver = make_receiver()
    hook = bench.hook(receiver.url)
    database.write(lambda c: emit(Workspace(c, "other"), "draft.created", {}, now=NOW))
    bench.run()
    assert receiver.seen == []
    with pytest.raises(Unknown):
        database.write(lambda c: webhooks.find(Workspace(c, "other"), hook.id))
