"""Reads a mailbox over IMAP (RFC 3501) from where the last poll ended: nothing is missed, however long nobody looked.

The mailbox is opened read-only and is never changed. The cursor moves past a mail once that is durable; a mail read twice
collapses by its external id.
"""

from __future__ import annotations

import base64
import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from triage.channels.email.keeping import MailStore, keep_or_quarantine
from triage.channels.email.mime import MOST_BYTES
from triage.channels.email.settings import ImapServer
from triage.errors import ConfigurationError, TriageError

_MOST_HEADER_BYTES = 256 * 1024
_LISTED = re.compile(rb"\bUID (\d{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,19})\b")


class MailboxUnavailable(TriageError):
    """The mail server cannot be reached, or broke off; the next poll goes on where this one ended."""

    code: ClassVar[str] = "mailbox_unavailable"
    retryable: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How far a folder was read. UIDs grow within one ``uid_validity``; a server that cannot keep them starts a new one."""

    uid_validity: int
    last_uid: int


class Cursors(Protocol):
    """Where cursors are kept, by inbound and folder."""

    def load(self, inbound_id: str, folder: str) -> Cursor | None: ...

    def save(self, inbound_id: str, folder: str, cursor: Cursor) -> None:
        """Returns once it is on disk."""


@dataclass(frozen=True, kw_only=True)
class Polled:
    """What one poll brought."""

    kept: int = 0
    quarantined: int = 0


def poll(
    inbound_id: str, server: ImapServer, *, store: MailStore, cursors: Cursors, stop: Callable[[], bool] = lambda: False
) -> Polled:
    """Reads every mail after the cursor, oldest first; the whole folder where there is none yet, or under a new UIDVALIDITY.

    Args:
        stop: asked before each mail; True ends the poll in good order.

    Raises:
        MailboxUnavailable: the server is out of reach; what was read is kept.
        StorageUnavailable: the database is; the same mail comes again with the next poll.
        ConfigurationError: the server refuses the log-in or has no such folder.
    """
    kept = quarantined = 0
    with _session(server) as session:
        validity = _open_folder(session, server.folder)
        cursor = cursors.load(inbound_id, server.folder)
        if cursor is None or cursor.uid_validity != validity:
            cursor = Cursor(uid_validity=validity, last_uid=0)
        for uid, size in _after(session, cursor.last_uid):
            if stop():
                break
            outcome = _take(session, uid, size, inbound_id, store)
            kept, quarantined = kept + (outcome is True), quarantined + (outcome is False)
            cursor = Cursor(uid_validity=validity, last_uid=uid)
            cursors.save(inbound_id, server.folder, cursor)
    return Polled(kept=kept, quarantined=quarantined)


def look(server: ImapServer) -> int:
    """Logs in and opens the folder, as a poll does; how many mails lie in it.

    Raises:
        MailboxUnavailable, ConfigurationError: as ``poll`` does.
    """
    with _session(server) as session:
        _open_folder(session, server.folder)
        _, counts = session.response("EXISTS")
        last = counts[-1] if counts else None
        return int(last) if isinstance(last, bytes) and last.isdigit() else 0


def _take(session: imaplib.IMAP4, uid: int, size: int, inbound_id: str, store: MailStore) -> bool | None:
    """True where the mail was kept, False where it is in quarantine, None where somebody has deleted it meanwhile."""
    if size > MOST_BYTES:
        head = _fetch(session, uid, f"BODY.PEEK[HEADER]<0.{_MOST_HEADER_BYTES}>")
        if head is None:
            return None
        store.quarantine(
            inbound_id, head, f"a mail of {size} bytes; the limit is {MOST_BYTES}: only its header was read"
        )
        return False
    # Never more than the limit, whatever size the server named.
    raw = _fetch(session, uid, f"BODY.PEEK[]<0.{MOST_BYTES + 1}>")
    return None if raw is None else keep_or_quarantine(store, inbound_id, raw)


@contextmanager
def _session(server: ImapServer) -> Iterator[imaplib.IMAP4]:
    session: imaplib.IMAP4 | None = None
    try:
        session = _connect(server)
        _log_in(session, server)
        yield session
    except (imaplib.IMAP4.error, OSError) as error:
        raise MailboxUnavailable(f"the mailbox cannot be read ({type(error).__name__})") from None
    finally:
        if session is not None:
            _close(session)


def _connect(server: ImapServer) -> imaplib.IMAP4:
    if server.security == "none":
        return imaplib.IMAP4(server.host, server.port, timeout=server.timeout)
    context = ssl.create_default_context(cafile=server.ca_file)
    if server.security == "tls":
        return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=server.timeout)
    session = imaplib.IMAP4(server.host, server.port, timeout=server.timeout)
    try:
        session.starttls(ssl_context=context)
    except BaseException:
        _close(session)
        raise
    return session


def _log_in(session: imaplib.IMAP4, server: ImapServer) -> None:
    user = server.user or ""
    password = server.password.get_secret_value() if server.password is not None else ""
    try:
        if "AUTH=PLAIN" in session.capabilities:
            words = "\0".join(("", user, password)).encode("utf-8", "replace")
            session.authenticate("PLAIN", lambda _: words)
        else:
            session.login(_quoted(user), password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeError):
        raise ConfigurationError("the mail server refuses the log-in of the mailbox") from None


def _open_folder(session: imaplib.IMAP4, folder: str) -> int:
    """Opens ``folder`` read-only; its UIDVALIDITY."""
    answer, _ = session.select(_quoted(folder), readonly=True)
    if answer != "OK":
        raise ConfigurationError("the mailbox has no such folder")
    _, values = session.response("UIDVALIDITY")
    value = values[-1] if values else None
    if not isinstance(value, bytes) or not value.isdigit():
        raise MailboxUnavailable("the mail server gives no UIDVALIDITY")
    return int(value)


def _after(session: imaplib.IMAP4, last: int) -> list[tuple[int, int]]:
    """UID and size of each mail after ``last``, in order. One line a mail comes back: a SEARCH would answer with one line
    for all, which the library refuses beyond a megabyte."""
    answer, lines = session.uid("FETCH", f"{last + 1}:*", "(UID RFC822.SIZE)")
    if answer != "OK":
        raise MailboxUnavailable("the mail server does not list the folder")
    found: dict[int, int] = {}
    for line in lines:
        uid, size = (pattern.search(line) if isinstance(line, bytes) else None for pattern in (_LISTED, _SIZE))
        # "n:*" always names the last mail, be it older than n.
        if uid and int(uid[1]) > last:
            found[int(uid[1])] = int(size[1]) if size else 0
    return sorted(found.items())


def _fetch(session: imaplib.IMAP4, uid: int, what: str) -> bytes | None:
    """The bytes of one item; None where the mail is gone."""
    answer, parts = session.uid("FETCH", str(uid), f"(UID {what})")
    if answer != "OK":
        raise MailboxUnavailable("the mail server does not give a mail that it listed")
    pieces: list[Any] = list(parts)
    for number, piece in enumerate(pieces):
        if not isinstance(piece, tuple):
            if isinstance(piece, bytes) and re.search(rb"BODY\[[^\]]*\](?:<\d+>)? (?:\"\"|NIL)", piece, re.IGNORECASE):
                return b""
            continue
        rest = pieces[number + 1] if number + 1 < len(pieces) and isinstance(pieces[number + 1], bytes) else b""
        named = _LISTED.search(piece[0]) or _LISTED.search(rest)
        if named and int(named[1]) == uid:
            return bytes(piece[1])
    return None


def _quoted(name: str) -> str:
    """A quoted string, in modified UTF-7 beyond ASCII (RFC 3501, 5.1.3)."""
    name = re.sub(r"[\x00-\x1f\x7f]", "", name).replace("&", "&-")
    name = re.sub(r"[^\x20-\x7e]+", lambda found: _shifted(found[0]), name)
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shifted(text: str) -> str:
    code = base64.b64encode(text.encode("utf-16-be", "replace")).decode().rstrip("=").replace("/", ",")
    return f"&{code}-"


def _close(session: imaplib.IMAP4) -> None:
    try:
        session.logout()
    except (imaplib.IMAP4.error, OSError):
        session.shutdown()
