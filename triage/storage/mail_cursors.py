"""How far each mail folder was read."""

from __future__ import annotations

from typing import NamedTuple

from triage.storage import schema
from triage.storage.workspace import Workspace


class MailCursor(NamedTuple):
    """The last UID that is durable, under the UIDVALIDITY that it counts in (RFC 3501, 2.3.1.1)."""

    uid_validity: int
    last_uid: int


def load_cursor(workspace: Workspace, inbound_id: str, folder: str) -> MailCursor | None:
    """None for a folder that was never read."""
    table = schema.mail_cursors
    row = workspace.first(workspace.select(table).where(table.c.inbound_id == inbound_id, table.c.folder == folder))
    return None if row is None else MailCursor(row["uid_validity"], row["last_uid"])


def save_cursor(workspace: Workspace, inbound_id: str, folder: str, cursor: MailCursor) -> None:
    """Moves the cursor; back, too, under another UIDVALIDITY."""
    workspace.upsert(
        schema.mail_cursors, ("inbound_id", "folder"), inbound_id=inbound_id, folder=folder,
        uid_validity=cursor.uid_validity, last_uid=cursor.last_uid,
    )  # fmt: skip
