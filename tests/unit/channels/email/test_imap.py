"""The poll against a stand-in for a server; the real one is in tests/integration/mail."""

from __future__ import annotations

import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from triage.channels.email import imap
from triage.channels.email.imap import Cursor, MailboxUnavailable, poll
from triage.channels.email.keeping import keep_or_quarantine
from triage.channels.email.mime import MOST_BYTES
from triage.channels.email.settings import ImapServer
from triage.errors import ConfigurationError, StorageUnavailable, UnreadableDelivery

SERVER = ImapServer(host="127.0.0.1", port=1)


class Folder:
    """A server with one folder. ``sizes``: what it says of a mail's size, where that is not its length."""

    def __init__(self, mails: dict[int, bytes], *, validity: int = 7) -> None:
        self.mails, self.validity, self.sizes = dict(mails), validity, dict[int, int]()
        self.gone: set[int] = set()
        self.breaks_at: int | None = None

    def select(self, name: str, readonly: bool) -> tuple[str, list[bytes]]:
        assert readonly
        return ("OK" if name == '"INBOX"' else "NO", [b""])

    def response(self, name: str) -> tuple[str, list[bytes]]:
        return name, [str(self.validity).encode()]

    def uid(self, command: str, which: str, what: str) -> tuple[str, list[Any]]:
        assert command == "FETCH"
        if "RFC822.SIZE" in what:
            first = int(which.partition(":")[0])
            uids = sorted(self.mails)
            listed = [uid for uid in uids if uid >= first] or uids[-1:]
            sizes = {uid: self.sizes.get(uid, len(self.mails[uid])) for uid in listed}
            return "OK", [
                f"{n} (UID {uid} RFC822.SIZE {size})".encode() for n, (uid, size) in enumerate(sizes.items(), 1)
            ]
        uid = int(which)
        if uid == self.breaks_at:
            raise imaplib.IMAP4.abort("gone")
        if uid in self.gone:
            return "OK", [None]
        raw = self.mails[uid]
        if "HEADER" in what:
            raw = raw.partition(b"\r\n\r\n")[0]
        assert re.search(r"<0\.\d+>", what), "every fetch is bounded"
        return "OK", [b"9 (FLAGS (\\Seen))", (f"1 (UID {uid} BODY[]<0> {{{len(raw)}}}".encode(), raw), b")"]


class Store:
    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.aside: list[tuple[bytes, str]] = []
        self.down_at: bytes | None = None

    def keep(self, inbound_id: str, raw: bytes) -> None:
        if raw == self.down_at:
            raise StorageUnavailable("down")
        if raw.startswith(b"unreadable"):
            raise UnreadableDelivery("no mail")
        if raw.startswith(b"trips"):
            raise KeyError("a bug")
        self.kept.append(raw)

    def quarantine(self, inbound_id: str, raw: bytes, reason: str) -> None:
        self.aside.append((raw, reason))


class Cursors:
    def __init__(self) -> None:
        self.saved: dict[tuple[str, str], Cursor] = {}

    def load(self, inbound_id: str, folder: str) -> Cursor | None:
        return self.saved.get((inbound_id, folder))

    def save(self, inbound_id: str, folder: str, cursor: Cursor) -> None:
        self.saved[inbound_id, folder] = cursor

    @property
    def last(self) -> int:
        return self.saved["inb", "INBOX"].last_uid


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Folder:
    folder = Folder({uid: f"mail {uid}".encode() for uid in (3, 4, 9)})

    @contextmanager
    def session(server: ImapServer) -> Iterator[Any]:
        try:
            yield folder
        except imaplib.IMAP4.abort:
            raise MailboxUnavailable("gone") from None

    monkeypatch.setattr(imap, "_session", session)
    return folder


def test_every_mail_is_read_once_and_in_order(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    assert poll("inb", SERVER, store=store, cursors=cursors).kept == 3
    assert poll("inb", SERVER, store=store, cursors=cursors).kept == 0
    folder.mails |= {uid: f"mail {uid}".encode() for uid in range(10, 210)}
    assert poll("inb", SERVER, store=store, cursors=cursors).kept == 200
    assert store.kept == [f"mail {uid}".encode() for uid in (3, 4, *range(9, 210))]
    assert cursors.last == 209


def test_the_cursor_waits_for_the_database_and_for_the_line(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    store.down_at = b"mail 4"
    with pytest.raises(StorageUnavailable):
        poll("inb", SERVER, store=store, cursors=cursors)
    assert cursors.last == 3
    store.down_at, folder.breaks_at = None, 9
    with pytest.raises(MailboxUnavailable):
        poll("inb", SERVER, store=store, cursors=cursors)
    assert cursors.last == 4
    folder.breaks_at = None
    poll("inb", SERVER, store=store, cursors=cursors)
    assert store.kept == [b"mail 3", b"mail 4", b"mail 9"]


def test_a_poison_mail_never_blocks_the_next(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    folder.mails |= {3: b"unreadable", 4: b"trips an error"}
    outcome = poll("inb", SERVER, store=store, cursors=cursors)
    assert (outcome.kept, outcome.quarantined) == (1, 2)
    assert store.kept == [b"mail 9"]
    assert store.aside == [(b"unreadable", "no mail"), (b"trips an error", "could not be kept (KeyError)")]


def test_of_a_mail_beyond_the_limit_only_the_header_is_fetched(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    folder.mails[4] = b"Subject: huge\r\n\r\nbody"
    folder.sizes[4] = MOST_BYTES + 1
    poll("inb", SERVER, store=store, cursors=cursors)
    assert store.aside[0][0] == b"Subject: huge"
    assert str(MOST_BYTES + 1) in store.aside[0][1]
    assert store.kept == [b"mail 3", b"mail 9"]


def test_a_new_uidvalidity_reads_the_folder_again(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    poll("inb", SERVER, store=store, cursors=cursors)
    folder.mails, folder.validity = {1: b"mail 3", 2: b"mail new"}, 8
    poll("inb", SERVER, store=store, cursors=cursors)
    assert store.kept[-2:] == [b"mail 3", b"mail new"]
    assert cursors.saved["inb", "INBOX"] == Cursor(uid_validity=8, last_uid=2)


def test_a_mail_that_was_deleted_meanwhile_is_passed_over(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    folder.gone = {4}
    poll("inb", SERVER, store=store, cursors=cursors)
    assert (store.kept, cursors.last) == ([b"mail 3", b"mail 9"], 9)


def test_a_poll_ends_when_it_is_asked_to(folder: Folder) -> None:
    store, cursors = Store(), Cursors()
    answers = iter([False, True])
    poll("inb", SERVER, store=store, cursors=cursors, stop=lambda: next(answers))
    assert store.kept == [b"mail 3"]


def test_a_folder_that_is_not_there_is_a_wrong_setting(folder: Folder) -> None:
    with pytest.raises(ConfigurationError, match="folder"):
        poll("inb", SERVER.model_copy(update={"folder": "Elsewhere"}), store=Store(), cursors=Cursors())


def test_a_database_that_is_down_while_a_mail_is_put_aside_is_told() -> None:
    class Down(Store):
        def quarantine(self, inbound_id: str, raw: bytes, reason: str) -> None:
            raise StorageUnavailable("down")

    with pytest.raises(StorageUnavailable):
        keep_or_quarantine(Down(), "inb", b"unreadable")


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("INBOX", '"INBOX"'), ("Support & Co", '"Support &- Co"'), ("Anfragen für uns", '"Anfragen f&APw-r uns"'),
        ('a"b\\c', '"a\\"b\\\\c"'), ("a\r\nb", '"ab"'), ("台北", '"&U,BTFw-"'),
    ],
)  # fmt: skip
def test_folder_names_are_quoted(name: str, quoted: str) -> None:
    assert imap._quoted(name) == quoted
