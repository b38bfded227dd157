"""Every page that links lead to: quiet, within the window, and usable by everybody (WCAG 2.2 AA as far as axe-core sees)."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.browser.shop import ADMIN, AGENT, LEAD, PHONE, Shop
from tests.browser.sitemap import walk
from tests.browser.witness import Witness, too_wide

GRAVE = ("serious", "critical")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """async (options) => (await axe.run({exclude: [["tr:nth-child(n+16)"], ["ol > li:nth-child(n+16)"]]},
  {...options, resultTypes: ["violations"]})).violations"""
"""Rows of a long list look alike: a look at the first says it all, in a third of the time."""


@pytest.fixture(scope="module")
def addresses(shop: Shop, browser: Browser) -> dict[str, str]:
    """One address of each kind of page that an admin can reach."""
    context = shop.enter(browser, ADMIN)
    page = context.new_page()
    found = walk(page, shop.address)
    context.close()
    assert {
        "/",
        "/conversations/*",
        "/knowledge",
        "/insights",
        "/settings",
        "/settings/agents",
        "/try",
        "/account",
    } <= set(found)
    return found


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_every_page_is_quiet_fits_a_phone_and_passes_axe(
    locale: str, shop: Shop, browser: Browser, addresses: dict[str, str]
) -> None:
    context = shop.enter(browser, ADMIN, locale=locale)
    witness = Witness(shop.address).watch(context)
    page = context.new_page()
    wrong: list[str] = []
    for kind, address in addresses.items():
        answer = page.goto(address)
        if answer is None or answer.status != 200:
            wrong.append(f"{kind}: {answer.status if answer else 'no answer'}")
            continue
        wrong += [
            f"{kind}: {found}" for found in [*_shape(page, locale), *_findings(page, locale), *witness.strange(page)]
        ]
    wrong += witness.all
    context.close()
    assert wrong == [], "\n".join(wrong)


def test_what_is_wrong_with_a_page_is_found(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    witness = Witness("http://127.0.0.1").watch(page.context)
    page.set_content(
        "<html lang=en dir=ltr><title>x</title><main><h1>x</h1><p style='color:#aaa;background:#fff'>pale<p><input>"
        "<div style='width:2000px'>wide</div><img src='http://127.0.0.2:9/x.png' onerror='alert(1)'></main>"
    )
    expect(page.locator("img")).to_have_js_property("complete", True)
    said = " ".join(_findings(page, "en-GB"))
    assert all(rule in said for rule in ("color-contrast", "label", "image-alt"))
    assert ["too wide" in said for said in _shape(page, "en-GB")] == [True, True]
    assert {"img", "img onerror", "p style"} <= set(witness.strange(page))
    assert witness.dialogs == ["alert"]
    assert witness.outside == ["http://127.0.0.2:9/x.png"]
    assert witness.errors
    page.context.close()


def test_agents_and_leads_meet_no_page_that_is_not_theirs(shop: Shop, browser: Browser) -> None:
    for login in (AGENT, LEAD):
        context = shop.enter(browser, login)
        page = context.new_page()
        page.goto("/")
        for link in page.locator("header nav a").all():
            address = link.get_attribute("href")
            assert address is not None
            assert page.request.get(address).status == 200, f"{login} {address}"
        context.close()


@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_the_log_in_page_is_quiet_and_passes_axe(locale: str, shop: Shop, browser: Browser) -> None:
    context = browser.new_context(base_url=shop.address, locale=locale)
    witness = Witness(shop.address).watch(context)
    page = context.new_page()
    page.goto("/login")
    assert [*_shape(page, locale), *_findings(page, locale), *witness.all] == []
    context.close()


def test_the_inbox_speaks_arabic_from_right_to_left(shop: Shop, browser: Browser) -> None:
    context = shop.enter(browser, LEAD, locale="ar")
    page = context.new_page()
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    brand, out = page.locator("header .brand").bounding_box(), page.locator("header form").last.bounding_box()
    assert brand is not None
    assert out is not None
    assert brand["x"] > out["x"]  # what begins the line stands on the right
    english = {"Inbox", "Knowledge base", "Insights", "Settings", "Try a message"}
    assert not english & {said.strip() for said in page.locator("header nav a").all_inner_texts()}
    message = shop.write("Where is my parcel? It should have been here on Saturday.")
    page.goto(f"/conversations/{message['conversation_id']}")
    expect(page.locator("#reply")).to_have_attribute("dir", "ltr")  # an English reply stays English
    context.close()


def _shape(page: Page, locale: str) -> list[str]:
    """What is wrong with the page's frame, on a laptop and on a phone."""
    found = []
    expected = "rtl" if locale == "ar" else "ltr"
    if page.locator("html").get_attribute("dir") != expected:
        found.append(f"dir is not {expected}")
    if page.get_by_role("heading", level=1).count() < 1:
        found.append("no heading of level 1")
    size = page.viewport_size
    for window in (size, PHONE):
        if window is None:
            continue
        page.set_viewport_size(window)  # type: ignore[arg-type]
        if more := too_wide(page):
            found.append(f"{more} px too wide at {window['width']}")
    if size is not None:
        page.set_viewport_size(size)
    return found


def _findings(page: Page, locale: str) -> list[str]:
    """Serious and critical findings of axe-core: all rules; the contrast in light and in dark."""
    page.evaluate(AXE_SCRIPT)
    schemes = {"light": {"type": "tag", "values": TAGS}, "dark": {"type": "rule", "values": ["color-contrast"]}}
    if locale == "ar":  # the same styles, so once is enough
        schemes = {"dark": {"type": "tag", "values": TAGS}}
    found = []
    for scheme, rules in schemes.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [_told(one, scheme) for one in page.evaluate(AXE, {"runOnly": rules}) if one["impact"] in GRAVE]
    page.emulate_media(color_scheme="light")
    return found


def _told(finding: dict[str, Any], scheme: str) -> str:
    nodes = "; ".join(
        f"{' '.join(map(str, node['target']))}: {node['html'][:160]} {_numbers(node)}" for node in finding["nodes"][:3]
    )
    return f"{finding['id']} ({finding['impact']}, {scheme}, {len(finding['nodes'])}×): {nodes}"


def _numbers(node: dict[str, Any]) -> str:
    data: dict[str, Any] = next((check["data"] for check in node["any"] if isinstance(check.get("data"), dict)), {})
    return f"[{data['fgColor']} on {data['bgColor']}: {data['contrastRatio']}]" if data.get("contrastRatio") else ""
