"""Views, bulk actions, assignment, closing, the filters of the queue."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from tests.unit.api.shop import *  # noqa: F403 - the fixtures
from tests.unit.api.shop import Shop
from triage.storage import presence, schema
from triage.storage.workspace import Workspace
from triage.testing import FixedClassifier
from triage.types import Attachment


def _shown(page: str) -> set[str]:
    return set(re.findall(r'class="open" href="/conversations/(\w+)"', page))


def _count(page: str, name: str) -> str | None:
    found = re.search(
        rf'<span class="name">(?:<bdi>)?{name}(?:</bdi>)?</span>(?: <span class="count">([\d,]+)</span>)?', page
    )
    assert found, name
    return found[1]


def test_a_conversation_is_given_to_an_agent_and_back(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    shop.colleague("bea")
    other = shop.received("Mine too", by="zoë")
    assert "Assigned." in shop.post(f"/conversations/{conversation}/assign", assignee="bea").text
    assert shop.state(conversation)["assignee"] == "bea"
    page = shop.browser.get("/", params={"assignee": "bea"}).text
    assert _shown(page) == {conversation}
    assert '<bdi class="agent">bea</bdi>' in page
    shop.post(f"/conversations/{conversation}/assign", assignee="agent")
    mine = shop.browser.get("/?assignee=me").text
    assert (_shown(mine), _count(mine, "Mine"), _count(mine, "Unassigned")) == ({conversation}, "1", "1")
    assert _shown(shop.browser.get("/?assignee=-").text) == {other}
    assert "Nothing was changed" in shop.post(f"/conversations/{conversation}/assign", assignee="agent").text
    assert "No agent here" in shop.post(f"/conversations/{conversation}/assign", assignee="nobody").text
    shop.post(f"/conversations/{conversation}/assign", assignee="")
    assert shop.state(conversation)["assignee"] is None
    done = [(row["actor"], row["details"]["assignee"]) for row in shop.rows(schema.audit)
            if row["action"] == "conversation.assigned"]  # fmt: skip
    assert done == [("agent:agent", "bea"), ("agent:agent", "agent"), ("agent:agent", None)]


def test_a_closed_conversation_leaves_the_queue_and_opens_again(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    due = shop.state(conversation)["due_at"]
    page = shop.post(f"/conversations/{conversation}/close").text
    assert "It opens by itself when the customer writes again" in unescape(page)
    assert conversation not in shop.browser.get("/").text
    assert conversation in shop.browser.get("/?status=closed").text
    assert shop.state(conversation)["due_at"] is None
    shop.post(f"/conversations/{conversation}/reopen")
    state = shop.state(conversation)
    assert (state["status"], state["due_at"]) == ("open", due.replace(microsecond=0))
    actions = [row["action"] for row in shop.rows(schema.audit) if row["subject"] == conversation]
    assert actions == ["conversation.closed", "conversation.reopened"]


def test_a_closed_conversation_opens_when_the_customer_writes_again(shop: Shop) -> None:
    for channel in ("chat", "sms"):
        conversation = shop.received("My parcel is late", channel=channel)
        shop.post(f"/conversations/{conversation}/close")
        assert shop.received("It is still not here", channel=channel) == conversation
        assert shop.state(conversation)["status"] == "open"


def test_what_was_closed_while_its_reply_left_stays_closed(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    shop.post(f"/drafts/{shop.draft(conversation)['id']}/approve", text="Soon.", revision="1")
    shop.post(f"/conversations/{conversation}/close")
    shop.clock.moment += timedelta(minutes=1)
    shop.work()
    assert [row["text"] for row in shop.rows(schema.messages) if row["direction"] == "out"] == ["Soon."]
    assert shop.state(conversation)["status"] == "closed"


@pytest.mark.parametrize("action", ["assign", "close", "reopen"])
def test_handling_needs_the_sessions_token_and_a_conversation(shop: Shop, action: str) -> None:
    conversation = shop.received("My parcel is late")
    before = shop.state(conversation)
    assert shop.browser.post(f"/conversations/{conversation}/{action}", data={"assignee": "agent"}).status_code == 403
    assert shop.browser.post("/bulk", data={"action": action, f"c.{conversation}": "on"}).status_code == 403
    assert shop.browser.post("/views", data={"name": "x"}).status_code == 403
    assert shop.state(conversation) == before
    assert shop.post(f"/conversations/none/{action}", assignee="agent").status_code == 404


def test_bulk_actions_tell_what_became_of_each(shop: Shop) -> None:
    first, second = (shop.received(f"My parcel {by} is late", by=by) for by in ("anna", "bo"))
    shop.post(f"/conversations/{second}/close")
    page = shop.post(
        "/bulk", action="close", filter="status=", **{f"c.{first}": "on", f"c.{second}": "on", "c.none": "on"}
    ).text
    assert "Done for 1 conversation." in page
    assert "2 stayed as they were" in page
    assert "was so already" in page
    assert "is not here any more" in page
    assert {shop.state(key)["status"] for key in (first, second)} == {"closed"}
    shop.post("/bulk", action="reopen", **{f"c.{first}": "on", f"c.{second}": "on"})
    shop.post("/bulk", action="assign", assignee="", **{f"c.{first}": "on"})
    assert shop.state(first)["assignee"] == "agent"
    assert "no such agent" in shop.post("/bulk", action="assign", assignee="ghost", **{f"c.{first}": "on"}).text
    shop.post("/bulk", action="unassign", **{f"c.{first}": "on"})
    assert shop.state(first)["assignee"] is None


def test_bulk_rejects_drafts_with_a_reason_and_approves_none(shop: Shop) -> None:
    first, second = (shop.received(f"My parcel {by} is late", by=by) for by in ("anna", "bo"))
    shop.post(f"/drafts/{shop.draft(second)['id']}/reject", reason="other")
    page = shop.post("/bulk", action="reject", reason="wrong_tone", **{f"c.{first}": "on", f"c.{second}": "on"}).text
    assert "Done for 1 conversation." in page
    assert "no draft waits here" in page
    assert {row["reason"] for row in shop.rows(schema.rejections)} == {"wrong_tone", "other"}
    third = shop.received("And mine?", by="cy")
    assert "Choose conversations first" in shop.post("/bulk", action="approve", **{f"c.{third}": "on"}).text
    assert "Choose conversations first" in shop.post("/bulk", action="close").text
    assert shop.rows(schema.approvals) == []
    assert shop.draft(third)["state"] == "pending"


def test_a_bulk_form_may_name_a_whole_page_and_no_more(shop: Shop) -> None:
    ids = [shop.write("late", by=f"c{n}") for n in range(50)]
    shop.post("/bulk", action="close", filter="status=open", **{f"c.{key}": "on" for key in ids})
    assert {row["status"] for row in shop.rows(schema.conversations)} == {"closed"}
    assert shop.post("/bulk", action="close", **{f"c.{n}": "on" for n in range(200)}).status_code == 422


def test_views_are_kept_counted_and_deleted(shop: Shop) -> None:
    shop.received("My parcel is late", channel="email", by="anna")
    shop.received("My parcel is late", channel="chat", by="bo")
    answer = shop.post(
        "/views", name=" E-mail  late ", filter="status=open&channel=email&q=anna&customer=cus_1&order=TM-1"
    )
    assert answer.url.params["channel"] == "email"
    assert _count(answer.text, "E-mail late") == "1"
    (view,) = shop.rows(schema.saved_views)
    assert (view["filters"], view["shared"], view["owner"]) == ({"status": "open", "channel": "email"}, False, "agent")
    shop.post("/views", name="Everything", filter="status=", shared="1")
    assert _count(shop.browser.get("/").text, "Everything") == "2"
    shop.post(f"/views/{view['id']}/delete")
    shop.post("/views/none/delete")
    assert [row["name"] for row in shop.rows(schema.saved_views)] == ["Everything"]
    shop.post("/views", name="  ", filter="status=open")
    assert len(shop.rows(schema.saved_views)) == 1


def test_an_agent_keeps_views_for_nobody_else_and_deletes_none_of_theirs(shop: Shop) -> None:
    shop.post("/views", name="All", filter="status=", shared="1")
    shop.post("/views", name="Own", filter="status=waiting")
    shop.colleague("bea")
    assert shop.browser.post("/login", data={"name": "bea", "password": "right"}).status_code == 200
    page = shop.browser.get("/").text
    assert "<bdi>All</bdi>" in page
    assert "<bdi>Own</bdi>" not in page
    for row in shop.rows(schema.saved_views):
        shop.post(f"/views/{row['id']}/delete")
    shop.post("/views", name="Bea's", filter="status=waiting", shared="1")
    assert {(row["name"], row["shared"]) for row in shop.rows(schema.saved_views)} == {
        ("All", True), ("Own", False), ("Bea's", False),
    }  # fmt: skip


def test_the_queue_is_narrowed_by_clock_age_order_doubt_and_who_is_there(open_shop: Callable[..., Shop]) -> None:
    class ByTurn(FixedClassifier):
        calls = 0

        def predict(self, features: Any, **_: Any) -> Any:
            self.calls += 1
            return FixedClassifier("delivery_late", abstained=self.calls == 2).prediction

    shop = open_shop(ByTurn())
    shop.browser.post("/login", data={"name": "agent", "password": "right"})
    now = datetime.now(UTC)
    old = shop.write("Where is TM-10428?", by="anna", received_at=now - timedelta(hours=30))
    new = shop.write("Where is it?", by="bo", received_at=now - timedelta(minutes=90))
    shop.work()
    shop.database.write(lambda c: presence.arrive(Workspace(c, "demo"), new, "bea", now=now))
    for query, wanted in (
        ({"due": "late"}, {old}), ({"due": "24h"}, {old, new}), ({"due": "1h"}, {old}), ({"due": "x"}, {old, new}),
        ({"age": "1h"}, {old, new}), ({"age": "1d"}, {old}), ({"age": "3d"}, set()), ({"order": "# tm-10428"}, {old}),
        ({"unsure": "1"}, {new}), ({"on": "somebody"}, {new}), ({"on": "nobody"}, {old}),
        ({"customer": shop.state(old)["customer_id"]}, {old}), ({"customer": "none"}, set()),
    ):  # fmt: skip
        page = shop.browser.get("/", params=query).text
        assert _shown(page) == wanted, query
    assert re.search(r"<bdi>bea</bdi><span class=\"hidden\"> has this conversation open", shop.browser.get("/").text)
    assert "Also here: bea" in shop.page(new)


def test_rows_alone_hold_what_changes_and_no_page_around(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    rows = shop.browser.get("/?part=rows").text
    assert f'data-id="{conversation}"' in rows
    assert 'id="figures"' in rows
    assert "<html" not in rows


def test_a_customers_whole_timeline_spans_conversations(shop: Shop) -> None:
    file = Attachment(name="photo.png", media_type="image/png", content=b"x")
    first = shop.received("I want to order", channel="email", by="anna", attachments=(file,))
    second = shop.received("Where is it?", channel="chat", by="anna")
    page = shop.page(second)
    assert "I want to order" not in page.split('class="timeline"')[1].split("</ol>")[0]
    whole = shop.browser.get(f"/conversations/{second}?all=1").text
    timeline = whole.split('<ol class="timeline">')[1].split("</section>")[0]
    assert timeline.index("I want to order") < timeline.index("Where is it?")
    assert f'<a href="/conversations/{first}">another conversation</a>' in timeline
    assert "photo.png" in timeline


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("photo.png", "attachment; filename=\"photo.png\"; filename*=UTF-8''photo.png"),
        ("../../etc/pass\"wd\r\nX: y", "attachment; filename=\"_.._etc_pass_wdX_ y\"; filename*=UTF-8''_.._etc_pass_wdX_%20y"),
        ("ﾒ\u202egnp.exe", None), ("\x00", None), ("\u202e", "attachment; filename=\"attachment\"; filename*=UTF-8''attachment"),
        ("zażółć.pdf", "attachment; filename=\"zazoc.pdf\"; filename*=UTF-8''za%C5%BC%C3%B3%C5%82%C4%87.pdf"),
        ("a" * 500 + ".pdf", None), ("。．／x", None),
    ],
)  # fmt: skip
def test_a_file_is_downloaded_under_a_safe_name(shop: Shop, name: str, header: str | None) -> None:
    file = Attachment(name=name, media_type="text/html", content=b"<script>alert(1)</script>")
    conversation = shop.received("See the photo", attachments=(file,))
    found = re.search(r'href="(/attachments/\w+)"', shop.page(conversation))
    assert found
    answer = shop.browser.get(found[1])
    assert answer.content == file.content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    disposition = answer.headers["content-disposition"]
    assert header is None or disposition == header
    assert disposition.startswith('attachment; filename="')
    assert "\u202e" not in disposition
    assert len(disposition) < 800
    assert "%2F" not in disposition
    assert "%E2%80%AE" not in disposition


def test_a_file_of_nobody_or_of_another_workspace_is_not_there(shop: Shop) -> None:
    assert shop.browser.get("/attachments/att_none").status_code == 404


def test_a_draft_shows_what_it_rests_on_breaks_and_asks_for(shop: Shop) -> None:
    conversation = shop.received("My parcel is late", channel="amazon")
    page = shop.page(conversation)
    assert re.search(r'<span class="cited" data-source="1">[^<]*we open an enquiry', page)
    assert 'class="ref" href="#source-1"' in page
    assert '<li id="source-1">' in page
    assert 'href="/knowledge/delivery-late?language=en"' in page
    draft = shop.draft(conversation)
    edited = shop.post(f"/drafts/{draft['id']}/preview", text="See https://shop.example/x <b>now</b>").text
    assert '<mark class="broken" title="link">https://shop.example/x</mark>' in edited
    assert "&lt;b&gt;now" in edited
    assert "<html" not in edited
    assert shop.post("/drafts/none/preview", text="x").status_code == 404
    assert shop.draft(conversation) == draft


def test_missing_facts_are_marked_where_the_draft_asks_for_them(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    draft = schema.drafts
    details = {
        "citations": [],
        "missing": ["order_number"],
        "policy_warnings": [],
        "method": "extractive",
        "confidence": 0.5,
    }
    text = "Hello,\n\nPlease send me your order number. Thank you."
    shop.database.write(
        lambda c: Workspace(c, "demo").run(Workspace(c, "demo").update(draft).values(text=text, details=details))
    )
    page = shop.page(conversation)
    assert '<mark class="asked" title="asks for: order number">Please send me your order number.</mark>' in page
    assert "<strong>Missing:</strong> order number" in page


@pytest.mark.parametrize(("channel", "unit"), [("allegro", "characters"), ("sms", "characters")])
def test_the_counter_names_the_channels_unit(shop: Shop, channel: str, unit: str) -> None:
    page = shop.page(shop.received("My parcel is late", channel=channel))
    assert f'data-unit="{unit}"' in page
    assert ("SMS segments" in page) == (channel == "sms")


def test_why_shows_words_and_what_agents_corrected_before(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop()
    shop.browser.post("/login", data={"name": "agent", "password": "right"})
    first = shop.received("My parcel is late again", by="anna")
    second = shop.received("My parcel is late again, why?", by="bo")
    message = shop.draft(second)["message_id"]
    page = shop.browser.get(f"/messages/{message}/why").text
    assert "Words that mattered" in page
    assert "None yet" in page
    shop.post(f"/messages/{shop.draft(first)['message_id']}/labels", intent="track_order", shown_intent="delivery_late")
    part = shop.browser.get(f"/messages/{message}/why?part=1").text
    assert f'href="/conversations/{first}"' in part
    assert "track order" in part
    assert "<html" not in part
    assert shop.browser.get("/messages/none/why").status_code == 404


def test_one_click_on_a_ranked_alternative_corrects(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    page = shop.page(conversation)
    assert re.search(r'<button class="bare link" name="intent" value="refund_request"', page)
    shown = {"shown_intent": "delivery_late", "shown_urgency": "normal", "shown_language": "en"}
    shop.post(f"/messages/{shop.draft(conversation)['message_id']}/labels", intent="refund_request", **shown)
    (label,) = shop.rows(schema.labels)
    assert (label["intents"], label["urgency"], label["language"]) == (["refund_request"], None, None)
    assert shop.state(conversation)["intent"] == "refund_request"


def test_scripts_name_what_they_import_by_its_content_and_the_next_page_is_fetched_ahead(shop: Shop) -> None:
    answer = shop.browser.get(f"/conversations/{shop.received('My parcel is late')}")
    entry = re.search(r'src="(/static/inbox\.js\?\w+)"', answer.text)
    assert entry
    imported = re.findall(r'from "\./([\w.]+\?\w{12})"', shop.browser.get(entry[1]).text)
    assert len(imported) == 3
    for address in imported:
        assert shop.browser.get(f"/static/{address}").headers["content-type"].startswith("text/javascript")
    rules = shop.browser.get(answer.headers["speculation-rules"].strip('"'))
    assert rules.headers["content-type"] == "application/speculationrules+json"
    assert rules.json()["prefetch"][0]["where"] == {"selector_matches": "#next[href]"}
