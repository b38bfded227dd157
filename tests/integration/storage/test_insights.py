"""Figures are what the tables say, after whatever happened, and however the counting was interrupted."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import in_shop, rows
from triage.insights.types import Filters, Standing
from triage.storage import conversations, drafts, erasure, handling, insights, intake, matters, orders, outbox, schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.insights import anomaly_looks, refresh
from triage.storage.merging import merge
from triage.storage.stale import ALL, days_changed
from triage.storage.workspace import Workspace
from triage.storage.workspaces import change_settings
from triage.types import Arrival, Customer, InboundMessage, Order, OrderItem, Sender, Sent

FILTERS = Filters(since=date(2026, 4, 1), until=date(2026, 5, 31))
KETTLE = OrderItem(title="Kettle", sku="KT-210", supplier="Huta Warta")
PAN = OrderItem(title="Pan", sku="PA-90", supplier="Turia")


def arrive(
    database: Database, key: str, *, who: str = "anna", hours: float = 0, channel: str = "email", order: str | None = None
) -> intake.Received:  # fmt: skip
    message = InboundMessage(
        text=f"Where is it? {key}",
        channel=channel,
        received_at=NOW + timedelta(hours=hours),
        customer=Customer(locale="pl-PL"),
    )
    arrival = Arrival(
        external_id=key, message=message, sender=Sender(email=f"{who}@shop.example"), order_id=order,
        conversation_ref=f"{channel}-{who}",
    )  # fmt: skip
    return intake.receive(database, "shop", arrival, now=NOW + timedelta(hours=max(hours, 0) + 1000))


def triaged(
    database: Database, received: intake.Received, *, intent: str = "delivery_late", due: float = 24,
    draft: str | None = "On its way.",
) -> str | None:  # fmt: skip
    """What the triage job leaves, in its own transaction."""

    def work(workspace: Workspace) -> str | None:
        matter = matters.load(workspace, received.message_id)
        due_at = (matter.received_at + timedelta(hours=due)).isoformat()
        workspace.insert(
            schema.triages, id=new_id("tri"), message_id=received.message_id, model_version="m1", index_version="i",
            language="pl", intent=intent, urgency="high", abstained=False, needs_reply=True, confidence=0.9,
            result={"sla": {"due_at": due_at, "policy": "email_24h"}, "asked_before": []}, created_at=NOW,
        )  # fmt: skip
        key = new_id("drf") if draft else None
        if draft:
            workspace.insert(
                schema.drafts, id=key, conversation_id=received.conversation_id, message_id=received.message_id,
                state="pending", revision=1, text=draft, language="pl", model_version="m1", index_version="i",
                details={"citations": [{"article_id": "delivery-late", "passage": "x"}]}, created_at=NOW, changed_at=NOW,
            )  # fmt: skip
        workspace.run(
            workspace.update(schema.messages).where(schema.messages.c.id == received.message_id).values(state="triaged")
        )
        matters.conversations_changed(workspace, [received.conversation_id])
        return key

    return in_shop(database, work)  # type: ignore[no-any-return]


def send(database: Database, *, at: timedelta) -> None:
    """Whatever waits in the outbox leaves."""

    def work(connection: Any) -> None:
        for claim in outbox.claim_replies(connection, now=NOW + at):
            workspace = Workspace(connection, claim.workspace_id)
            outbox.sent(workspace, claim, outbox.reply_of(workspace, claim), Sent(provider_id="x"), now=NOW + at)

    database.write(work)


def count(database: Database, workspace: str = "shop") -> None:
    """As the worker does, until nothing is left."""
    for _ in range(20):
        refresh.refresh(database, workspace, now=NOW)
        if database.read(lambda c: refresh.waiting(Workspace(c, workspace))) == 0:
            return
    raise AssertionError("the counting never ends")


def read(database: Database, figure: Callable[..., Any], filters: Filters = FILTERS, **more: Any) -> Any:
    return database.read(lambda c: figure(Workspace(c, "shop"), filters, now=more.get("now", NOW + timedelta(days=20))))


def counted(database: Database) -> dict[tuple[str, date], bytes]:
    return {(row["kind"], row["day"]): row["content"] for row in rows(database, schema.figure_days)}


def put(database: Database, number: str, *items: OrderItem, days: int = -3, buyer: str = "anna") -> None:
    order = Order(id=number, items=items or (KETTLE,), market="DE", placed_at=NOW + timedelta(days=days))
    in_shop(database, lambda w: orders.put_order(w, order, buyer=Sender(email=f"{buyer}@shop.example"), now=NOW))


def test_a_day_in_the_life_of_a_shop(database: Database) -> None:
    put(database, "TM-1", KETTLE, PAN)
    put(database, "TM-2")
    first = arrive(database, "m1", order="TM-1", hours=1)
    draft = triaged(database, first)
    second = arrive(database, "m2", who="bo", channel="chat", hours=2)
    triaged(database, second, intent="refund_request", due=4)
    assert draft is not None
    in_shop(database, lambda w: drafts.approve(w, draft, text="On its way!!", revision=1, actor="ann", now=NOW))
    send(database, at=timedelta(hours=3))
    count(database)
    volume = read(database, insights.volume)
    assert (volume.contacts, volume.conversations, volume.unread) == (2, 2, 0)
    assert [(c.value, c.contacts, c.title) for c in volume.by["product"]] == [
        ("KT-210", 1, "Kettle"),
        ("PA-90", 1, "Pan"),
    ]
    assert {c.value for c in volume.by["region"]} == {"DE", "PL"}  # the order's market, else the locale's
    response = read(database, insights.response)
    assert (response.span.answered, response.span.median) == (1, 2 * 3600)
    assert (response.attainment.met, response.attainment.open_late) == (1, 1)
    decided = read(database, insights.drafts)
    assert (decided.counts.edited, decided.counts.pending) == (1, 1)
    assert decided.counts.distance == pytest.approx(2 / 12)
    assert read(database, insights.model).counts.with_article.count == 2
    assert read(database, insights.backlog).waiting == 1
    first_look = read(database, insights.overview)  # over one reading of the days, with what each page says by itself
    assert first_look.volume == replace(
        volume, by={name: volume.by[name] for name in ("intent", "channel")}, others={"intent": 0, "channel": 0}
    )
    assert first_look.response == replace(response, by={})
    assert first_look.drafts == replace(decided, by={})
    assert first_look.backlog == read(database, insights.backlog)
    found = read(database, insights.suppliers)
    assert [(r.product, r.supplier, r.orders, r.contacted, r.standing) for r in found.rows] == [
        ("KT-210", "Huta Warta", 2, 1, Standing.ALONE), ("PA-90", "Turia", 1, 1, Standing.ALONE),
    ]  # fmt: skip
    choices = read(database, insights.choices)
    assert choices.values["intent"] == ("delivery_late", "refund_request")
    assert (choices.titles["KT-210"], choices.waiting) == ("Kettle", 0)
    narrowed = replace(FILTERS, channel="chat")
    assert read(database, insights.volume, narrowed).contacts == 1
    assert read(database, insights.volume, replace(FILTERS, product="PA-90")).contacts == 1


def test_whatever_happens_the_figures_are_what_a_count_from_nothing_gives(database: Database) -> None:
    """Each step is marked by the one who takes it; a forgotten mark would leave an old day behind."""
    chance = random.Random(SEED)
    received: list[intake.Received] = []
    pending: list[str] = []
    for step in range(60):
        _one_of_everything(database, chance, step, received, pending)
        count(database)
        kept = counted(database)
        in_shop(database, lambda w: days_changed(w, [ALL]))
        count(database)
        assert counted(database) == kept, step
    done = {row["action"] for row in rows(database, schema.audit)}
    assert done >= {
        "reply.sent",
        "draft.approved",
        "draft.rejected",
        "draft.recalled",
        "message.labelled",
        "customer.merged",
    }


SEED = 21
STEPS = (
    "arrive", "arrive", "triage", "triage", "order", "order", "approve", "approve", "send", "reject", "label", "close",
    "recall", "gone", "merge",
)  # fmt: skip


def _one_of_everything(
    database: Database, chance: random.Random, step: int, received: list[intake.Received], pending: list[str]
) -> None:
    who, number = chance.choice(["anna", "bo", "cy"]), f"TM-{chance.randrange(3)}"
    some = chance.choice(received) if received else None
    kind = chance.choice(STEPS)
    if kind == "arrive" or some is None:
        order = chance.choice([None, number])
        hours, channel = -24 * chance.randrange(5), chance.choice(["email", "chat"])
        received.append(arrive(database, f"s{step}", who=who, hours=hours, channel=channel, order=order))
    elif kind == "triage":
        known = {row["message_id"] for row in rows(database, schema.triages)}
        for one in received:
            if one.message_id not in known:
                pending.append(triaged(database, one) or "")
                break
    elif kind == "order":
        put(database, number, chance.choice([KETTLE, PAN]), days=-chance.randrange(6), buyer=who)
    elif kind == "gone" and [row for row in rows(database, schema.orders) if row["id"] == number]:
        in_shop(database, lambda w: orders.delete_order(w, number))
    elif kind == "label":
        in_shop(
            database,
            lambda w: conversations.correct(
                w, some.message_id, intents=["refund_request"], urgency="low", language=None, actor="ann", now=NOW
            ),
        )
    elif kind == "close":
        act = chance.choice([handling.close, handling.reopen])
        in_shop(database, lambda w: act(w, some.conversation_id, actor="ann", now=NOW))
    elif kind == "send":
        send(database, at=timedelta(hours=step))
    elif kind == "merge":
        people = [row["id"] for row in rows(database, schema.customers) if row["merged_into"] is None]
        if len(people) > 1:
            in_shop(database, lambda w: merge(w, people[0], people[1], actor="ann", now=NOW))
    else:
        _decide(database, chance, kind, pending)


def _decide(database: Database, chance: random.Random, kind: str, pending: list[str]) -> None:
    states = {row["id"]: row["state"] for row in rows(database, schema.drafts)}
    newest = {row["id"]: row["last_inbound_seq"] for row in rows(database, schema.conversations)}
    seqs = {row["id"]: (row["conversation_id"], row["seq"]) for row in rows(database, schema.messages)}
    answers = {row["id"]: seqs[row["message_id"]] for row in rows(database, schema.drafts)}
    for key in pending:
        conversation, seq = answers[key]
        if kind == "approve" and states[key] == "pending" and seq == newest[conversation]:
            words = chance.choice(["On its way.", "It is on its way."])
            in_shop(
                database,
                lambda w, key=key, words=words: drafts.approve(w, key, text=words, revision=1, actor="a", now=NOW),
            )
            return
        if kind == "reject" and states[key] == "pending":
            in_shop(
                database, lambda w, key=key: drafts.reject(w, key, reason="wrong", comment=None, actor="a", now=NOW)
            )
            return
        if kind == "recall" and states[key] == "approved":
            in_shop(database, lambda w, key=key: drafts.recall(w, key, actor="a", now=NOW))
            pending.remove(key)  # its revision is another now
            return


def test_a_change_while_a_day_is_counted_is_not_lost(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    arrive(database, "m1")
    packed = refresh._packed

    def meanwhile(kind: Any, snapshot: Any) -> Any:
        monkeypatch.setattr(refresh, "_packed", packed)
        arrive(database, "m2", who="bo")
        return packed(kind, snapshot)

    monkeypatch.setattr(refresh, "_packed", meanwhile)
    refresh.refresh(database, "shop", now=NOW)
    assert read(database, insights.volume).contacts == 1
    count(database)
    assert read(database, insights.volume).contacts == 2


def test_of_two_workers_who_count_one_day_the_later_look_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(database, "m1")
    packed = refresh._packed

    def meanwhile(kind: Any, snapshot: Any) -> Any:
        """Another worker counts the same day, with one more contact, and is done first."""
        monkeypatch.setattr(refresh, "_packed", packed)
        arrive(database, "m2", who="bo")
        count(database)
        return packed(kind, snapshot)

    monkeypatch.setattr(refresh, "_packed", meanwhile)
    refresh.refresh(database, "shop", now=NOW)
    assert read(database, insights.volume).contacts == 2


def test_a_worker_that_dies_before_it_keeps_leaves_the_mark(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(database, "m1")

    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(refresh, "_packed", dies)
        with pytest.raises(KeyboardInterrupt):
            refresh.refresh(database, "shop", now=NOW)
    count(database)
    assert read(database, insights.volume).contacts == 1


def test_an_erased_customers_contacts_stay_as_numbers_alone(database: Database) -> None:
    put(database, "TM-1", buyer="anna")
    anna = arrive(database, "m1", order="TM-1", hours=1.5)
    triaged(database, anna)
    arrive(database, "m2", who="bo", hours=2)
    count(database)
    before, orders_before = read(database, insights.volume), read(database, insights.suppliers)
    in_shop(database, lambda w: erasure.erase(w, anna.customer_id, actor="ann", now=NOW))
    tables = (schema.figure_days, schema.figure_marks, schema.figure_remains)
    traces = str([dict(row) for table in tables for row in rows(database, table)])
    assert "TM-1" not in traces
    assert counted(database) == {}  # nothing of before is left, not for a moment
    count(database)
    after = read(database, insights.volume)
    assert (after.contacts, after.by["intent"], after.by["channel"]) == (
        before.contacts,
        before.by["intent"],
        before.by["channel"],
    )
    assert [(c.value, c.contacts, c.title) for c in after.by["product"]] == [("KT-210", 1, None)]
    assert replace(orders_before.rows[0], title=None) == read(database, insights.suppliers).rows[0]
    repeats = read(database, insights.repeats).counts
    assert (repeats.asked_before.of, repeats.customers.of) == (2, 1)  # a contact of nobody's


def test_a_database_that_was_there_before_is_counted(database: Database) -> None:
    arrive(database, "m1")
    database.write(lambda c: c.execute(text("DELETE FROM figure_marks")))
    in_shop(database, lambda w: days_changed(w, [ALL]))
    count(database)
    assert read(database, insights.volume).contacts == 1
    database.write(lambda c: c.execute(text("UPDATE figure_days SET format = 0")))
    assert read(database, insights.volume).contacts == 0
    refresh.recount_outdated(database, "shop")
    count(database)
    assert read(database, insights.volume).contacts == 1


def test_days_are_the_shops(database: Database) -> None:
    settings = {"sla": {"calendar": {"time_zone": "Asia/Tokyo", "hours": {"monday": ["09:00-17:00"]}, "holidays": []}}}
    in_shop(database, lambda w: change_settings(w, brand=None, changes=settings))
    arrive(database, "m1", hours=8)  # 17:30 on the fourth in London, 02:30 on the fifth in Tokyo
    count(database)
    for day, contacts in ((4, 0), (5, 1)):
        found = read(database, insights.volume, Filters(since=date(2026, 5, day), until=date(2026, 5, day)))
        assert found.contacts == contacts
    assert found.series[0].at.isoformat() == "2026-05-05T00:00:00+09:00"


def test_another_workspaces_contacts_are_not_counted(database: Database) -> None:
    arrive(database, "m1")
    count(database)
    count(database, "other")
    assert database.read(lambda c: insights.volume(Workspace(c, "other"), FILTERS, now=NOW)).contacts == 0


@pytest.fixture
def wave(database: Database) -> Database:
    """Thirty quiet days of seven contacts, and one of twenty-five about refunds."""
    for day in range(31):
        for number in range(7 if day else 25):
            got = arrive(database, f"d{day}n{number}", who=f"w{day}x{number}", hours=-24 * day + number / 10)
            triaged(database, got, intent="track_order" if day else "refund_request", draft=None)
    count(database)
    return database


def test_a_wave_is_told_once_with_examples(wave: Database) -> None:
    assert anomaly_looks.look(wave, "shop", now=NOW) == 1
    assert anomaly_looks.look(wave, "shop", now=NOW + timedelta(minutes=59)) == 0
    assert anomaly_looks.look(wave, "shop", now=NOW + timedelta(minutes=61)) == 0  # seen again, told before
    (event,) = [row for row in rows(wave, schema.events) if row["type"] == "anomaly.detected"]
    found = read(wave, insights.anomalies, now=NOW)
    (anomaly,) = found.anomalies
    assert (anomaly.cell.intent, anomaly.observed, anomaly.last_day) == ("refund_request", 25, NOW.date())
    assert event["data"]["anomaly_id"] == anomaly.id
    assert (found.ready, found.history_days) == (True, 30)
    intents = {row["message_id"]: row["intent"] for row in rows(wave, schema.triages)}
    assert [intents[key] for key in anomaly.examples] == ["refund_request"] * 5
    # An example's customer goes, and the example with them.
    owner = wave.read(lambda c: customers_of(Workspace(c, "shop"), anomaly.examples[0]))
    in_shop(wave, lambda w: erasure.erase(w, owner, actor="ann", now=NOW))
    (after,) = read(wave, insights.anomalies, now=NOW).anomalies
    assert after.examples == anomaly.examples[1:]


def customers_of(workspace: Workspace, message_id: str) -> str:
    messages, threads = schema.messages, schema.conversations
    statement = workspace.join(
        workspace.select(messages, threads.c.customer_id), threads, threads.c.id == messages.c.conversation_id
    )
    return str(workspace.value(statement.where(messages.c.id == message_id)))
