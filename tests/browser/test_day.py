"""An agent's day, from log-in to the last chart, in one go and with the mouse."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.shop import ADMIN, Shop, log_in, patient
from tests.browser.witness import Witness

FIRE = "The power bank caught fire on my desk tonight and burned my daughter's hand. Please call me at once!"
LATE = "Where is my parcel? It should have been here on Wednesday."
ENGRAVING = "Can you engrave a name on the bottle before you send it?"


def test_a_day_at_the_inbox(shop: Shop, browser: Browser) -> None:
    context = browser.new_context(base_url=shop.address, viewport={"width": 1280, "height": 800}, locale="en-GB")
    patient(context)
    witness = Witness(shop.address).watch(context)
    page = context.new_page()

    page.goto("/knowledge")  # what one wanted to see is there after the log-in
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Login").fill(ADMIN)
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    witness.errors.clear()  # the browser itself notes the refusal, 401
    log_in(page, ADMIN)

    _a_critical_message_joins_on_top(shop, page)
    _approved_taken_back_approved(page)
    _rejected_with_a_reason(shop, page)
    _corrected(shop, page)
    _searched(shop, page)
    _an_article_is_used_by_the_next_draft(shop, page)
    _every_page_opens(page)

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert witness.all == []
    context.close()


def _a_critical_message_joins_on_top(shop: Shop, page: Page) -> None:
    page.goto("/")
    page.evaluate("window.notReloaded = true")
    message = shop.write(FIRE, by="Judith Fire")
    row = page.get_by_role("row").filter(has=page.locator(f'a[href="/conversations/{message["conversation_id"]}"]'))
    expect(row).to_contain_text("critical")
    expect(row).to_have_js_property("sectionRowIndex", 0)
    expect(page.get_by_text("A critical message has come in.")).to_be_visible()
    assert page.evaluate("window.notReloaded")
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Draft reply")).to_be_visible()
    expect(page.locator(".timeline")).to_contain_text("burned my daughter")


def _approved_taken_back_approved(page: Page) -> None:
    reply = page.get_by_role("textbox", name="Reply, language: English")
    expect(page.locator("#preview")).to_contain_text("Your safety comes first.")
    page.get_by_role("link", name=re.compile("Source 1")).first.click()
    expect(page.get_by_role("heading", name="Sources of the draft")).to_be_visible()
    page.get_by_role("button", name="Edit e").click()
    expect(reply).to_be_focused()
    before = page.locator("#count").inner_text()
    reply.fill(reply.input_value() + "\n\nI am calling you now.")
    expect(page.locator("#count")).not_to_have_text(before)
    expect(page.locator("#preview")).to_contain_text("I am calling you now.")  # read anew while it is written
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_text("leaves in")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Approve and send")).to_be_visible()
    expect(page.locator("#preview")).to_contain_text("I am calling you now.")
    page.get_by_role("button", name="Approve and send").click()
    expect(page.get_by_text("Sent", exact=True)).to_be_visible()  # the page sees it leave
    expect(page.locator(".body.sent")).to_contain_text("I am calling you now.")


def _rejected_with_a_reason(shop: Shop, page: Page) -> None:
    page.goto(f"/conversations/{shop.write(LATE)['conversation_id']}")
    page.locator("summary", has_text="Reject").click()
    page.get_by_role("combobox", name="Reason").select_option(label="wrong tone")
    page.get_by_label("Comment").fill("too cool for the third time they ask")
    page.get_by_role("button", name="Reject the draft").click()
    expect(page.get_by_text("Rejected", exact=True)).to_be_visible()
    expect(page.get_by_text("wrong tone")).to_be_visible()
    expect(page.get_by_text("too cool for the third time they ask")).to_be_visible()


def _corrected(shop: Shop, page: Page) -> None:
    page.goto(f"/conversations/{shop.write(LATE)['conversation_id']}")
    page.locator("summary", has_text="Words that mattered").click()
    expect(page.locator("#explain").get_by_role("heading", name="Corrected messages like this one")).to_be_visible()
    page.locator("summary", has_text="Correct it otherwise").click()
    page.get_by_role("combobox", name="Intent").select_option(value="complaint")
    page.get_by_role("combobox", name="Urgency").select_option(value="high")
    page.get_by_role("button", name="Keep the correction").click()
    expect(page.get_by_text(f"Corrected by {ADMIN}.")).to_be_visible()
    expect(page.get_by_role("region", name="Why?")).to_contain_text("complaint ✓")


def _searched(shop: Shop, page: Page) -> None:
    message = shop.write("My zanzibarian lantern has a crack in the glass.", by="Nadia Lantern")
    page.goto("/")
    page.get_by_role("searchbox", name="Search").fill("zanzibarian")
    page.get_by_role("searchbox", name="Search").press("Enter")
    expect(page.locator("table.queue tbody tr")).to_have_count(1)
    expect(page.locator("table.queue a.open")).to_have_attribute("href", f"/conversations/{message['conversation_id']}")
    page.get_by_role("searchbox", name="Search").fill("nothing is called like this")
    page.get_by_role("searchbox", name="Search").press("Enter")
    expect(page.get_by_text("Nothing here.")).to_be_visible()
    page.get_by_role("link", name="All open conversations").click()
    expect(page.locator("table.queue tbody tr").first).to_be_visible()


def _an_article_is_used_by_the_next_draft(shop: Shop, page: Page) -> None:
    page.goto("/knowledge")
    page.get_by_role("link", name="New article").first.click()
    page.get_by_label("Title").fill("Can you engrave a name on an item?")
    page.get_by_label("Text (Markdown)").fill(
        "Yes, we engrave a name on every steel bottle before we send it. It costs 6 EUR and takes 2 working days.\n\n"
        "## How to order an engraving\n\nWrite the name, at most 14 letters, into the note of your order."
    )
    page.get_by_role("button", name="Preview").first.click()
    expect(page.get_by_text("It is searched as 2 passages")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_role("status").first).to_be_visible()
    message = shop.write(ENGRAVING)
    page.goto(f"/conversations/{message['conversation_id']}")
    expect(page.locator("#preview")).to_contain_text("we engrave a name on every steel bottle")
    page.locator(".sources").get_by_text("Can you engrave a name on an item?").first.wait_for()


def _every_page_opens(page: Page) -> None:
    """Each link in the navigation and within its sections leads to a page with a heading."""
    page.goto("/")
    for section in ("/insights", "/settings", "/knowledge"):
        page.locator(f'nav a[href="{section}"]').first.click()
        within = page.locator("main a").evaluate_all(
            f"links => [...new Set(links.map(a => a.pathname))].filter(path => path.startsWith('{section}/'))"
        )
        assert within, section
        for path in within[:20]:
            if path.endswith((".csv", "/file")):
                continue
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            expect(page.get_by_role("heading", level=1).first).to_be_visible()
