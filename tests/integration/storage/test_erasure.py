"""Export is complete; erasure leaves nothing, in no table, no file, and a repeated delivery brings nothing back."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, Table

from tests.integration.storage.conftest import NOW
from triage.errors import Conflict, Unknown
from triage.storage import drafts, erasure, idempotency, intake, outbox, schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.events import emit, record
from triage.storage.merging import merge, unmerge
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace
from triage.types import (
    Arrival,
    Attachment,
    Author,
    Customer,
    InboundMessage,
    Order,
    OrderItem,
    Sender,
    Sent,
    ThreadMessage,
)

CANARY = "zqcanary"
ANNA = Sender(name=f"Anna {CANARY}", email=f"{CANARY}@shop.example", phone="+48600555123", helpdesk_id=f"hd-{CANARY}")
BOB = Sender(name="Bob", email="bob@shop.example")


def arrival(key: str, sender: Sender, text: str, *, channel: str = "email", **more: Any) -> Arrival:
    message = InboundMessage(
        text=text, subject=text[:40], channel=channel, received_at=NOW, customer=Customer(name=sender.name, locale="pl-PL"),
        thread=(ThreadMessage(author=Author.AGENT, text=f"earlier: {text}"),),
    )  # fmt: skip
    return Arrival(external_id=key, message=message, sender=sender, **more)


def fill(workspace: Workspace) -> intake.Received:
    """A customer with something in every table, the canary in whatever can hold text."""
    hook = {"url": "https://hook.example", "secret": "s", "types": [], "created_at": NOW}
    workspace.insert(schema.webhooks, id=new_id("whk"), **hook)
    file = Attachment(name=f"{CANARY}.txt", media_type="text/plain", content=f"{CANARY} file".encode())
    received = intake.keep(
        workspace,
        arrival(
            f"<{CANARY}-1@mail.example>", ANNA, f"Where is it? {CANARY} " * 3, attachments=(file,), order_id="TM-1",
            conversation_ref=f"ref-{CANARY}", message_ref=f"<{CANARY}-1@mail.example>", html=f"<p>{CANARY}</p>",
        ),
        now=NOW,
    )  # fmt: skip
    order = Order(
        id="TM-1", items=(OrderItem(title=f"Shoe for {CANARY}"),), customer=Customer(name=f"Anna {CANARY}")
    )  # fmt: skip
    put_order(workspace, order, buyer=ANNA, now=NOW)
    put_order(workspace, replace(order, id=f"{CANARY}-2"), buyer=Sender(email=ANNA.email), now=NOW)
    workspace.insert(
        schema.triages, id=new_id("tri"), message_id=received.message_id, model_version="m", index_version="i",
        language="pl", intent="delivery_late", urgency="high", abstained=False, needs_reply=True, confidence=0.9,
        result={"entities": [{"value": CANARY}]}, vector=CANARY.encode(), created_at=NOW,
    )  # fmt: skip
    workspace.insert(
        schema.labels, id=new_id("lab"), message_id=received.message_id, intents=["other"], actor="ann", created_at=NOW
    )
    for key in (answer(workspace, received), other_draft(workspace, received)):
        record(
            workspace, "reply.failed", key, actor="system", now=NOW, details={"reason": f"550 {CANARY}@shop.example"}
        )
    emit(workspace, "reply.failed", {"conversation_id": received.conversation_id, "reason": f"550 {CANARY}"}, now=NOW)
    idempotency.keep(
        workspace,
        "key-1",
        "0" * 64,
        idempotency.Answer(status=201, body={"id": received.message_id, "x": CANARY}),
        now=NOW,
    )
    for n, body in enumerate(
        (f'{{"from": "{CANARY}@shop.example"}}', f"from={CANARY}%40shop.example", "+48 600-555-123")
    ):
        workspace.insert(
            schema.raw_deliveries, id=new_id("raw"), channel="email", sha256=str(n) * 64, headers={"x": body},
            body=body.encode(), reason="unreadable", received_at=NOW,
        )  # fmt: skip
    workspace.insert(
        schema.seen_deliveries, id=new_id("see"), inbound_id="inb_1", delivery_id=f"<{CANARY}-1@mail.example>",
        received_at=NOW,
    )  # fmt: skip
    return received


def answer(workspace: Workspace, received: intake.Received) -> str:
    key = new_id("drf")
    workspace.insert(
        schema.drafts, id=key, conversation_id=received.conversation_id, message_id=received.message_id, state="pending",
        revision=1, text=f"Dear {CANARY}", language="en", details={"missing": [CANARY]}, model_version="m",
        index_version="i", created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    drafts.revise(workspace, key, text=f"Dear Ms {CANARY}", revision=1, actor="ann", now=NOW)
    drafts.approve(workspace, key, text=f"Dear Ms {CANARY}!", revision=2, actor="ann", now=NOW)
    (claim,) = outbox.claim_replies(workspace._connection, now=NOW)
    outbox.sent(
        workspace, claim, outbox.reply_of(workspace, claim), Sent(provider_id=CANARY, message_ref=CANARY), now=NOW
    )
    return key


def other_draft(workspace: Workspace, received: intake.Received) -> str:
    """A second message of the conversation, whose draft was rejected."""
    more = intake.keep(
        workspace, arrival(f"{CANARY}-3", ANNA, f"Hello? {CANARY}", conversation_ref=f"ref-{CANARY}"), now=NOW
    )
    assert more.conversation_id == received.conversation_id
    key = new_id("drf")
    workspace.insert(
        schema.drafts, id=key, conversation_id=more.conversation_id, message_id=more.message_id, state="pending",
        revision=1, text=CANARY, language="en", details={}, model_version="m", index_version="i", created_at=NOW,
        changed_at=NOW,
    )  # fmt: skip
    drafts.reject(workspace, key, reason="wrong", comment=f"she is {CANARY}", actor="ann", now=NOW)
    return key


def in_shop(database: Database, work: Any, workspace: str = "shop") -> Any:
    return database.write(lambda c: work(Workspace(c, workspace)))


def dump(database: Database, workspace: str = "shop") -> dict[str, list[str]]:
    """Every row of every table as text."""

    def read(connection: Any) -> dict[str, list[str]]:
        found = {}
        for table in schema.SCOPED:
            view = Workspace(connection, workspace)
            found[table.name] = [_text(table, row) for row in view.rows(view.select(table))]
        return found

    return database.read(read)


def _text(table: Table, row: Any) -> str:
    raw = b" ".join(row[c.name] or b"" for c in table.c if isinstance(c.type, LargeBinary))
    return " ".join(str(value) for value in row.values()) + raw.decode("utf-8", "replace")


def holding(database: Database, needle: str = CANARY) -> list[str]:
    return [name for name, rows in dump(database).items() if any(needle in row for row in rows)]


def in_files(path: Path) -> list[str]:
    return [file.name for file in sorted(path.parent.glob(f"{path.name}*")) if CANARY.encode() in file.read_bytes()]


def erase(database: Database, customer: str) -> erasure.Erased:
    return in_shop(database, lambda w: erasure.erase(w, customer, actor="ann", now=NOW))  # type: ignore[no-any-return]


# What never holds a customer's text or identity.
WITHOUT = {
    "agents", "anomalies", "api_keys", "deliveries", "erasures", "figure_days", "figure_looks", "figure_marks",
    "figure_remains", "inbound", "jobs", "labels", "mail_cursors", "presence", "saved_views",
    "sessions", "webhooks",
}  # fmt: skip


def test_the_canary_stands_in_every_table_before(database: Database) -> None:
    bob = in_shop(database, lambda w: intake.keep(w, arrival("b1", BOB, "Hello"), now=NOW))
    anna = in_shop(database, fill)
    other = in_shop(
        database,
        lambda w: intake.keep(
            w, arrival("c1", replace(ANNA, email=f"{CANARY}@work.example", helpdesk_id=None), "Hi"), now=NOW
        ),
    )
    in_shop(database, lambda w: merge(w, anna.customer_id, other.customer_id, actor="ann", now=NOW))
    claim = replace(BOB, helpdesk_id=f"hd-{CANARY}")
    in_shop(database, lambda w: intake.keep(w, arrival("b2", claim, "Hello"), now=NOW))
    names = {table.name for table in schema.SCOPED}
    assert set(holding(database)) == names - WITHOUT - {"merges"}
    assert "+48600555123" in str(dump(database)["merges"])
    gone = erase(database, anna.customer_id)
    assert (gone.customers, gone.conversations, gone.orders, gone.quarantined) == (2, 2, 2, 3)
    # Bob wrote what he wrote; who that once was is told nowhere else.
    assert holding(database) == ["messages"]
    assert all(CANARY not in row for row in dump(database)["messages"] if bob.customer_id in row)
    assert not [name for name in holding(database, "600555123") if name != "messages"]


def test_nothing_is_left_in_rows_file_and_log(database: Database) -> None:
    bob = in_shop(database, lambda w: intake.keep(w, arrival("b1", BOB, "Hello"), now=NOW))
    anna = in_shop(database, fill)
    path = Path(database.engine.url.database or "")
    if database.is_sqlite:
        assert in_files(path)
    erase(database, anna.customer_id)
    assert holding(database) == holding(database, "600555123") == []
    assert database.purge()
    if database.is_sqlite:
        assert in_files(path) == []
    tables = dump(database)
    assert len(tables["customers"]) == len(tables["messages"]) == 1
    assert len(tables["jobs"]) == 1
    assert bob.customer_id in tables["customers"][0]
    print(f"\nerasure: the canary stands in {len(holding(database))} of {len(schema.SCOPED)} tables")


def test_what_was_erased_does_not_come_back(database: Database) -> None:
    anna = in_shop(database, fill)
    erase(database, anna.customer_id)
    again = intake.receive(database, "shop", arrival(f"<{CANARY}-1@mail.example>", ANNA, f"Where? {CANARY}"), now=NOW)
    assert again.duplicate
    assert again.message_id == "erased"
    for number in ("TM-1", "# tm-1", f"{CANARY}-2"):
        assert in_shop(database, lambda w, n=number: put_order(w, Order(id=n), buyer=ANNA, now=NOW)) == "erased"
    assert holding(database) == []
    new = intake.receive(database, "shop", arrival("new", ANNA, "Hello again"), now=NOW)
    assert not new.duplicate
    assert new.customer_id != anna.customer_id


def test_another_workspace_keeps_and_gets_its_own(database: Database) -> None:
    anna = in_shop(database, fill)
    there = intake.receive(database, "other", arrival(f"<{CANARY}-1@mail.example>", ANNA, CANARY), now=NOW)
    for call in (
        lambda w: erasure.erase(w, there.customer_id, actor="eve", now=NOW),
        lambda w: erasure.export(w, there.customer_id),
    ):
        with pytest.raises(Unknown):
            in_shop(database, call)
    erase(database, anna.customer_id)
    exported = in_shop(database, lambda w: erasure.export(w, there.customer_id), "other")
    assert len(exported["conversations"]) == 1


def test_who_was_merged_goes_with_the_survivor_and_not_alone(database: Database) -> None:
    anna = in_shop(database, fill)
    bob = in_shop(database, lambda w: intake.keep(w, arrival("b1", BOB, "Hello"), now=NOW))
    in_shop(database, lambda w: merge(w, bob.customer_id, anna.customer_id, actor="ann", now=NOW))
    with pytest.raises(Conflict) as raised:
        erase(database, anna.customer_id)
    assert raised.value.reason == "already_merged"
    erase(database, bob.customer_id)
    assert holding(database) == []
    assert dump(database)["customers"] == []


def test_after_a_merge_was_taken_back_each_is_erased_alone(database: Database) -> None:
    bob, carl, anna = (
        in_shop(database, lambda w, s=sender, k=key: intake.keep(w, arrival(k, s, "Hi"), now=NOW))
        for key, sender in (("b", BOB), ("c", Sender(email="carl@shop.example", phone=ANNA.phone)), ("a", ANNA))
    )
    inner = in_shop(database, lambda w: merge(w, bob.customer_id, anna.customer_id, actor="x", now=NOW))
    outer = in_shop(database, lambda w: merge(w, carl.customer_id, bob.customer_id, actor="x", now=NOW))
    in_shop(database, lambda w: unmerge(w, outer, actor="x", now=NOW))
    in_shop(database, lambda w: unmerge(w, inner, actor="x", now=NOW))
    erase(database, anna.customer_id)
    assert holding(database) == []
    assert len(dump(database)["customers"]) == 2
    assert "600555123" not in str(dump(database)["merges"])


def test_what_they_wrote_in_anothers_conversation_goes_too(database: Database) -> None:
    bob = in_shop(database, lambda w: intake.keep(w, arrival("b1", BOB, "Hello", conversation_ref="t1"), now=NOW))
    shared = replace(BOB, phone=ANNA.phone)
    anna = in_shop(database, lambda w: intake.keep(w, arrival("a1", ANNA, f"My own {CANARY}"), now=NOW))
    in_shop(database, lambda w: intake.keep(w, arrival("a2", ANNA, f"Me too {CANARY}", conversation_ref="t1"), now=NOW))
    kept = in_shop(database, lambda w: intake.keep(w, arrival("b2", shared, "Mine", conversation_ref="t1"), now=NOW))
    exported = in_shop(database, lambda w: erasure.export(w, anna.customer_id))
    assert [message["external_id"] for message in exported["elsewhere"]] == ["a2"]
    erase(database, anna.customer_id)
    assert holding(database) == []
    table = schema.messages
    left = in_shop(database, lambda w: [row["id"] for row in w.rows(w.select(table).order_by(table.c.seq))])
    assert left == [bob.message_id, kept.message_id]


def test_naming_somebodys_order_does_not_erase_it(database: Database) -> None:
    for number, name in (("TM-8", "Bob"), ("TM-9", f"ANNA {CANARY}")):
        in_shop(
            database,
            lambda w, n=number, who=name: put_order(w, Order(id=n, customer=Customer(name=who)), now=NOW),
        )
    for number in ("TM-8", "TM-9"):
        anna = in_shop(
            database, lambda w, n=number: intake.keep(w, arrival(f"a{n}", ANNA, "Mine?", order_id=n), now=NOW)
        )
    assert erase(database, anna.customer_id).orders == 1
    assert len(dump(database)["orders"]) == 1
    assert "TM-8" in dump(database)["orders"][0]


def test_an_erasure_under_way_is_found_by_the_worker(database: Database) -> None:
    anna = in_shop(database, fill)
    key = new_id("drf")
    more = in_shop(database, lambda w: intake.keep(w, arrival("m9", ANNA, "Hm"), now=NOW))
    in_shop(
        database,
        lambda w: w.insert(
            schema.drafts, id=key, conversation_id=more.conversation_id, message_id=more.message_id, state="pending",
            revision=1, text="x", language="en", details={}, model_version="m", index_version="i", created_at=NOW,
            changed_at=NOW,
        ),
    )  # fmt: skip
    in_shop(database, lambda w: drafts.approve(w, key, text="x", revision=1, actor="ann", now=NOW))
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    prepared = in_shop(database, lambda w: outbox.reply_of(w, claim))
    erase(database, anna.customer_id)
    in_shop(database, lambda w: outbox.sent(w, claim, prepared, Sent(provider_id="p"), now=NOW))
    assert dump(database)["messages"] == []


def test_an_export_holds_everything(database: Database) -> None:
    anna = in_shop(database, fill)
    found = in_shop(database, lambda w: erasure.export(w, anna.customer_id))
    text = json.dumps(found)
    (conversation,) = found["conversations"]
    first, out, second = conversation["messages"]
    assert (first["direction"], out["direction"], second["direction"]) == ("in", "out", "in")
    assert first["text"].startswith("Where is it?")
    assert first["attachments"][0]["content"] == "enFjYW5hcnkgZmlsZQ=="
    assert first["triages"][0]["result"] == {"entities": [{"value": CANARY}]}
    assert first["labels"][0]["intents"] == ["other"]
    (draft,) = first["drafts"]
    assert [r["text"] for r in draft["revisions"]] == [f"Dear {CANARY}", f"Dear Ms {CANARY}"]
    assert draft["approvals"][0]["text"] == f"Dear Ms {CANARY}!"
    assert draft["outbox"][0]["provider_id"] == CANARY
    assert second["drafts"][0]["rejections"][0]["comment"] == f"she is {CANARY}"
    assert {order["id"] for order in found["orders"]} == {"TM-1", f"{CANARY}-2".upper()}
    assert all(event["deliveries"] for event in found["events"])
    assert {identity["kind"] for identity in found["identities"]} == {"email", "phone", "helpdesk"}
    assert len(found["quarantined"]) == 3
    for name in ("orders", "customers", "messages", "approvals"):
        for row in in_shop(database, lambda w, n=name: w.rows(w.select(schema.metadata.tables[n]))):
            for column in ("id", "name", "text", "subject", "sha256", "external_id", "html"):
                if row.get(column):
                    assert json.dumps(row[column])[1:-1] in text


@pytest.mark.parametrize("seed", range(3))
def test_no_byte_is_left_between_others_rows(database: Database, seed: int) -> None:
    """Texts of all sizes, written between those of others, so that pages split and cells move."""
    dice = random.Random(seed)
    theirs = None
    for n in range(120):
        mine = n % 3 == 0
        sender = ANNA if mine else Sender(email=f"p{dice.randrange(20)}@shop.example")
        text = ((CANARY if mine else "otherword") + " ") * dice.choice((1, 5, 40, 300, 2000))
        more = intake.receive(
            database, "shop", arrival(f"{CANARY if mine else 'm'}{n}", sender, text), now=NOW + timedelta(minutes=n)
        )
        theirs = more if mine else theirs
    assert theirs is not None
    erase(database, theirs.customer_id)
    assert database.purge()
    assert holding(database) == []
    if database.is_sqlite:
        assert in_files(Path(database.engine.url.database or "")) == []


def test_messages_that_come_while_their_customer_is_erased_are_kept_or_gone(database: Database) -> None:
    first = intake.receive(database, "shop", arrival("m0", ANNA, "0", conversation_ref="t1"), now=NOW)
    failures: list[BaseException] = []

    def many(name: int) -> None:
        for n in range(10):
            ref = "t1" if n % 2 else None
            try:
                intake.receive(database, "shop", arrival(f"{name}-{n}", ANNA, "x", conversation_ref=ref), now=NOW)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=many, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    gone = erase(database, first.customer_id)
    for thread in threads:
        thread.join()
    assert failures == []
    tables = dump(database)
    assert len(tables["messages"]) + gone.messages == 41
    assert not [row for name, rows in tables.items() for row in rows if name != "audit" and first.customer_id in row]
