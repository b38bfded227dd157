"""The inbox over a SQLite file, with the worker's rounds run by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from api.inbox.seat import FORM_LIMIT
from tests.unit.api.shop import *  # noqa: F403 - the fixtures
from tests.unit.api.shop import Shop, form_token
from triage.storage import schema
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace
from triage.testing import FixedClassifier
from triage.types import (
    ArrivalKind,
    Attachment,
    Author,
    Order,
    ThreadMessage,
    Urgency,
)

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e order TM-10428 is late"


def _reply(page: str) -> str:
    """What a browser puts into the textarea: the parser drops the line break that follows the tag."""
    found = re.search(r'<textarea id="reply"[^>]*>\n(.*?)</textarea>', page, re.S)
    assert found
    return unescape(found[1])


def test_without_a_session_every_page_leads_to_the_log_in(open_shop: Callable[..., Shop]) -> None:
    made = open_shop()
    conversation = made.received("My parcel is late")
    draft = made.draft(conversation)["id"]
    for path in ("/", f"/conversations/{conversation}", "/try"):
        assert "Log in" in made.browser.get(path).text
    for path in ("/try", f"/drafts/{draft}/approve", f"/drafts/{draft}/undo", "/messages/x/labels"):
        assert "Log in" in made.browser.post(path, data={"text": "x", "revision": "1"}).text
    assert made.draft(conversation)["state"] == "pending"


def test_queue_conversation_and_log_out(shop: Shop) -> None:
    conversation = shop.write("My parcel is late", name="Anna Kowalska")
    queue = shop.browser.get("/").text
    assert "still reading 1 message" in queue
    assert "being read" in queue
    assert "still reading the newest message" in shop.page(conversation)
    shop.work()
    queue = shop.browser.get("/").text
    assert f'href="/conversations/{conversation}"' in queue
    assert "draft ready" in queue
    assert re.search(r"in 23\sh \d+\smin", queue)
    assert "still reading" not in queue
    page = shop.page(conversation)
    for part in (
        "Draft reply",
        "Anna Kowalska",
        "delivery late",
        "My parcel is late",
        "anna@customers.example",
        "Model fixed",
    ):
        assert part in page
    assert "we open an enquiry" in _reply(page)
    assert shop.browser.get("/conversations/none").status_code == 404
    shop.browser.post("/logout", data={"token": form_token(queue)})
    assert "Log in" in shop.browser.get("/").text


def test_hostile_text_shows_as_text(shop: Shop) -> None:
    thread = (ThreadMessage(author=Author.CUSTOMER, text=HOSTILE),)
    attachment = Attachment(name="<i>x</i>.png", media_type="image/<b>", content=b"x")
    conversation = shop.received(
        HOSTILE, by="<b>eve</b>", subject="<i>late</i>", thread=thread, attachments=(attachment,)
    )
    page = shop.page(conversation)
    draft = shop.draft(conversation)
    stale = shop.post(f"/drafts/{draft['id']}/save", text="</textarea>" + HOSTILE, revision="9")
    reject = shop.post(f"/drafts/{draft['id']}/reject", reason=HOSTILE, comment=HOSTILE)
    pages = [shop.browser.get("/"), shop.browser.get("/", params={"q": HOSTILE, "intent": HOSTILE}), stale, reject]
    for text, headers in [(page, pages[0].headers), *((found.text, found.headers) for found in pages)]:
        assert "<script>" not in text
        assert "<img" not in text
        assert "<b>" not in text
        assert "<i>" not in text
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
    assert '<mark title="order number">TM-10428</mark>' in page
    assert page.count("<script") == 1
    assert _reply(stale.text) == "</textarea>" + HOSTILE


def test_an_approval_sends_exactly_the_text_once(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)
    text = "\n Dear Anna,\r\nit arrives today.\r\rYours \U0001f600\n"
    address = f"/drafts/{draft['id']}/approve"
    first = shop.post(address, text=text, revision="1")
    assert "leaves in" in first.text
    assert first.url.path == f"/conversations/{conversation}"
    again = shop.post(address, text=text, revision="1")
    assert again.status_code == 409
    assert "Somebody else decided" in again.text
    shop.clock.moment += timedelta(minutes=1)
    shop.work()
    shop.work()
    sent = [row for row in shop.rows(schema.messages) if row["direction"] == "out"]
    assert [row["text"] for row in sent] == ["\n Dear Anna,\nit arrives today.\n\nYours \U0001f600\n"]
    assert [row["actor"] for row in shop.rows(schema.audit) if row["action"] == "draft.approved"] == ["agent:agent"]
    page = shop.page(conversation)
    assert "<strong>Sent</strong> · <bdi>agent</bdi>" in page
    assert 'id="undo"' not in page
    assert conversation not in shop.browser.get("/").text
    assert conversation in shop.browser.get("/?status=waiting").text


def test_a_draft_approved_as_shown_is_not_edited(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    shown = _reply(shop.page(conversation)).replace("\n", "\r\n")
    shop.post(f"/drafts/{shop.draft(conversation)['id']}/approve", text=shown, revision="1")
    (approval,) = shop.rows(schema.approvals)
    assert not approval["edited"]


@pytest.mark.parametrize("action", ["approve", "save", "reject", "undo", "resolve"])
@pytest.mark.parametrize("token", [{}, {"token": "0" * 64}, {"token": "ü"}])
def test_a_form_without_the_sessions_token_is_refused(shop: Shop, action: str, token: dict[str, str]) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)
    form = {"text": "x", "revision": "1", "reason": "other", **token}
    assert shop.browser.post(f"/drafts/{draft['id']}/{action}", data=form).status_code == 403
    assert shop.draft(conversation) == draft
    message = draft["message_id"]
    assert shop.browser.post(f"/messages/{message}/labels", data={"urgency": "low", **token}).status_code == 403
    assert shop.rows(schema.labels) == []


def test_a_conflict_keeps_the_edit_and_shows_the_other_text(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)["id"]
    assert "The edit is saved" in shop.post(f"/drafts/{draft}/save", text="Their text", revision="1").text
    late = shop.post(f"/drafts/{draft}/approve", text="My own\r\nlong edit", revision="1")
    assert late.status_code == 409
    assert "Somebody changed this draft" in late.text
    assert _reply(late.text) == "My own\nlong edit"
    assert "Their text" in late.text
    assert 'name="revision" value="2"' in late.text
    assert shop.rows(schema.approvals) == []
    shop.post(f"/drafts/{draft}/approve", text=_reply(late.text), revision="2")
    (approval,) = shop.rows(schema.approvals)
    assert approval["text"] == "My own\nlong edit"


def test_a_newer_message_keeps_the_edit_and_shows_both(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)["id"]
    assert shop.write("Never mind, it came!") == conversation
    for newest in ("still reading the newest message", "The draft as it stands now"):
        late = shop.post(f"/drafts/{draft}/approve", text="My edit", revision="1")
        assert late.status_code == 409
        assert "The customer has written again" in late.text
        assert "Never mind, it came!" in late.text
        assert _reply(late.text) == "My edit"
        assert newest in late.text
        shop.work()
    assert shop.rows(schema.approvals) == []


def test_what_is_no_reply_is_refused_and_kept(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    address = f"/drafts/{shop.draft(conversation)['id']}/approve"
    assert shop.post(address, text=" \r\n ", revision="1").status_code == 422
    long = shop.post(address, text="\u4e2d" * 64_001, revision="1")
    assert long.status_code == 422
    assert len(_reply(long.text)) == 64_001
    for revision in ("", "x", "-1", "٣", "9" * 400):
        assert shop.post(address, text="x", revision=revision).status_code == 409
    assert shop.post("/drafts/none/approve", text="x", revision="1").status_code == 404
    assert shop.post("/drafts/none/reject", reason="other").status_code == 404
    assert shop.post("/messages/none/labels", urgency="low").status_code == 404
    assert shop.rows(schema.approvals) == []


def test_an_approval_can_be_undone_until_it_leaves(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)["id"]
    shop.post(f"/drafts/{draft}/approve", text="Too fast", revision="1")
    back = shop.post(f"/drafts/{draft}/undo")
    assert "Taken back" in back.text
    assert _reply(back.text) == "Too fast"
    shop.post(f"/drafts/{draft}/approve", text="Now", revision="2")
    shop.clock.moment += timedelta(minutes=1)
    shop.work()
    late = shop.post(f"/drafts/{draft}/undo")
    assert late.status_code == 409
    assert "has left already" in late.text
    assert [row["text"] for row in shop.rows(schema.messages) if row["direction"] == "out"] == ["Now"]


def test_a_reply_that_is_uncertain_waits_for_what_a_person_found_out(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)["id"]
    shop.post(f"/drafts/{draft}/approve", text="Here", revision="1")
    for table in (schema.outbox, schema.drafts):
        with shop.database.engine.begin() as connection:
            connection.execute(table.update().values(state="uncertain"))
    assert "may have taken it" in shop.page(conversation)
    page = shop.post(f"/drafts/{draft}/resolve", outcome="arrived").text
    assert "<strong>Sent</strong> · <bdi>agent</bdi>" in page
    late = shop.post(f"/drafts/{draft}/resolve", outcome="again")
    assert (late.status_code, "nobody's decision" in unescape(late.text)) == (409, True)


def test_a_rejection_gives_its_reason(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    page = shop.post(f"/drafts/{shop.draft(conversation)['id']}/reject", reason="wrong_tone", comment="too stiff").text
    assert "<strong>Rejected</strong> · <bdi>agent</bdi>" in page
    assert "wrong tone" in page
    assert "too stiff" in page
    (rejection,) = shop.rows(schema.rejections)
    assert (rejection["reason"], rejection["actor"]) == ("wrong_tone", "agent:agent")


def test_a_correction_holds_only_what_was_changed(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    address = f"/messages/{shop.draft(conversation)['message_id']}/labels"
    shown = {"shown_intent": "delivery_late", "shown_urgency": "normal", "shown_language": "en"}
    same = shop.post(address, intent="delivery_late", urgency="normal", language="en", **shown)
    assert "Nothing was changed" in same.text
    assert "Nothing was changed" in shop.post(address, intent="dance", urgency="huge", language="xx", **shown).text
    page = shop.post(address, intent="delivery_late", urgency="critical", language="en", **shown).text
    assert "The correction is kept" in page
    assert "Corrected by agent" in page
    assert '<option value="critical" selected>' in page
    (label,) = shop.rows(schema.labels)
    assert (label["intents"], label["urgency"], label["language"], label["actor"]) == (
        [],
        "critical",
        None,
        "agent:agent",
    )


def test_the_queue_is_narrowed_searched_and_paged(shop: Shop) -> None:
    ids = {shop.write(f"My parcel {number} is late", by=f"c{number}") for number in range(60)}
    other = shop.write("100% cotton?", by="zoë", channel="email", subject="A question")
    for _ in range(70):
        shop.worker.round()
    first = shop.browser.get("/").text
    pages = [first]
    while found := re.search(r'href="([^"]+)" rel="next"', pages[-1]):
        pages.append(shop.browser.get(unescape(found[1])).text)
    seen = [key for page in pages for key in re.findall(r'class="open" href="/conversations/(\w+)"', page)]
    assert len(pages) == 2
    assert sorted(seen) == sorted({*ids, other})
    for query, wanted in (
        ({"channel": "email"}, True), ({"channel": "chat"}, False), ({"q": "100% COT"}, True), ({"q": "100_cot"}, False),
        ({"q": "ZOë"}, True), ({"q": "question"}, True), ({"intent": "track_order"}, False),
        ({"language": "en", "channel": "email"}, True),
        ({"urgency": "critical"}, False), ({"status": "closed"}, False), ({"status": "", "channel": "email"}, True),
        ({"q": "\0"}, False),
    ):  # fmt: skip
        found_it = f'href="/conversations/{other}"' in shop.browser.get("/", params=query).text
        assert found_it == wanted, query
    nonsense = shop.browser.get("/", params={"cursor": "nonsense", "channel": "email"})
    assert (nonsense.status_code, nonsense.url.params["channel"]) == (200, "email")


def test_critical_conversations_stand_first(open_shop: Callable[..., Shop]) -> None:
    class ByTurn(FixedClassifier):
        calls = 0

        def predict(self, features: Any, **_: Any) -> Any:
            self.calls += 1
            urgency = Urgency.CRITICAL if self.calls in (2, 4) else Urgency.HIGH
            return FixedClassifier("delivery_late", urgency=urgency).prediction

    made = open_shop(ByTurn())
    made.browser.post("/login", data={"name": "agent", "password": "right"})
    hours = (9, 3, 6, 5)
    now = datetime.now(UTC)
    ids = [made.write(f"late {n}", by=f"c{n}", received_at=now - timedelta(hours=h)) for n, h in enumerate(hours)]
    made.work()
    shown = re.findall(r'class="open" href="/conversations/(\w+)"', made.browser.get("/").text)
    assert shown == [ids[3], ids[1], ids[0], ids[2]]


def test_the_page_shows_the_customer_the_order_the_thread_and_what_was_asked_before(shop: Shop) -> None:
    order = Order(id="TM-10428", status="in_transit", carrier="DHL", total="54.90", currency="EUR")
    now = datetime.now(UTC)
    shop.database.write(lambda c: put_order(Workspace(c, "demo"), order, email="anna@customers.example", now=now))
    earlier = shop.received("Where is TM-10428?", received_at=now - timedelta(days=9))
    thread = (ThreadMessage(author=Author.AGENT, text="We are looking into it.", at=now),)
    text = "TM-10428 is still not here\n\nOn Mon, 4 May 2026 at 10:00, Shop <shop@shop.example> wrote:\n> Hello Anna"
    later = shop.received(text, channel="email", subject="Late", thread=thread)
    page = shop.page(later)
    assert later != earlier
    assert "Asked before:" in page
    assert page.count(f'href="/conversations/{earlier}"') == 2
    for part in ("this matter", "€54.90", "DHL", "We are looking into it.", "email", "handle"):
        assert part in page
    own, folded = page.split('<details class="quoted">', 1)
    assert "still not here" in own
    assert "Hello Anna" not in own
    assert "Hello Anna" in folded


def test_automatic_messages_and_those_that_cannot_be_read_are_shown(shop: Shop) -> None:
    away = shop.received("I am away", kind=ArrivalKind.AUTO_REPLY, by="bot", channel="email")
    assert "automatic message, not triaged" in shop.page(away)
    blank = shop.received("\u200b", by="blank")
    assert "could not read this message" in shop.page(blank)
    queue = shop.browser.get("/").text
    assert "the assistant could not read it" in queue
    assert "late by" in queue


def test_a_message_without_need_of_a_reply_has_no_draft(open_shop: Callable[..., Shop]) -> None:
    made = open_shop(FixedClassifier("praise", needs_reply=False))
    made.browser.post("/login", data={"name": "agent", "password": "right"})
    conversation = made.received("Thank you!")
    page = made.page(conversation)
    assert "No reply is needed" in page
    assert "no reply needed" in made.browser.get("/?status=").text
    assert 'id="reply"' not in page


def test_a_draft_that_reads_from_the_right_is_shown_so(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = schema.drafts
    shop.database.write(
        lambda c: Workspace(c, "demo").run(Workspace(c, "demo").update(draft).values(language="ar", text="مرحبا"))
    )
    page = shop.page(conversation)
    assert re.search(r'<textarea id="reply"[^>]* dir="rtl" lang="ar"', page)
    assert 'data-unit="characters" data-limit="2000"' in page
    assert "5 of 2,000 characters</span> · Arabic" in page


def test_a_message_can_be_tried(shop: Shop) -> None:
    page = shop.post("/try", text=HOSTILE, channel="amazon")
    assert page.status_code == 200
    assert "Draft reply" in page.text
    assert page.text.count("<script") == 1
    assert shop.post("/try", text="  ").status_code == 422
    assert shop.browser.post("/try", data={"token": "0" * 64, "text": "x"}).status_code == 403
    assert shop.post("/try", text="x" * FORM_LIMIT).status_code == 413
    assert shop.post("/try", **{f"f{n}": "x" for n in range(30)}).status_code == 422
    assert shop.rows(schema.messages) == []


def test_script_and_style_are_our_own_and_nothing_else_is_served(shop: Shop) -> None:
    page = shop.browser.get("/").text
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert shop.browser.get(address).status_code == 200
    assert all(
        re.match(r"[/#](?!/)|data:,$", address) for address in re.findall(r'(?:src|href|action)="([^"]+)"', page)
    )
    assert " style=" not in page
    assert not re.search(r"\son\w+=", page)
    for name in ("..%2fdesk.py", "pages.py", "none"):
        assert shop.browser.get(f"/static/{name}").status_code == 404
