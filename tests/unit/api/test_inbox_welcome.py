"""The first steps over a SQLite file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.storage.scoping import watched
from tests.unit.api import house, office
from tests.unit.api.conftest import LATE
from tests.unit.api.office import Office
from triage.sample.data import sample_articles
from triage.storage import first_steps, schema
from triage.storage.intake import receive
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings
from triage.types import Arrival, InboundMessage

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house.build(tmp_path_factory.mktemp("welcome"))


@pytest.fixture
def open_office(template: Path, tmp_path: Path) -> Iterator[Callable[..., Office]]:
    with ExitStack() as stack:
        stack.enter_context(watched())
        yield lambda *articles, **how: stack.enter_context(office.opened(template, tmp_path, *articles, **how))


@pytest.fixture
def desk(open_office: Callable[..., Office]) -> Office:
    return open_office(LATE)


def state_of(desk: Office) -> Any:
    return desk.database.read(lambda c: first_steps.state(Workspace(c, "demo")))


def log_in(desk: Office, login: str) -> str:
    desk.browser.cookies.clear()
    answer = desk.browser.post("/login", data={"name": login, "password": "right"}, follow_redirects=False)
    return str(answer.headers["location"])


def test_an_admin_of_a_new_workspace_is_led_to_the_first_steps_until_they_begin(desk: Office) -> None:
    assert log_in(desk, "ada") == "/"
    assert log_in(desk, "lea") == "/"
    assert log_in(desk, "ann") == "/welcome"
    assert desk.browser.get("/welcome").url.path == "/welcome/brand"
    desk.post("/welcome/skip")
    assert log_in(desk, "ann") == "/"
    assert desk.browser.get("/welcome").url.path == "/welcome/brand"


def test_a_workspace_in_use_begins_nothing(desk: Office) -> None:
    desk.post("/settings/channels/new", channel="chat")
    assert log_in(desk, "ann") == "/"


def test_only_admins_see_the_first_steps(open_office: Callable[..., Office]) -> None:
    desk = open_office(LATE, login="lea")
    for step in ("brand", "knowledge", "channel", "past", "drafts"):
        assert desk.browser.get(f"/welcome/{step}").status_code == 403


def test_steps_are_kept_and_resumed(desk: Office) -> None:
    page = desk.post("/welcome/brand", brand="Kettle & Kite", language=["de", "en"], address="informal")
    assert "What may replies say?" in page
    found = desk.database.read(lambda c: read_settings(Workspace(c, "demo")))
    assert found.brand == "Kettle & Kite"
    assert found.values["languages"] == ["de", "en"]
    assert "No article yet in:" in page
    assert desk.browser.get("/welcome").url.path == "/welcome/knowledge"
    desk.post("/welcome/next", step="knowledge")
    assert desk.browser.get("/welcome").url.path == "/welcome/channel"
    desk.post("/welcome/next", step="nonsense")
    assert state_of(desk)["done"] == ["brand", "knowledge"]
    assert desk.browser.post("/welcome/next", data={"token": desk.token(), "step": "drafts"}).url.path == "/"


def test_the_first_step_keeps_what_the_settings_had(desk: Office) -> None:
    desk.post("/settings/workspace", brand="x", undo_seconds="30", review_days="90")
    desk.post("/welcome/brand", brand="y")
    found = desk.database.read(lambda c: read_settings(Workspace(c, "demo")))
    assert (found.brand, found.values["undo_seconds"], found.values["review_days"]) == ("y", 30, 90)


def test_an_article_is_pasted(desk: Office) -> None:
    page = desk.post("/welcome/knowledge", title="Gift wrapping", body="We wrap gifts for 3 EUR.", language="en")
    assert "Articles taken in: 1" in page
    assert {article.title for article in desk.base.articles} == {LATE.title, "Gift wrapping"}
    page = desk.post("/welcome/knowledge", 422, title="Empty", body=" ", language="en")
    assert 'value="Empty"' in page


def test_a_file_of_articles_is_taken_in_and_what_was_left_out_is_named(desk: Office) -> None:
    lines = [{"id": "wrap", "language": "de", "title": "Geschenke", "body": "Wir verpacken."}, {"id": "bad"}]
    content = "\n".join(map(json.dumps, lines)).encode()
    page = desk.upload("/welcome/knowledge/file", content, name="a.ndjson", language="en")
    assert "Articles taken in: 1. Records left out: 1." in page
    assert "a.ndjson:2" in page
    assert "Choose a file first" in desk.upload("/welcome/knowledge/file", b"", 422, language="en")


def test_sample_articles_go_once_there_are_own_ones(open_office: Callable[..., Office]) -> None:
    samples = [article for article in sample_articles() if article.language == "en"][:3]
    desk = open_office(*samples)
    assert "Add an article of your own first" in desk.post("/welcome/knowledge/own", 422)
    desk.post("/welcome/knowledge", title="Gift wrapping", body="We wrap gifts for 3 EUR.", language="en")
    desk.post("/welcome/knowledge/own")
    assert [article.title for article in desk.base.articles] == ["Gift wrapping"]


def command_on(page: str) -> str:
    found = re.search(r'id="command">(.*?)</pre>', page, re.S)
    assert found
    return found[1]


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("sh")), reason="the command needs sh and openssl")
def test_the_command_on_the_page_brings_the_first_message(desk: Office) -> None:
    page = desk.post("/welcome/channel")
    assert "Waiting for your first message" in page
    command = command_on(page)
    assert command_on(desk.post("/welcome/channel")) != command  # shown again only with a new secret
    # As a shell reads it, with what stands in for curl printing its arguments, one a line.
    script = 'curl() { for part in "$@"; do printf "%s\\n" "$part"; done; }\n' + command
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=30).stdout
    parts = said.splitlines()
    headers = dict(part.split(": ", 1) for part in parts if re.match(r"(content|webhook)-[a-z]+: ", part))
    address = next(part for part in parts if part.startswith("http"))
    body = parts[parts.index("--data-raw") + 1]
    state = desk.browser.get("/welcome/channel/state")
    assert "x-settled" not in state.headers
    answer = desk.browser.post(address, content=body.encode(), headers=headers)
    assert answer.json() == {"received": 1, "duplicates": 0, "quarantined": False}
    state = desk.browser.get("/welcome/channel/state")
    assert state.headers["x-settled"] == "1"
    assert "Your first message is here" in state.text
    assert len(desk.rows(schema.inbound)) == 1


def test_the_secret_is_in_one_answer_alone(desk: Office) -> None:
    page = desk.post("/welcome/channel")
    secret = re.search(r"whsec_[\w+/=]+", page)
    assert secret
    for address in ("/welcome/channel", "/settings/channels", "/welcome/channel/state"):
        assert secret[0] not in desk.get(address)
    assert secret[0] not in json.dumps(state_of(desk))


def test_a_closed_way_in_is_made_anew(desk: Office) -> None:
    desk.post("/welcome/channel")
    (way,) = desk.rows(schema.inbound)
    desk.post(f"/settings/channels/{way['id']}/close")
    desk.post("/welcome/channel")
    assert len([row for row in desk.rows(schema.inbound) if not row["disabled_at"]]) == 1


def test_a_typed_message_goes_the_way_of_every_message(desk: Office) -> None:
    page = desk.post("/welcome/channel/message", text=f"My parcel is late {HOSTILE}", name="Anna")
    assert "Your first message is here" in page
    assert HOSTILE not in desk.browser.get("/welcome/channel").text
    desk.work()
    page = desk.get("/welcome/drafts")
    assert "we open an enquiry with the carrier" in page
    assert "Write a message first" in desk.post("/welcome/channel/message", 422, text=" ")


CSV = """id,body,requester_email,requester_name,created_at,channel,role
1,Wo ist mein Paket?,otto@customers.example,Otto,2026-11-01T08:00:00Z,chat,
2,,x@customers.example,,,,
3,I want to return this,mia@customers.example,Mia,18/11/2026,mail,
4,We are sorry,shop@shop.example,,,,agent
5,"Two
lines",Ada <ada@customers.example>,,"Mon, 02 Nov 2026 10:00:00 +0100",pigeon,
"""


def test_past_messages_are_taken_in_once_and_what_was_left_out_is_told(desk: Office) -> None:
    page = desk.upload("/welcome/past", CSV.encode(), channel="email")
    assert re.search(r"Taken in</dt><dd>3<", page)
    assert re.search(r"taken as of now</dt><dd>1<", page)
    assert re.search(r"Left out</dt><dd>2<", page)
    assert "Record 2: there is no text in it" in page
    assert "Record 4: it was not written by a customer" in page
    messages = {row["external_id"]: row for row in desk.rows(schema.messages)}
    assert {key: row["channel"] for key, row in messages.items()} == {
        "past:1": "chat", "past:3": "email", "past:5": "email",
    }  # fmt: skip
    assert messages["past:1"]["received_at"].isoformat() == "2026-11-01T08:00:00+00:00"
    assert messages["past:5"]["received_at"].isoformat() == "2026-11-02T09:00:00+00:00"
    assert messages["past:5"]["sender"] == {"email": "ada@customers.example", "name": "Ada"}
    page = desk.upload("/welcome/past", b"", records=CSV, channel="email")
    assert re.search(r"Taken in</dt><dd>0<", page)
    assert re.search(r"Here before</dt><dd>3<", page)
    assert len(desk.rows(schema.messages)) == 3


def test_progress_is_told_until_all_are_read(desk: Office) -> None:
    late = "text,email\n" + "".join(f"My parcel is late,c{number}@customers.example\n" for number in range(3))
    desk.upload("/welcome/past", late.encode(), channel="email")
    answer = desk.browser.get("/welcome/past/state")
    assert "0 of 3" in answer.text
    assert "x-settled" not in answer.headers
    desk.work()
    answer = desk.browser.get("/welcome/past/state")
    assert "has read all 3" in answer.text
    assert answer.headers["x-settled"] == "1"
    page = desk.get("/welcome/drafts")
    assert page.count("<bdi>My parcel is late</bdi>") == 3
    assert "from the sample shop" not in page


def test_what_cannot_be_read_at_all_is_said_and_kept_in_the_form(desk: Office) -> None:
    page = desk.upload("/welcome/past", b"", 422, records="a,b\n1,2", channel="email")
    assert "no column is called text" in page
    assert "a,b\n1,2" in page
    assert "Choose a file, or paste" in desk.upload("/welcome/past", b"", 422)
    assert "not text in UTF-8" in desk.upload("/welcome/past", b"text\n\xff\xff", 422)


def test_uploads_need_the_token(desk: Office) -> None:
    for address in ("/welcome/past", "/welcome/knowledge/file"):
        answer = desk.browser.post(address, data={"token": "x"}, files={"file": ("a.csv", CSV.encode())})
        assert answer.status_code == 403
    assert not desk.rows(schema.messages)


def test_no_text_of_a_customer_stands_in_the_settings_or_the_audit_trail(desk: Office) -> None:
    desk.upload("/welcome/past", CSV.replace("Wo ist", "CANARY").encode(), channel="email")
    desk.post("/welcome/channel/message", text="CANARY two")
    kept = json.dumps([dict(row) for row in desk.rows(schema.audit)], default=str) + json.dumps(state_of(desk))
    assert "CANARY" not in kept
    assert "customers.example" not in kept


def test_where_messages_wait_the_inbox_comes_first_and_leads_to_the_steps(desk: Office) -> None:
    brought = InboundMessage(text="Where is my parcel?", channel="chat")
    receive(desk.database, "demo", Arrival(external_id="m1", message=brought), now=datetime.now(UTC))
    assert log_in(desk, "ann") == "/"
    assert "/welcome" in desk.browser.get("/").text
    desk.post("/welcome/skip")
    assert "/welcome" not in desk.browser.get("/").text
    log_in(desk, "ada")
    assert "/welcome" not in desk.browser.get("/").text
