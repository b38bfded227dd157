from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.inbox.desk import Desk, PasswordFile
from tests.unit.api.conftest import KEYS, pipeline
from triage.settings import Settings
from triage.types import Customer, InboundMessage, Urgency

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \u202e order TM-10428 is late"


@pytest.fixture
def browser(tmp_path: Path) -> TestClient:
    messages = [("m1", InboundMessage(text="My parcel is late", customer=Customer(name="<b>Anna</b>"))),
                ("m2", InboundMessage(text=HOSTILE, subject="<i>late</i>", channel="amazon"))]  # fmt: skip
    app = create_app(
        Settings(), keys=KEYS, load_pipeline=pipeline, desk=Desk(PasswordFile(tmp_path, "right"), lambda: messages)
    )
    with TestClient(app) as client:
        yield client  # type: ignore[misc]


def _log_in(browser: TestClient) -> None:
    assert browser.post("/login", data={"name": "agent", "password": "right"}).status_code == 200


def _token(page: str) -> str:
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found
    return found[1]


def test_without_a_session_every_page_leads_to_the_log_in(browser: TestClient) -> None:
    for path in ("/", "/tickets/m1", "/try"):
        assert "Log in" in browser.get(path).text
    assert "Log in" in browser.post("/try", data={"text": "x"}).text


def test_a_wrong_password_is_refused_and_five_close_the_door(browser: TestClient) -> None:
    for _ in range(5):
        assert browser.post("/login", data={"name": "agent", "password": "wrong"}).status_code == 401
    assert browser.post("/login", data={"name": "agent", "password": "right"}).status_code == 401


def test_queue_ticket_and_log_out(browser: TestClient) -> None:
    _log_in(browser)
    queue = browser.get("/").text
    assert 'href="/tickets/m1"' in queue
    ticket = browser.get("/tickets/m1").text
    assert "Draft reply" in ticket
    assert "we open an enquiry" in ticket
    assert browser.get("/tickets/none").status_code == 404
    browser.post("/logout", data={"token": _token(queue)})
    assert "Log in" in browser.get("/").text


def test_hostile_text_shows_as_text(browser: TestClient) -> None:
    _log_in(browser)
    for page in (browser.get("/"), browser.get("/tickets/m1"), browser.get("/tickets/m2")):
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "<b>" not in page.text
        assert "<i>" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert '<mark title="order_number">TM-10428</mark>' in browser.get("/tickets/m2").text


def test_a_message_can_be_tried(browser: TestClient) -> None:
    _log_in(browser)
    token = _token(browser.get("/try").text)
    page = browser.post("/try", data={"token": token, "text": HOSTILE, "channel": "amazon"})
    assert page.status_code == 200
    assert "Draft reply" in page.text
    assert browser.post("/try", data={"token": token, "text": "  "}).status_code == 422
    assert browser.post("/try", data={"token": "0" * 64, "text": "x"}).status_code == 403
    assert browser.post("/try", data={"token": token, "text": "x" * 300_000}).status_code == 413


def test_the_cookie_is_kept_from_scripts_and_other_sites(browser: TestClient) -> None:
    response = browser.post("/login", data={"name": "agent", "password": "right"}, follow_redirects=False)
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_password_is_stored_as_a_salted_hash_and_kept(tmp_path: Path) -> None:
    first = PasswordFile(tmp_path, None)
    assert first.made
    assert first.made not in (tmp_path / "agent.json").read_text(encoding="utf-8")
    again = PasswordFile(tmp_path, None)
    assert again.made is None
    assert again.accepts(first.made)
    assert not again.accepts(first.made + "x")


def test_critical_messages_stand_first(tmp_path: Path) -> None:
    from triage.testing import FixedClassifier

    class ByText(FixedClassifier):
        calls = 0

        def predict(self, features: object) -> object:  # type: ignore[override]
            self.calls += 1
            return FixedClassifier(urgency=Urgency.CRITICAL if self.calls == 2 else Urgency.HIGH).prediction

    rows = [(f"m{n}", InboundMessage(text=f"late {n}")) for n in range(3)]
    tickets = Desk(PasswordFile(tmp_path, "x"), lambda: rows).tickets(pipeline(ByText()))
    assert list(tickets) == ["m1", "m0", "m2"]
