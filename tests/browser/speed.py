"""How soon the inbox is there in a browser where there are many conversations.

    python -m tests.browser.speed [--conversations 50000] [--times 20]

A server as ``make run`` starts it, over SQLite, on loopback, with a filled workspace and no worker; a headless browser on the
same machine, its cache warm. Prints medians and 95th percentiles in milliseconds of

- the queue until it can be used: first paint, scripts run, and no long task after it;
- a key press (``j``) until the next conversation is painted.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

from eval.inbox_speed import WORKSPACE, fill
from tests.browser import chromium
from tests.browser.shop import PASSWORD, serving
from triage.agents import add_agent
from triage.settings import Settings
from triage.storage.database import Database, sqlite_url

WATCH = """window.__tasks = [];
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.__tasks.push(task.startTime + task.duration);
}).observe({ type: "longtask", buffered: true });"""
USABLE = """() => {
  const { domContentLoadedEventEnd } = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  return Math.max(domContentLoadedEventEnd, paint, ...window.__tasks);
}"""
PAINTED = """() => {
  const { activationStart } = performance.getEntriesByType("navigation")[0];
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return paint && performance.timeOrigin + Math.max(paint.startTime, activationStart || 0);
}"""
PRESS = """() => {
  const note = () => sessionStorage.setItem("pressed", performance.timeOrigin + performance.now());
  addEventListener("keydown", note, { capture: true, once: true });
}"""


def until_usable(page: Page) -> float:
    page.goto("/", wait_until="load")
    page.wait_for_timeout(500)  # what comes after would be found as a long task
    return float(page.evaluate(USABLE))


def until_next(page: Page) -> float:
    """From the key press to the paint of the next conversation."""
    before = page.url
    page.evaluate(PRESS)
    page.wait_for_timeout(700)  # a person reads; the page fetches the next one ahead meanwhile
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != before)
    page.wait_for_load_state("load")
    page.wait_for_function(PAINTED)
    painted: Any = page.evaluate(PAINTED)
    return float(painted) - float(page.evaluate("Number(sessionStorage.getItem('pressed'))"))


def told(name: str, values: list[float]) -> None:
    print(f"{name:55} p50 {np.percentile(values, 50):6.0f} ms  p95 {np.percentile(values, 95):6.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    executable = chromium.find()
    if executable is None:
        raise SystemExit(chromium.LACKING)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data, TRIAGE_DEMO="0", TRIAGE_WORKER="0"):
            pass  # makes the tables
        database = Database(sqlite_url(data / "triage.db"))
        fill(database, options.conversations, share_open=0.6)
        database.close()
        add_agent(Settings(data=data), "anna", role="lead", workspace=WORKSPACE, name="Anna", password=PASSWORD)
        with serving(data, TRIAGE_DEMO="0", TRIAGE_WORKER="0") as shop, chromium.running(executable) as browser:
            page = shop.enter(browser, "anna").new_page()
            page.add_init_script(WATCH)
            until_usable(page)
            queue = [until_usable(page) for _ in range(options.times)]
            page.locator("table.queue a.open").first.click()
            page.wait_for_load_state("load")
            moves = [until_next(page) for _ in range(options.times)]
    print(f"{options.conversations} conversations, {platform.machine()}, {platform.processor() or 'processor unknown'}")
    told("queue until it can be used", queue)
    told("key press until the next conversation is painted", moves)


if __name__ == "__main__":
    main()
