"""One browser a module, one fresh profile a test; a demo shop that is made once, and a server over a copy of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import chromium
from tests.browser.shop import PATIENCE, Shop, copied, prepare, serving

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
def executable() -> str:
    found = chromium.find()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(chromium.LACKING)
        pytest.skip(chromium.LACKING)
    return found


@pytest.fixture(scope="session")
def prepared(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo shop whose messages are triaged."""
    folder = tmp_path_factory.mktemp("browser") / "prepared"
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def shop(prepared: Path) -> Iterator[Shop]:
    """A running demo shop. Tests share it, so each writes as customers of its own."""
    with serving(copied(prepared, prepared.with_name("shop"))) as started:
        yield started


@pytest.fixture(scope="module")
def browser(executable: str) -> Iterator[Browser]:
    """Not longer than a module: while it runs, no other event loop can run in this thread."""
    with chromium.running(executable) as started:
        yield started
