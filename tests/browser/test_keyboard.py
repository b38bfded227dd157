"""The inbox without a mouse."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.shop import AGENT, Shop

FOCUSED = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return {name: one.localName, text: (one.innerText || one.value || one.getAttribute("aria-label") || "").trim().slice(0, 40),
          ring: style.outlineStyle !== "none" || style.boxShadow !== "none", seen: box.width > 0 && box.height > 0};
}"""


def test_a_draft_is_approved_with_keys_alone(shop: Shop, browser: Browser) -> None:
    message = shop.write("Where is my parcel? It should have been here on Thursday.", by="Kim Keysmith")
    other = shop.write("The vase came broken. I would like a refund.", by="Kai Keysmith")
    page = shop.enter(browser, AGENT).new_page()
    page.goto("/")

    def press(key: str) -> None:
        page.locator("html.script").wait_for()  # a page is seen a moment before its script runs
        page.keyboard.press(key)

    press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("keysmith")
    press("Enter")
    expect(page.locator("table.queue tbody tr")).to_have_count(2)

    press("j")
    expect(page.locator("table.queue a.open").nth(0)).to_be_focused()
    press("j")
    expect(page.locator("table.queue a.open").nth(1)).to_be_focused()
    press("k")
    press("Enter")
    page.wait_for_url("**/conversations/*")
    order = [message["conversation_id"], other["conversation_id"]]
    opened = page.url.rsplit("/", 1)[1]
    assert opened in order

    press("i")
    expect(page.get_by_role("combobox", name="Agent")).to_have_value(AGENT)
    press("e")
    reply = page.get_by_role("textbox", name="Reply, language: English")
    expect(reply).to_be_focused()
    page.keyboard.type("\n\nWith keys alone.")
    press("Escape")
    expect(reply).not_to_be_focused()
    press("a")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    press("u")
    expect(page.get_by_role("button", name="Approve and send")).to_be_visible()
    press("a")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.locator(".body.sent")).to_contain_text("With keys alone.")

    press("j")
    page.wait_for_url(lambda url: opened not in url)
    press("r")
    expect(page.get_by_role("combobox", name="Reason")).to_be_focused()
    press("Tab")
    press("Tab")
    expect(page.get_by_role("button", name="Reject the draft")).to_be_focused()
    press("Enter")
    expect(page.get_by_text("Rejected", exact=True)).to_be_visible()
    press("g")
    press("i")
    expect(page.get_by_role("searchbox", name="Search")).to_have_value("keysmith")  # the queue as it was left


def test_the_list_of_keys_opens_and_closes(shop: Shop, browser: Browser) -> None:
    page = shop.enter(browser, AGENT).new_page()
    page.goto("/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    page.keyboard.press("j")  # no key acts behind it
    expect(page.locator("table.queue a.open").first).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.wait_for_function("() => !document.activeElement.closest('dialog')")  # the focus leaves it a frame later
    page.keyboard.press("j")
    expect(page.locator("table.queue a.open").first).to_be_focused()

    page.keyboard.press("?")
    dialog.get_by_role("checkbox", name="Single keys are on").uncheck()
    page.keyboard.press("Escape")
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).not_to_be_focused()


def test_the_first_stop_of_the_tab_key_leads_past_the_navigation(shop: Shop, browser: Browser) -> None:
    page = shop.enter(browser, AGENT).new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_the_tab_key_goes_through_a_conversation_in_reading_order(shop: Shop, browser: Browser) -> None:
    message = shop.write("Where is my parcel? It should have been here on Friday.")
    page = shop.enter(browser, AGENT).new_page()
    page.goto(f"/conversations/{message['conversation_id']}")
    stops = _stops(page, 60)
    assert all(stop["seen"] for stop in stops), stops
    assert all(stop["ring"] for stop in stops), [stop for stop in stops if not stop["ring"]]
    said = [stop["text"] for stop in stops]

    def place(text: str) -> int:
        return next(number for number, one in enumerate(said) if one.startswith(text))

    order = ("To the content", "Inbox", "Log out", "Assign to me", "Approve and send", "Reject")
    assert [place(text) for text in order] == sorted(place(text) for text in order), said


def _stops(page: Page, most: int) -> list[dict[str, Any]]:
    """What the Tab key reaches, until it has gone round."""
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUSED)
        if stop["name"] == "body":
            break
        found.append(stop)
    return found
