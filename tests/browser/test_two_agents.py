"""Two people at one inbox."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser.shop import ADMIN, AGENT, Shop


def test_of_two_agents_who_decide_on_one_draft_one_wins_and_the_other_keeps_the_text(
    shop: Shop, browser: Browser
) -> None:
    message = shop.write("Where is my parcel? It should have been here on Monday.")
    first, second = shop.enter(browser, ADMIN).new_page(), shop.enter(browser, AGENT).new_page()
    for page in (first, second):
        page.goto(f"/conversations/{message['conversation_id']}")
    expect(second.get_by_text(f"Also here: {ADMIN}")).to_be_visible()

    second.get_by_role("button", name="Edit e").click()
    mine = "Hello,\n\nI have just rung the depot: your parcel comes tomorrow.\n\nOmar"
    second.get_by_role("textbox", name="Reply, language: English").fill(mine)
    first.get_by_role("button", name="Approve and send").click()
    expect(first.get_by_role("button", name="Undo")).to_be_visible()
    expect(second.get_by_text("The draft was decided.")).to_be_visible()  # told while still writing

    second.get_by_role("button", name="Approve and send").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else decided on this draft a moment earlier.")
    expect(second.get_by_label("Your text, not sent")).to_have_value(mine)
    expect(first.get_by_text("Sent", exact=True)).to_be_visible()
    found = shop.call("GET", f"/v1/conversations/{message['conversation_id']}")
    sent = [said for said in found["messages"] if said["direction"] == "out"]
    assert len(sent) == 1
    assert "depot" not in sent[0]["text"]


def test_who_edits_an_older_draft_is_shown_both_texts(shop: Shop, browser: Browser) -> None:
    message = shop.write("Where is my parcel? It should have been here on Tuesday.")
    first, second = shop.enter(browser, ADMIN).new_page(), shop.enter(browser, AGENT).new_page()
    for page in (first, second):
        page.goto(f"/conversations/{message['conversation_id']}")
        page.get_by_role("button", name="Edit e").click()
    first.get_by_role("textbox", name="Reply, language: English").fill("Theirs")
    first.get_by_role("button", name="Save edit").click()
    expect(first.get_by_text("revision 2")).to_be_visible()

    second.get_by_role("textbox", name="Reply, language: English").fill("Mine")
    second.get_by_role("button", name="Approve and send").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody changed this draft while you worked on it.")
    expect(second.get_by_text("The draft as it stands now (revision 2)")).to_be_visible()
    expect(second.get_by_text("Theirs", exact=True)).to_be_visible()
    expect(second.get_by_role("textbox", name="Reply, language: English")).to_have_value("Mine")
    second.get_by_role("button", name="Approve and send").click()
    expect(second.get_by_role("button", name="Undo")).to_be_visible()
    expect(second.locator(".body.sent")).to_have_text("Mine")
