"""One customer over all channels: profile, merging and taking back, suggestions, the timeline."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.storage.conftest import NOW
from triage.conversations.identity import Identity
from triage.errors import Conflict, InvalidMessage, Unknown
from triage.storage import customers, drafts, intake, merging, outbox, schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.merging import merge, unmerge
from triage.storage.orders import put_order
from triage.storage.owners import living
from triage.storage.suggestions import Reason, suggestions
from triage.storage.timeline import timeline
from triage.storage.workspace import Workspace
from triage.types import Arrival, Attachment, Customer, InboundMessage, Order, Sender, Sent

T = TypeVar("T")
ANNA, WORK = Sender(name="Anna Nowak", email="anna@shop.example"), Sender(email="a.nowak@work.example")
_keys = itertools.count()


def write(
    database: Database,
    sender: Sender,
    *,
    channel: str = "email",
    minutes: int = 0,
    workspace: str = "shop",
    **more: Any,
) -> intake.Received:
    moment = NOW + timedelta(minutes=minutes)
    message = InboundMessage(
        text=f"Where is my parcel? {next(_keys)}", channel=channel, received_at=moment, customer=Customer()
    )
    arrival = Arrival(external_id=f"m{next(_keys)}", message=message, sender=sender, **more)
    return intake.receive(database, workspace, arrival, now=moment)


def in_shop(database: Database, work: Callable[[Workspace], T], workspace: str = "shop") -> T:
    return database.write(lambda c: work(Workspace(c, workspace)))


def join(database: Database, survivor: str, merged: str) -> str:
    return in_shop(database, lambda w: merge(w, survivor, merged, actor="ann", now=NOW))


def take_back(database: Database, key: str) -> str:
    return in_shop(database, lambda w: unmerge(w, key, actor="ann", now=NOW))


def profile(database: Database, customer: str) -> customers.Profile:
    return in_shop(database, lambda w: customers.profile(w, customer))


def conversations_of(database: Database, customer: str) -> set[str]:
    table = schema.conversations
    return in_shop(
        database,
        lambda w: {row[0] for row in w.tuples(w.select(table, table.c.id).where(table.c.customer_id == customer))},
    )


def reply(database: Database, received: intake.Received, text: str = "On its way.") -> None:
    """Drafts, approves and sends an answer."""
    draft = new_id("drf")
    in_shop(
        database,
        lambda w: w.insert(
            schema.drafts, id=draft, conversation_id=received.conversation_id, message_id=received.message_id,
            state="pending", revision=1, text=text, language="en", details={}, model_version="m", index_version="i",
            created_at=NOW, changed_at=NOW,
        ),
    )  # fmt: skip
    in_shop(database, lambda w: drafts.approve(w, draft, text=text, revision=1, actor="ann", now=NOW))
    later = NOW + timedelta(hours=1)
    for claim in database.write(lambda c: outbox.claim_replies(c, now=later)):

        def send(workspace: Workspace, claim: Any = claim) -> None:
            outbox.sent(workspace, claim, outbox.reply_of(workspace, claim), Sent(provider_id="p"), now=later)

        in_shop(database, send)


def triaged(database: Database, received: intake.Received, intent: str = "delivery_late") -> None:
    in_shop(
        database,
        lambda w: w.insert(
            schema.triages, id=new_id("tri"), message_id=received.message_id, model_version="m", index_version="i",
            language="pl", intent=intent, urgency="high", abstained=False, needs_reply=True, confidence=0.9,
            result={"intents": [intent, "refund_request"]}, created_at=NOW,
        ),
    )  # fmt: skip


def test_the_profile_tells_who_it_is(database: Database) -> None:
    first = write(database, Sender(name="Anna", email="Anna@Shop.example", phone="+48 600 100 200"))
    write(database, Sender(email="anna@shop.example"), minutes=5)
    in_shop(database, lambda w: put_order(w, Order(id="#tm 1"), email="anna@shop.example", now=NOW))
    found = profile(database, first.customer_id)
    assert found.identities == (Identity("email", "anna@shop.example"), Identity("phone", "+48600100200"))
    assert (found.name, found.conversations, found.channels) == ("Anna", 2, ("email",))
    assert (found.first_contact_at, found.last_contact_at) == (NOW, NOW + timedelta(minutes=5))
    assert [stored.order.id for stored in found.orders] == ["#tm 1"]


def test_a_merge_moves_everything_and_taking_it_back_gives_everything_back(database: Database) -> None:
    survivor, merged = write(database, WORK), write(database, ANNA)
    in_shop(database, lambda w: put_order(w, Order(id="TM-1"), email="anna@shop.example", now=NOW))
    before = profile(database, survivor.customer_id), profile(database, merged.customer_id)
    key = join(database, survivor.customer_id, merged.customer_id)
    joined = profile(database, survivor.customer_id)
    assert {i.value for i in joined.identities} == {"anna@shop.example", "a.nowak@work.example"}
    assert (joined.name, joined.conversations, len(joined.orders)) == ("Anna Nowak", 2, 1)
    assert [(m.merge_id, m.customer_id, m.name) for m in joined.merged] == [(key, merged.customer_id, "Anna Nowak")]
    assert profile(database, merged.customer_id) == joined
    assert take_back(database, key) == merged.customer_id
    assert (profile(database, survivor.customer_id), profile(database, merged.customer_id)) == before


def test_after_a_merge_a_message_goes_to_the_survivor_and_stays_there(database: Database) -> None:
    survivor, merged = write(database, WORK), write(database, ANNA)
    key = join(database, survivor.customer_id, merged.customer_id)
    later = write(database, ANNA)
    assert later.customer_id == survivor.customer_id
    take_back(database, key)
    assert conversations_of(database, survivor.customer_id) == {survivor.conversation_id, later.conversation_id}
    assert conversations_of(database, merged.customer_id) == {merged.conversation_id}
    assert write(database, ANNA).customer_id == merged.customer_id


def test_chains_are_taken_back_in_any_order(database: Database) -> None:
    a, b, c = (write(database, Sender(email=f"{name}@shop.example")) for name in "abc")
    inner = join(database, b.customer_id, a.customer_id)
    outer = join(database, c.customer_id, b.customer_id)
    assert {living_of(database, x.customer_id) for x in (a, b, c)} == {c.customer_id}
    assert len(profile(database, a.customer_id).merged) == 2
    take_back(database, inner)
    assert conversations_of(database, a.customer_id) == {a.conversation_id}
    assert conversations_of(database, c.customer_id) == {b.conversation_id, c.conversation_id}
    again = join(database, c.customer_id, a.customer_id)
    take_back(database, outer)
    assert conversations_of(database, b.customer_id) == {b.conversation_id}
    assert conversations_of(database, c.customer_id) == {a.conversation_id, c.conversation_id}
    take_back(database, again)
    assert conversations_of(database, a.customer_id) == {a.conversation_id}


def living_of(database: Database, customer: str) -> str:
    return in_shop(database, lambda w: living(w, customer))


def test_what_was_filled_in_by_a_merge_goes_with_it(database: Database) -> None:
    a, b, c = write(database, ANNA), write(database, WORK), write(database, Sender(email="c@shop.example"))
    inner = join(database, b.customer_id, a.customer_id)
    outer = join(database, c.customer_id, b.customer_id)
    assert profile(database, c.customer_id).name == "Anna Nowak"
    take_back(database, inner)
    assert profile(database, c.customer_id).name is None
    take_back(database, outer)
    assert (profile(database, b.customer_id).name, profile(database, a.customer_id).name) == (None, "Anna Nowak")


def test_a_merge_that_cannot_be_is_refused(database: Database) -> None:
    a, b, c = (write(database, Sender(email=f"{name}@shop.example")).customer_id for name in "abc")
    with pytest.raises(Conflict, match="itself"):
        join(database, a, a)
    key = join(database, a, b)
    for pair in ((c, b), (b, c), (a, b)):
        with pytest.raises(Conflict) as raised:
            join(database, *pair)
        assert raised.value.reason == "already_merged"
    take_back(database, key)
    with pytest.raises(Conflict) as raised:
        take_back(database, key)
    assert raised.value.reason == "already_undone"
    with pytest.raises(Unknown):
        join(database, a, "cus_nobody")


def test_another_workspaces_customer_is_unknown(database: Database) -> None:
    here, there = write(database, ANNA), write(database, WORK, workspace="other")
    key = in_shop(
        database,
        lambda w: merge(w, there.customer_id, write_in(w, Sender(email="x@shop.example")), actor="eve", now=NOW),
        "other",
    )
    calls: list[Callable[[Workspace], Any]] = [
        lambda w: customers.profile(w, there.customer_id),
        lambda w: timeline(w, there.customer_id),
        lambda w: suggestions(w, there.customer_id),
        lambda w: merge(w, here.customer_id, there.customer_id, actor="eve", now=NOW),
        lambda w: merge(w, there.customer_id, here.customer_id, actor="eve", now=NOW),
        lambda w: unmerge(w, key, actor="eve", now=NOW),
        lambda w: merging.get_merge(w, key),
    ]
    for call in calls:
        with pytest.raises(Unknown):
            in_shop(database, call)


def write_in(workspace: Workspace, sender: Sender) -> str:
    message = InboundMessage(text="Hello", channel="email", received_at=NOW, customer=Customer())
    return intake.keep(
        workspace, Arrival(external_id=f"m{next(_keys)}", message=message, sender=sender), now=NOW
    ).customer_id


def test_a_phone_shared_by_two_people_is_a_suggestion_only(database: Database) -> None:
    phone = "+48 600 100 200"
    anna = write(database, Sender(name="Anna Nowak", email="anna@shop.example", phone=phone))
    jan = write(database, Sender(name="Jan Nowak", email="jan@shop.example", phone=phone))
    assert anna.customer_id != jan.customer_id
    assert profile(database, jan.customer_id).claimed == (Identity("phone", "+48600100200"),)
    assert write(database, Sender(phone=phone), channel="sms").customer_id == anna.customer_id
    for mine, other in ((anna, jan), (jan, anna)):
        (found,) = in_shop(database, lambda w, c=mine.customer_id: suggestions(w, c))
        assert found.customer_id == other.customer_id
        assert found.reasons == (Reason("phone", "+48600100200"),)
    key = join(database, anna.customer_id, jan.customer_id)
    assert in_shop(database, lambda w: suggestions(w, anna.customer_id)) == ()
    take_back(database, key)
    assert len(in_shop(database, lambda w: suggestions(w, jan.customer_id))) == 1


def test_two_who_wrote_the_same_phone_and_name_come_first(database: Database) -> None:
    phone = "+48 600 100 200"
    owner = write(database, Sender(phone=phone), channel="sms")
    first = write(database, Sender(name="Anna  NOWAK", email="anna@shop.example", phone=phone))
    second = write(database, Sender(name="anna nowak", email="anna@work.example", phone=phone))
    found = in_shop(database, lambda w: suggestions(w, first.customer_id))
    assert [s.customer_id for s in found] == [second.customer_id, owner.customer_id]
    assert {reason.kind for reason in found[0].reasons} == {"phone", "name"}


def test_a_name_alone_suggests_nobody(database: Database) -> None:
    first = write(database, Sender(name="Anna", email="anna@shop.example"))
    write(database, Sender(name="Anna", email="anna@work.example"))
    assert in_shop(database, lambda w: suggestions(w, first.customer_id)) == ()


def test_an_order_that_both_write_about_is_a_suggestion(database: Database) -> None:
    mail = write(database, ANNA, order_id="TM-1")
    chat = write(database, Sender(handle="anna.k"), channel="chat", order_id="#tm-1")
    in_shop(
        database,
        lambda w: put_order(
            w, Order(id="tm-2"), buyer=Sender(email="anna@shop.example", phone="+48600100200"), now=NOW
        ),
    )
    phone = write(database, Sender(phone="+48600100200"), channel="sms")
    found = {s.customer_id: s.reasons for s in in_shop(database, lambda w: suggestions(w, mail.customer_id))}
    assert found == {
        chat.customer_id: (Reason("order", "TM-1"),), phone.customer_id: (Reason("phone", "+48600100200"),)
    }  # fmt: skip
    assert [s.customer_id for s in in_shop(database, lambda w: suggestions(w, phone.customer_id))] == [mail.customer_id]


def test_the_timeline_goes_across_channels_newest_first(database: Database) -> None:
    file = Attachment(name="label.pdf", media_type="application/pdf", content=b"%PDF")
    mail = write(database, Sender(email="anna@shop.example", phone="+48600100200"), attachments=(file,))
    triaged(database, mail)
    reply(database, mail)
    chat = write(database, Sender(phone="+48600100200"), channel="whatsapp", minutes=5)
    page = in_shop(database, lambda w: timeline(w, mail.customer_id))
    assert [(e.message["direction"], e.message["channel"]) for e in page.entries] == [
        ("out", "email"), ("in", "whatsapp"), ("in", "email"),
    ]  # fmt: skip
    assert page.cursor is None
    first = page.entries[-1]
    assert first.triage is not None
    assert first.draft is not None
    assert (first.triage["intent"], first.draft["state"]) == ("delivery_late", "sent")
    assert [f["name"] for f in first.attachments] == ["label.pdf"]
    assert page.entries[1].message["id"] == chat.message_id


def test_pages_of_the_timeline_neither_repeat_nor_miss(database: Database) -> None:
    received = [write(database, ANNA, minutes=n // 3) for n in range(11)]  # some at the same moment
    seen: list[str] = []
    cursor = None
    while True:
        page = in_shop(database, lambda w, c=cursor: timeline(w, received[0].customer_id, limit=3, cursor=c))
        seen += [entry.message["id"] for entry in page.entries]
        write(database, ANNA, minutes=60)  # newer than the first page: shifts none
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(r.message_id for r in received)


@pytest.mark.parametrize("cursor", ["", "x", "bm8=", "WzEsMiwzXQ==", "WyIwMDAxLTAxLTAxVDAwOjAwKzE0OjAwIiwxLCJ4Il0="])
def test_a_made_up_cursor_is_refused(database: Database, cursor: str) -> None:
    received = write(database, ANNA)
    with pytest.raises(InvalidMessage):
        in_shop(database, lambda w: timeline(w, received.customer_id, cursor=cursor))


def test_messages_that_come_while_customers_are_merged_are_not_left_behind(database: Database) -> None:
    survivor, merged = write(database, WORK), write(database, ANNA)

    def many() -> None:
        for _ in range(10):
            write(database, ANNA)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    join(database, survivor.customer_id, merged.customer_id)
    for thread in threads:
        thread.join()
    assert conversations_of(database, merged.customer_id) == set()
    assert len(conversations_of(database, survivor.customer_id)) == 42


NAMES = "abcd"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from([None, *NAMES])),
        st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("unmerge"), st.integers(0, 9), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_merged_and_taken_back_nothing_is_lost(database: Database, steps: list[tuple[Any, ...]]) -> None:
    workspace_id = f"ws{next(_keys)}"
    database.write(
        lambda c: c.execute(schema.workspaces.insert().values(id=workspace_id, brand="b", settings={}, created_at=NOW))
    )
    database.write(lambda c: _run(Workspace(c, workspace_id), steps))


def _run(workspace: Workspace, steps: list[tuple[Any, ...]]) -> None:
    born: dict[str, str] = {}  # conversation: who began it, were nothing ever merged
    merges: list[str] = []
    for step, first, second in steps:
        people = sorted(row[0] for row in workspace.tuples(workspace.select(schema.customers, schema.customers.c.id)))
        if step == "write":
            sender = Sender(email=f"{first}@shop.example", phone=second and f"+4860010020{NAMES.index(second)}")
            message = InboundMessage(text="Hello", channel="email", received_at=NOW, customer=Customer())
            received = intake.keep(
                workspace, Arrival(external_id=f"m{len(born)}", message=message, sender=sender), now=NOW
            )
            assert living(workspace, received.customer_id) == received.customer_id
            born[received.conversation_id] = received.customer_id
        elif step == "merge" and people:
            try:
                merges.append(
                    merge(workspace, people[first % len(people)], people[second % len(people)], actor="x", now=NOW)
                )
            except Conflict:
                continue
        elif step == "unmerge" and merges:
            unmerge(workspace, merges.pop(first % len(merges)), actor="x", now=NOW)
        _check(workspace, born)
    for key in merges:
        unmerge(workspace, key, actor="x", now=NOW)
    _check(workspace, born)
    for conversation, customer in _owners(workspace, schema.conversations).items():
        assert customer == born[conversation]  # with every merge taken back, each has what was begun as theirs


def _check(workspace: Workspace, born: dict[str, str]) -> None:
    people = {row["id"]: row["merged_into"] for row in workspace.rows(workspace.select(schema.customers))}
    alive = {customer for customer, into in people.items() if into is None}
    threads = _owners(workspace, schema.conversations)
    assert set(threads) == set(born)
    assert set(threads.values()) <= alive
    assert set(_owners(workspace, schema.identities).values()) <= alive
    claims = workspace.rows(workspace.select(schema.weak_identities))
    assert {row["customer_id"] for row in claims} <= alive


def _owners(workspace: Workspace, table: Any) -> dict[str, str]:
    return {row["id"]: row["customer_id"] for row in workspace.rows(workspace.select(table))}
