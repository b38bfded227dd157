"""Nothing that a customer writes becomes more than text: 500 messages that try (hostile.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import hostile
from tests.browser.hostile import FAMILIES, RUN, Hostile
from tests.browser.shop import DESKTOP, PHONE, Shop, copied, serving, until_triaged
from tests.browser.sitemap import walk
from tests.browser.witness import Witness, too_wide

SAID = "() => [...document.querySelectorAll('.timeline .body')].map(one => one.textContent).join('')"


@dataclass
class Besieged:
    """The shop with the messages, and the conversation of each."""

    shop: Shop
    kept: list[tuple[Hostile, str]]
    wrong: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def besieged(prepared: Path) -> Iterator[Besieged]:
    data = copied(prepared, prepared.with_name("hostile"))
    kept = hostile.insert(data)
    with serving(data) as shop:
        until_triaged(shop)
        hostile.look_for_anomalies(data)
        yield Besieged(shop, kept)


@dataclass
class Reader:
    """A page whose every visit is looked over."""

    page: Page
    witness: Witness
    wrong: list[str] = field(default_factory=list)

    def visit(self, address: str) -> None:
        answer = self.page.goto(address)
        if answer is None or answer.status != 200:
            self.wrong.append(f"{address}: {answer.status if answer else 'no answer'}")
        self.look()

    def look(self) -> None:
        """Notes what is there that no page of ours has, and whether the page is wider than a laptop's or a phone's window."""
        address = self.page.url
        self.wrong += [f"{address}: {found}" for found in self.witness.strange(self.page)]
        for window in (DESKTOP, PHONE):
            self.page.set_viewport_size(window)  # type: ignore[arg-type]
            if more := too_wide(self.page):
                self.wrong.append(f"{address}: {more} px too wide at {window['width']}")

    def verdict(self) -> list[str]:
        return self.wrong + self.witness.all


@pytest.fixture
def reader(besieged: Besieged, browser: Browser) -> Iterator[Reader]:
    context = besieged.shop.enter(browser)
    witness = Witness(besieged.shop.address).watch(context)
    yield Reader(context.new_page(), witness)
    context.close()


def test_the_queue_shows_all_of_them_as_text(besieged: Besieged, reader: Reader) -> None:
    reader.visit("/?status=")
    seen: set[str] = set()
    while True:
        seen |= set(
            reader.page.locator("table.queue tr[data-id]").evaluate_all("rows => rows.map(row => row.dataset.id)")
        )
        following = reader.page.locator("nav.paging a[rel=next]")
        if not following.count():
            break
        following.click()
        reader.page.wait_for_load_state()
        reader.look()
    assert {conversation for _, conversation in besieged.kept} <= seen
    assert reader.verdict() == []


def test_conversations_show_them_as_text(besieged: Besieged, reader: Reader) -> None:
    for one, conversation in besieged.kept[: len(FAMILIES)]:
        reader.visit(f"/conversations/{conversation}")
        said = reader.page.evaluate(SAID)
        if _as_shown(one.arrival.message.text) not in _as_shown(said):
            reader.wrong.append(f"{conversation}: the text is not as it was written: {one.payload[:60]!r}")
        if reader.page.locator("#explain").count() and one.payload.startswith("<s"):
            reader.page.locator("summary", has_text="Words that mattered").click()
            expect(reader.page.locator("#explain .why")).to_be_visible()
            reader.look()
    assert reader.verdict() == []


def test_every_other_page_shows_them_as_text(besieged: Besieged, reader: Reader) -> None:
    for address in walk(reader.page, besieged.shop.address).values():
        reader.visit(address)
    reader.visit("/insights/anomalies")
    assert reader.page.locator('main a[href^="/conversations/"]').count()  # examples of what stands out
    assert reader.verdict() == []


def test_what_arrives_while_the_queue_is_open_is_text(besieged: Besieged, reader: Reader) -> None:
    reader.visit("/?status=open&channel=phone")
    message = besieged.shop.write(
        f"The power bank caught fire and burned my hand! <img src=x onerror={RUN}><script>{RUN}</script>",
        channel="phone",
        by=f"<svg onload={RUN}>",
        subject=f"</td><script>{RUN}</script>",
    )
    row = reader.page.locator(f'tr[data-id="{message["conversation_id"]}"]')
    expect(row).to_contain_text(f"</td><script>{RUN}</script>")
    reader.look()
    assert reader.verdict() == []


@pytest.mark.parametrize(
    "payload", [f"</textarea><script>{RUN}</script>", f'" autofocus onfocus="{RUN}" x="'], ids=["element", "attribute"]
)
def test_what_an_agent_types_is_text(payload: str, besieged: Besieged, reader: Reader) -> None:
    page = reader.page
    message = besieged.shop.write("Where is my parcel? It should have been here on Monday.")
    reader.visit(f"/conversations/{message['conversation_id']}")
    page.get_by_role("button", name="Edit e").click()
    page.locator("#reply").fill(payload)
    expect(page.locator("#preview")).to_contain_text(payload)
    reader.look()
    page.get_by_role("button", name="Approve and send").click()
    expect(page.locator(".body.sent")).to_have_text(payload)
    reader.look()
    reader.visit("/")
    page.get_by_role("searchbox", name="Search").fill(payload)
    page.get_by_role("searchbox", name="Search").press("Enter")
    page.wait_for_url("**/?*q=*")
    expect(page.get_by_role("searchbox", name="Search")).to_have_value(payload)
    reader.look()
    reader.visit("/try")
    page.locator("textarea[name=text]").fill(payload + " Where is my parcel?")
    page.locator("main form button.primary").click()
    expect(page.locator("main")).to_contain_text(payload)
    reader.look()
    besieged.shop.call(
        "PUT", "/v1/articles/hostile-article?language=en", {"title": payload, "body": f"{payload}\n\n## {payload}\n\nx"}
    )
    for address in (
        "/knowledge",
        "/knowledge/articles/hostile-article?language=en",
        "/knowledge/hostile-article?language=en",
    ):
        reader.visit(address)
    assert reader.verdict() == []


def _as_shown(text: str) -> str:
    """Without what no page can hold (NUL and lone surrogates are replaced when they are stored, CR is a line break)."""
    clean = "".join("\ufffd" if one == "\x00" or "\ud800" <= one <= "\udfff" else one for one in text)
    return clean.replace("\r\n", "\n").replace("\r", "\n").strip()
