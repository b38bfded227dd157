"""The settings' pages over a SQLite file."""

from __future__ import annotations

import json
import re
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
from triage.bootstrap import SystemClock
from triage.channels.email import imap, send
from triage.channels.standard_webhooks import key_of, sign
from triage.errors import SendFailed
from triage.storage import schema
from triage.storage.house_rules import HouseRules
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
PAGES = (
    "/settings", "/settings/workspace", "/settings/channels", "/settings/channels/new", "/settings/channels/mailbox",
    "/settings/quarantine", "/settings/keys", "/settings/webhooks", "/settings/sla", "/settings/rules",
    "/settings/thresholds", "/settings/language-model", "/settings/system",
)  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house.build(tmp_path_factory.mktemp("settings"))


@pytest.fixture
def open_office(template: Path, tmp_path: Path) -> Iterator[Callable[..., Office]]:
    with ExitStack() as stack:
        stack.enter_context(watched())
        yield lambda **how: stack.enter_context(office.opened(template, tmp_path, LATE, **how))


@pytest.fixture
def desk(open_office: Callable[..., Office]) -> Office:
    return open_office()


def settings_of(desk: Office) -> Any:
    return desk.database.read(lambda c: read_settings(Workspace(c, "demo")))


def secret_on(page: str) -> str:
    found = re.search(r'<code id="secret"[^>]*>([^<]+)</code>', page)
    assert found
    return found[1]


@pytest.mark.parametrize("address", PAGES)
def test_admins_and_leads_may_read_every_page(open_office: Callable[..., Office], address: str) -> None:
    desk = open_office(login="lea")
    page = desk.get(address)
    assert "only an admin can change it" in page
    assert "Save" not in page or "<fieldset disabled" in page


def test_a_lead_changes_nothing(open_office: Callable[..., Office]) -> None:
    desk = open_office(login="lea")
    for address in ("workspace", "keys", "webhooks", "channels/new", "channels/mailbox", "sla/calendar", "sla/channel"):
        desk.post(f"/settings/{address}", 403, brand="x", name="x", scope="read", url="https://a.example")
    assert not desk.rows(schema.api_keys)
    assert settings_of(desk).brand == "Demo"


def test_an_agent_sees_no_settings(open_office: Callable[..., Office]) -> None:
    assert open_office(login="ada").browser.get("/settings").status_code == 403


def test_a_form_without_the_token_changes_nothing(desk: Office) -> None:
    for address in ("/settings/keys", "/settings/workspace", "/settings/sla/calendar", "/settings/webhooks"):
        answer = desk.browser.post(address, data={"name": "x", "scope": "read", "brand": "x"})
        assert answer.status_code == 403
    assert not desk.rows(schema.api_keys)


def test_the_brand_and_its_voice_are_kept(desk: Office) -> None:
    page = desk.post(
        "/settings/workspace", brand=HOSTILE, language=["de", "pl"], address="informal", signature_="Your team",
        signature_de="Dein Team", undo_seconds="30", review_days="90",
    )  # fmt: skip
    assert "Saved." in page
    found = settings_of(desk)
    assert found.brand == HOSTILE
    assert found.values["languages"] == ["de", "pl"]
    assert found.voice.informal
    assert (found.voice.sign("de"), found.voice.sign("fr")) == ("Dein Team", "Your team")
    assert found.values["undo_seconds"] == 30
    assert found.values["review_days"] == 90
    raw = desk.browser.get("/settings/workspace").text
    assert "<script>alert" not in raw
    assert "Dein Team" in raw


def test_samples_sound_as_the_form_says_and_nothing_is_kept(desk: Office) -> None:
    page = desk.post("/settings/workspace/sample", brand="Kettle & Kite", language=["en"], signature_en="Cheers, K&K")
    assert page.count("Cheers, K&K") >= 1
    assert "<html" not in page
    assert settings_of(desk).brand == "Demo"


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"brand": " "}, "Nothing was changed: brand"),
        ({"brand": "x", "undo_seconds": "4000"}, "Nothing was changed: undo_seconds"),
        ({"brand": "x", "undo_seconds": "soon"}, "Nothing was changed: undo_seconds"),
        ({"brand": "x", "review_days": "0"}, "Nothing was changed: review_days"),
    ],
)
def test_what_the_api_refuses_the_page_refuses_and_keeps_the_form(
    desk: Office, form: dict[str, str], complaint: str
) -> None:
    page = desk.post("/settings/workspace", 422, signature_="Typed before", **form)
    assert complaint in page
    assert "Typed before" in page
    assert settings_of(desk).brand == "Demo"


def test_a_key_is_shown_once_works_and_ends(desk: Office) -> None:
    page = desk.post("/settings/keys", name="Lager", scope=["read", "write"])
    key = secret_on(page)
    assert key.startswith("tk_")
    assert key not in desk.get("/settings/keys")
    bearer = {"Authorization": f"Bearer {key}"}
    assert desk.browser.get("/v1/conversations", headers=bearer).status_code == 200
    assert desk.browser.get("/v1/keys", headers=bearer).status_code == 403
    (row,) = desk.rows(schema.api_keys)
    assert key not in json.dumps(dict(row), default=str)
    assert "revoked" in desk.post(f"/settings/keys/{row['id']}/revoke")
    assert desk.browser.get("/v1/conversations", headers=bearer).status_code == 401
    assert "revoked already" in desk.post(f"/settings/keys/{row['id']}/revoke", 422)


def test_a_key_without_anything_that_it_may_do_is_not_made(desk: Office) -> None:
    page = desk.post("/settings/keys", 422, name="Empty")
    assert "at least one thing" in page
    assert 'value="Empty"' in page
    assert not desk.rows(schema.api_keys)


def test_no_secret_stands_in_the_audit_trail_or_an_address(desk: Office) -> None:
    made = [
        secret_on(desk.post("/settings/keys", name="a", scope="read")),
        secret_on(desk.post("/settings/webhooks", url="http://127.0.0.1:9/x")),
        secret_on(desk.post("/settings/channels/new", channel="chat")),
    ]
    (hook,), (way,) = desk.rows(schema.webhooks), desk.rows(schema.inbound)
    made.append(secret_on(desk.post(f"/settings/webhooks/{hook['id']}/rotate")))
    made.append(secret_on(desk.post(f"/settings/channels/{way['id']}/rotate")))
    trail = json.dumps([dict(row) for row in desk.rows(schema.audit)], default=str)
    for secret in made:
        assert secret not in trail
        for page in (f"/settings/webhooks/{hook['id']}", f"/settings/channels/{way['id']}", "/settings/keys"):
            assert secret not in desk.get(page)


def test_a_webhook_gets_a_test_event_whatever_it_wants_and_a_failed_one_is_sent_again(desk: Office) -> None:
    desk.post("/settings/webhooks", url="http://127.0.0.1:9/x", type=["reply.sent"])
    (hook,) = desk.rows(schema.webhooks)
    assert hook["types"] == ["reply.sent"]
    desk.post("/settings/webhooks", url="http://127.0.0.1:9/y", type=["reply.sent"])
    page = desk.post(f"/settings/webhooks/{hook['id']}/test")
    assert "Test event" in page
    (delivery,) = desk.rows(schema.deliveries)
    assert delivery["webhook_id"] == hook["id"]

    def fail(connection: Any) -> None:
        workspace, table = Workspace(connection, "demo"), schema.deliveries
        workspace.run(workspace.update(table).values(state="failed", attempts=8, status=500))

    desk.database.write(fail)
    page = desk.get(f"/settings/webhooks/{hook['id']}")
    assert "given up" in page
    assert "the receiver answered 500" in page
    assert "Please look:" in desk.get("/settings")
    page = desk.post(f"/settings/webhooks/{hook['id']}/deliveries/{delivery['id']}/replay")
    assert "The event is sent again" in page
    (again,) = desk.rows(schema.deliveries)
    assert (again["state"], again["attempts"]) == ("queued", 0)
    assert "switched off" in desk.post(f"/settings/webhooks/{hook['id']}/disable")
    assert "nothing is sent there" in desk.post(f"/settings/webhooks/{hook['id']}/test", 422)


@pytest.mark.parametrize("url", ["ftp://a.example", "https://user:secret@a.example/", "", "http://169.254.169.254/x"])
def test_a_webhook_leads_nowhere_else_than_the_api_allows(desk: Office, url: str) -> None:
    assert "Nothing was changed" in desk.post("/settings/webhooks", 422, url=url)
    assert not desk.rows(schema.webhooks)


def test_another_workspaces_things_are_not_there(desk: Office) -> None:
    def make(connection: Any) -> None:
        other, now = Workspace(connection, "kite"), datetime.now(UTC)
        other.insert(schema.webhooks, id="whk_k", url="https://k.example", secret="s", types=[], created_at=now)
        other.insert(schema.inbound, id="inb_k", channel="chat", adapter="webhook", settings={}, created_at=now)
        other.insert(
            schema.raw_deliveries, id="raw_k", channel="chat", sha256="0" * 64, headers={}, body=b"secret", reason="x",
            received_at=now,
        )  # fmt: skip

    desk.database.write(make)
    for address in ("webhooks/whk_k", "channels/inb_k", "quarantine/raw_k", "quarantine/raw_k/file"):
        desk.get(f"/settings/{address}", 404)
    for address in ("webhooks/whk_k/test", "webhooks/whk_k/rotate", "webhooks/whk_k/disable", "channels/inb_k",
                    "channels/inb_k/rotate", "channels/inb_k/close", "quarantine/raw_k/discard"):  # fmt: skip
        desk.post(f"/settings/{address}", 404)
    assert desk.rows(schema.raw_deliveries, "kite")
    assert not desk.rows(schema.inbound, "kite")[0]["disabled_at"]


MAPPED = {"text": "data.body", "external_id": "data.id", "sender.email": "data.from"}


def test_a_payload_is_tried_before_anything_is_connected(desk: Office) -> None:
    payload = json.dumps({"data": {"body": HOSTILE, "id": 7, "from": "a@customers.example"}})
    answer = desk.browser.post(
        "/settings/channels/new",
        data={"token": desk.token(), "try": "1", "channel": "chat", "payload": payload, **MAPPED},
    )
    assert "<script>alert" not in answer.text
    assert "a@customers.example" in answer.text
    assert 'value="data.body"' in answer.text
    assert not desk.rows(schema.inbound)
    assert not desk.rows(schema.messages)
    assert "text is missing" in desk.post(
        "/settings/channels/new", channel="chat", payload="{}", **{"try": "1"} | MAPPED
    )
    assert "not valid JSON" in desk.post("/settings/channels/new", channel="chat", payload="{", **{"try": "1"} | MAPPED)
    page = desk.post(
        "/settings/channels/new", channel="chat", payload='{"text": "\\ud800"}', **{"try": "1", "text": "text"}
    )
    assert "This is how it would be read" in page


def deliver(desk: Office, secret: str, payload: dict[str, Any], number: str = "m1") -> Any:
    (way,) = [row for row in desk.rows(schema.inbound) if not row["disabled_at"]]
    body = json.dumps(payload).encode()
    headers = sign([key_of(secret)], id=number, now=datetime.now(UTC), body=body)
    return desk.browser.post(f"/v1/channels/{way['channel']}/{way['id']}", content=body, headers=headers)


def test_a_secret_is_replaced_without_a_gap_or_at_once(desk: Office) -> None:
    first = secret_on(desk.post("/settings/channels/new", channel="chat"))
    (way,) = desk.rows(schema.inbound)
    second = secret_on(desk.post(f"/settings/channels/{way['id']}/rotate"))
    message = {"text": "Where is it?", "external_id": "1"}
    assert deliver(desk, first, message).status_code == 200
    assert deliver(desk, second, message).status_code == 200
    third = secret_on(desk.post(f"/settings/channels/{way['id']}/rotate", leaked="1"))
    assert deliver(desk, second, message).status_code == 401
    assert deliver(desk, third, message).status_code == 200
    desk.post(f"/settings/channels/{way['id']}/close")
    answer = desk.browser.post(f"/v1/channels/chat/{way['id']}", content=b"{}")
    assert answer.status_code == 404
    desk.post(f"/settings/channels/{way['id']}/rotate", 404)


def test_a_delivery_that_cannot_be_read_is_read_again_once_the_way_in_is_mended(desk: Office) -> None:
    secret = secret_on(desk.post("/settings/channels/new", channel="chat", **MAPPED))
    (way,) = desk.rows(schema.inbound)
    answer = deliver(desk, secret, {"data": {"text": HOSTILE, "id": "5", "from": "a@customers.example"}})
    assert answer.json()["quarantined"]
    (held,) = desk.rows(schema.raw_deliveries)
    page = desk.browser.get(f"/settings/quarantine/{held['id']}").text
    assert "<script>alert" not in page
    assert "text is missing" in page
    file = desk.browser.get(f"/settings/quarantine/{held['id']}/file")
    assert file.content == bytes(held["body"])
    assert file.headers["content-disposition"].startswith("attachment")
    assert "Still not readable" in desk.post(f"/settings/quarantine/{held['id']}/read", 422)
    assert not desk.rows(schema.messages)
    desk.post(f"/settings/channels/{way['id']}", **{**MAPPED, "text": "data.text"})
    page = desk.post(f"/settings/quarantine/{held['id']}/read")
    assert "its messages are in the inbox now" in page
    assert "Nothing waits here" in page
    (message,) = desk.rows(schema.messages)
    assert message["text"] == HOSTILE


def test_what_the_form_of_a_way_in_does_not_show_stays(desk: Office) -> None:
    def make(connection: Any) -> None:
        mapping = {"text": "body", "locale": "lang"}
        Workspace(connection, "demo").insert(
            schema.inbound, id="inb_x", channel="chat", adapter="webhook", settings={"mapping": mapping},
            created_at=datetime.now(UTC),
        )  # fmt: skip

    desk.database.write(make)
    desk.post("/settings/channels/inb_x", text="message", subject="title")
    (way,) = desk.rows(schema.inbound)
    assert way["settings"] == {"mapping": {"text": "message", "subject": "title", "locale": "lang"}}
    assert "mapping must say where text stands" in desk.post("/settings/channels/inb_x", 422, subject="title")


def test_a_delivery_is_dealt_with_or_deleted(desk: Office) -> None:
    secret = secret_on(desk.post("/settings/channels/new", channel="chat"))
    for number in ("1", "2"):
        deliver(desk, secret, {"number": number}, number)
    first, second = (row["id"] for row in desk.rows(schema.raw_deliveries))
    desk.post(f"/settings/quarantine/{first}/release")
    desk.post(f"/settings/quarantine/{second}/discard")
    (left,) = desk.rows(schema.raw_deliveries)
    assert left["id"] == first
    assert left["released_at"]


MAILBOX = {
    "address": "help@shop.example", "imap_host": "imap.shop.example", "imap_user": "help", "imap_password": "geheim-1",
    "smtp_host": "smtp.shop.example", "smtp_user": "help", "smtp_password": "geheim-2",
}  # fmt: skip


def test_a_mailbox_keeps_its_passwords_to_itself(desk: Office) -> None:
    page = desk.post("/settings/channels/mailbox", **MAILBOX)
    assert "geheim" not in page
    (way,) = desk.rows(schema.inbound)
    assert way["settings"]["imap"]["password"] == "geheim-1"
    assert len(way["settings"]["token_secret"]) > 16
    unchanged = {**MAILBOX, "imap_password": "", "smtp_password": "", "name": "Help"}
    desk.post(f"/settings/channels/{way['id']}/mailbox", **unchanged)
    (kept,) = desk.rows(schema.inbound)
    assert kept["settings"]["imap"]["password"] == "geheim-1"
    assert kept["settings"]["name"] == "Help"
    assert kept["settings"]["token_secret"] == way["settings"]["token_secret"]
    moved = {**unchanged, "imap_host": "imap.thief.example"}
    desk.post(f"/settings/channels/{way['id']}/mailbox", **moved)
    (kept,) = desk.rows(schema.inbound)
    assert "password" not in kept["settings"]["imap"]
    assert kept["settings"]["smtp"]["password"] == "geheim-2"


def test_a_mailbox_with_a_wrong_address_is_refused(desk: Office) -> None:
    page = desk.post("/settings/channels/mailbox", 422, address="nobody", imap_host="imap.shop.example")
    assert "mailbox setting address" in page
    assert 'value="imap.shop.example"' in page
    assert not desk.rows(schema.inbound)


def test_the_test_of_a_mailbox_says_what_each_server_says(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.inbox.settings import mailboxes

    asked: list[Any] = []

    def refuse(server: Any) -> None:
        asked.append(server)
        raise SendFailed("the server refused the connection: 535 no")

    def look(server: Any) -> int:
        asked.append(server)
        return 12

    monkeypatch.setattr(mailboxes, "look", look)
    monkeypatch.setattr(mailboxes, "knock", refuse)
    page = desk.post("/settings/channels/mailbox", **MAILBOX, **{"try": "1"})
    assert "Mails in the folder: 12" in page
    assert "535 no" in page
    assert "geheim" not in page
    assert {server.timeout for server in asked} == {10.0}
    assert not desk.rows(schema.inbound)
    assert "so that there is something to test" in desk.post(
        "/settings/channels/mailbox", address="help@shop.example", **{"try": "1"}
    )


def test_the_probes_log_in_and_do_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import contextmanager

    from triage.channels.email.settings import ImapServer, SmtpServer

    class Session:
        def select(self, folder: str, readonly: bool = False) -> tuple[str, list[bytes]]:
            assert readonly
            return "OK", [b"3"]

        def response(self, name: str) -> tuple[str, list[bytes]]:
            return name, [{"UIDVALIDITY": b"9", "EXISTS": b"3"}[name]]

    @contextmanager
    def opened(server: Any) -> Iterator[Session]:
        yield Session()

    monkeypatch.setattr(imap, "_session", opened)
    monkeypatch.setattr(send, "_open", opened)
    assert imap.look(ImapServer(host="imap.shop.example")) == 3
    send.knock(SmtpServer(host="smtp.shop.example"))


WEEK = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-17:00")


def test_clocks_are_set_and_tried(desk: Office) -> None:
    desk.post("/settings/sla/calendar", time_zone="Europe/Berlin", holidays="2026-12-25", **WEEK)
    desk.post("/settings/sla/channel", channel="email", channel_hours="8", channel_count="working")
    desk.post("/settings/sla/urgency", critical_hours="1", critical_count="working", warn_minutes="30")
    page = desk.get("/settings/sla?channel=email&urgency=critical&at=2026-11-27T18:00")
    said = re.sub(r"<[^>]+>", "", page)
    assert "arriving on Friday, 27 Nov 2026, 18:00, is due on Monday, 30 Nov 2026, 10:00" in said
    said = re.sub(r"<[^>]+>", "", desk.get("/settings/sla?channel=email&urgency=normal&at=2026-11-27T18:00"))
    assert "is due on Monday, 30 Nov 2026, 17:00" in said
    stored = settings_of(desk).values["sla"]
    assert stored["warn_minutes"] == 30
    assert stored["calendar"]["holidays"] == ["2026-12-25"]
    desk.post("/settings/sla/channel", channel="email", remove="1")
    assert settings_of(desk).values["sla"]["channels"] == {}


@pytest.mark.parametrize(
    ("address", "form", "complaint"),
    [
        ("calendar", {"time_zone": "Europe/Berlin", "monday": "nine to five"}, "write the hours of Monday as"),
        ("calendar", {"time_zone": "Mars/Olympus", "monday": "09:00-17:00"}, "this time zone is not known"),
        ("calendar", {"time_zone": "UTC", "monday": "09:00-17:00", "holidays": "Christmas"}, "write each holiday as"),
        ("channel", {"channel": "amazon", "channel_hours": "48"}, "this marketplace wants an answer in 24 hours"),
        ("channel", {"channel": "email", "channel_hours": "soon"}, "Nothing was changed"),
        ("channel", {"channel": "pigeon", "channel_hours": "4"}, "not among the configured channels"),
        ("channel", {"channel": "email", "channel_hours": "8", "channel_count": "working"}, "working hours need a calendar"),
        ("urgency", {"critical_hours": "-1"}, "Nothing was changed"),
    ],
)  # fmt: skip
def test_clocks_that_cannot_be_are_refused_in_words(
    desk: Office, address: str, form: dict[str, str], complaint: str
) -> None:
    assert complaint in desk.post(f"/settings/sla/{address}", 422, **form)
    assert "sla" not in settings_of(desk).values


def test_a_preview_with_nonsense_still_shows_the_page(desk: Office) -> None:
    assert "is due on" in desk.get("/settings/sla?channel=none&urgency=none&at=tomorrow")


def test_rules_name_where_they_come_from(open_office: Callable[..., Office]) -> None:
    desk = open_office(channel_policies={"amazon": {"limit": 900}})
    page = desk.get("/settings/rules")
    assert "900 characters" in page
    assert "set by the workspace" in page
    assert 'rel="noreferrer noopener"' in page


def test_thresholds_say_whether_they_were_set(open_office: Callable[..., Office]) -> None:
    page = open_office(band_high=0.85).get("/settings/thresholds")
    assert "85%" in page
    assert "<code>TRIAGE_BAND_HIGH</code>" in page
    assert "the usual value; TRIAGE_BAND_MEDIUM changes it" in page


def test_a_workspace_chooses_how_sure_the_assistant_must_be(desk: Office) -> None:
    assert "set by the workspace" not in desk.get("/settings/thresholds")
    desk.post("/settings/thresholds", precision="98")
    assert "set by the workspace" in desk.get("/settings/thresholds")
    assert HouseRules(desk.database, SystemClock()).options("demo").precision == "98"
    desk.post("/settings/thresholds", precision="12")
    assert settings_of(desk).precision == "98"
    desk.post("/settings/thresholds", precision="")
    assert HouseRules(desk.database, SystemClock()).options("demo").precision is None


def test_what_would_leave_the_machine_is_masked_and_nothing_is_sent(open_office: Callable[..., Office]) -> None:
    desk = open_office(llm_base_url="https://llm.example/v1", llm_model="small", llm_api_key="sk-canary")
    page = desk.get("/settings/language-model")
    assert "llm.example" in page
    assert "sk-canary" not in page
    sent = page[page.index("<h3>Content</h3>") :]
    assert "[[NAME_1]]" in sent
    assert "we open an enquiry with the carrier" in sent
    for hidden in ("Maya", "Lindqvist", "900123", "customers.example", "TM-10"):
        assert hidden not in sent
    assert "There is no text in it" in desk.post("/settings/language-model", text=" ")
    assert "no text leaves this machine" in desk.get("/settings") or "llm.example" in desk.get("/settings")


def test_a_workspace_keeps_the_language_model_away(open_office: Callable[..., Office]) -> None:
    desk = open_office(llm_base_url="https://llm.example/v1", llm_model="small")
    rules = HouseRules(desk.database, SystemClock())
    assert rules.options("demo").rewrite
    desk.post("/settings/language-model/switch", on="0")
    page = desk.get("/settings/language-model")
    assert "Off." in page
    assert "kept away" in page
    assert not HouseRules(desk.database, SystemClock()).options("demo").rewrite
    desk.post("/settings/language-model/switch", on="1")
    assert "kept away" not in desk.get("/settings/language-model")
    assert HouseRules(desk.database, SystemClock()).options("demo").rewrite
    (row, *_) = [r for r in desk.rows(schema.audit) if r["action"] == "workspace.changed"]
    assert row["details"] == {"fields": ["llm"]}


def test_the_system_page_shows_what_waits(desk: Office) -> None:
    secret = secret_on(desk.post("/settings/channels/new", channel="chat"))
    deliver(desk, secret, {"text": "Where is it?", "external_id": "1"})
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", desk.get("/settings/system")))
    assert "Messages to read 1 0 0" in page
    desk.work()
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", desk.get("/settings/system")))
    assert "Messages to read 0 0 0" in page


def test_checks_run_when_they_are_asked_for(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.inbox.settings import system
    from triage.doctor import Check

    asked: list[Any] = []

    def examine(settings: Any) -> Iterator[Check]:
        asked.append(settings)
        yield Check(name="database", passed=False, detail="the disk is full")

    monkeypatch.setattr(system, "examine", examine)
    desk.get("/settings/system")
    assert not asked
    page = desk.get("/settings/system?checks=true")
    assert "Does not work" in page
    assert "the disk is full" in page
