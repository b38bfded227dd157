"""Mail cursors and the quarantine, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.storage.conftest import NOW
from triage.errors import Unknown
from triage.storage import schema
from triage.storage.database import Database
from triage.storage.mail_cursors import MailCursor, load_cursor, save_cursor
from triage.storage.quarantine import in_quarantine, quarantine, raw_delivery, release
from triage.storage.workspace import Workspace


def test_a_cursor_is_kept_for_each_folder_and_workspace(database: Database) -> None:
    def prepare(workspace: Workspace) -> None:
        workspace.insert(schema.inbound, id="inb_1", channel="email", adapter="email", settings={}, created_at=NOW)
        assert load_cursor(workspace, "inb_1", "INBOX") is None
        save_cursor(workspace, "inb_1", "INBOX", MailCursor(4_294_967_295, 17))
        save_cursor(workspace, "inb_1", "Anfragen für uns", MailCursor(2, 3))
        save_cursor(workspace, "inb_1", "INBOX", MailCursor(7, 1))

    database.write(lambda connection: prepare(Workspace(connection, "shop")))
    found = database.read(lambda connection: load_cursor(Workspace(connection, "shop"), "inb_1", "INBOX"))
    assert found == MailCursor(7, 1)
    assert database.read(lambda connection: load_cursor(Workspace(connection, "other"), "inb_1", "INBOX")) is None


def test_what_cannot_be_read_is_kept_byte_for_byte_until_a_person_has_seen_it(database: Database) -> None:
    body = bytes(range(256))

    def put(workspace: Workspace) -> str:
        return quarantine(workspace, channel="email", body=body, reason="no mail\0", now=NOW, inbound_id="inb_1")

    key = database.write(lambda connection: put(Workspace(connection, "shop")))
    assert database.write(lambda connection: put(Workspace(connection, "shop"))) == key, (
        "the same bytes, the same entry"
    )
    other = database.write(lambda connection: put(Workspace(connection, "other")))
    assert other != key

    (entry,) = database.read(lambda connection: in_quarantine(Workspace(connection, "shop")))
    assert (entry["id"], entry["size"], entry["received_at"], entry["inbound_id"]) == (key, 256, NOW, "inb_1")
    assert database.read(lambda connection: raw_delivery(Workspace(connection, "shop"), key))["body"] == body
    with pytest.raises(Unknown):
        database.read(lambda connection: raw_delivery(Workspace(connection, "other"), key))

    later = NOW + timedelta(hours=1)
    database.write(lambda connection: release(Workspace(connection, "shop"), key, now=later))
    assert database.read(lambda connection: in_quarantine(Workspace(connection, "shop"))) == []
    assert database.read(lambda connection: raw_delivery(Workspace(connection, "shop"), key))["body"] == body
    with pytest.raises(Unknown):
        database.write(lambda connection: release(Workspace(connection, "shop"), key, now=later))
