"""Promise 3: two different mails with one Message-ID are both kept. Promise 12: no mail loops between two desks."""

from __future__ import annotations

from typing import Any

from tests.integration.conftest import Figure
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import approve, drafted, rows
from triage.channels.email.compose import compose
from triage.channels.email.parse import parse_mail
from triage.channels.email.settings import EmailSettings
from triage.storage import intake, outbox, schema
from triage.storage.database import Database
from triage.storage.workspace import Workspace
from triage.types import ArrivalKind

SETTINGS = {
    name: EmailSettings.of(
        {"address": f"help@{name}.example", "name": name, "token_secret": f"the secret of {name} only"}
    )
    for name in ("shop", "other")
}


def mail(sender: str, to: str, body: str, *fields: str) -> bytes:
    head = [f"From: {sender}", f"To: {to}", "Subject: Order", "Message-ID: <same@mail.example>", *fields]
    return ("\r\n".join(head) + f"\r\n\r\n{body}\r\n").encode()


def keep(database: Database, workspace: str, raw: bytes) -> Any:
    arrival = parse_mail(raw, settings=SETTINGS[workspace], now=NOW)
    return arrival, intake.receive(database, workspace, arrival, now=NOW)


def test_two_mails_with_one_message_id_are_both_kept(database: Database, figure: Figure) -> None:
    bodies = [f"Where is parcel {number}?" for number in range(20)]
    for body in bodies:
        keep(database, "shop", mail("ana@home.example", "help@shop.example", body))
        again = mail("ana@home.example", "help@shop.example", body, "Received: by another.example")
        assert keep(database, "shop", again)[1].duplicate
    kept = rows(database, schema.messages)
    assert sorted(row["text"] for row in kept) == sorted(bodies)
    figure(f" 3  {len(bodies)} mails with one Message-ID, each delivered twice ({_name(database)}): {len(kept)} kept")


def test_two_desks_that_write_to_each_other_do_not_loop(database: Database, figure: Figure) -> None:
    _, received = keep(database, "shop", mail("help@other.example", "help@shop.example", "Where is my parcel?"))
    approve(database, drafted(database, received))
    (claim,) = database.write(lambda c: outbox.claim_replies(c, now=NOW))
    reply = database.read(lambda c: outbox.reply_of(Workspace(c, "shop"), claim))
    raw, _ = compose(reply, settings=SETTINGS["shop"], now=NOW)

    arrival, _ = keep(database, "other", raw)
    assert arrival.kind is ArrivalKind.MESSAGE  # a person approved it, so a person may answer it
    automatic = mail("help@other.example", "help@shop.example", "I am away.", "Auto-Submitted: auto-replied")
    for answer in (automatic, raw):  # the other side's machine answers; and our own mail comes back
        returned, _ = keep(database, "shop", answer)
        assert returned.kind is ArrivalKind.AUTO_REPLY
    left = [row for name in ("shop", "other") for row in rows(database, schema.outbox, name)]
    assert [row["draft_id"] for row in left] == [claim.row["draft_id"]]
    jobs = {name: len(rows(database, schema.jobs, name)) for name in ("shop", "other")}
    assert jobs == {"shop": 1, "other": 1}
    figure(f"12  two desks wired together ({_name(database)}): 1 mail that a person approved, 0 that a machine sent")


def _name(database: Database) -> str:
    return "SQLite" if database.is_sqlite else "PostgreSQL"
