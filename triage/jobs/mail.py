"""Mailboxes: polls those that have an IMAP server, and takes mail over SMTP or LMTP where a port is configured."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from triage.channels.email.imap import Cursor, poll
from triage.channels.email.parse import parse_mail
from triage.channels.email.receive import MailReceiver
from triage.channels.email.settings import EmailSettings
from triage.errors import ConfigurationError, TriageError
from triage.protocols import Clock
from triage.storage import inbounds, intake
from triage.storage.database import Database
from triage.storage.inbounds import Inbound
from triage.storage.mail_cursors import MailCursor, load_cursor, save_cursor
from triage.storage.quarantine import quarantine
from triage.storage.workspace import Workspace

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)
ADAPTER = "email"


class KeptMail:
    """Mail of an inbound, parsed and kept: a ``MailStore`` and ``Cursors`` over the database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def keep(self, inbound_id: str, raw: bytes) -> None:
        """As ``MailStore`` says."""
        inbound, now = self._inbound(inbound_id), self._clock.now()
        arrival = parse_mail(raw, settings=EmailSettings.of(inbound.settings), now=now)
        intake.receive(self._database, inbound.workspace_id, arrival, now=now, inbound_id=inbound_id)

    def quarantine(self, inbound_id: str, raw: bytes, reason: str) -> None:
        """As ``MailStore`` says."""
        inbound, now = self._inbound(inbound_id), self._clock.now()
        self._database.write(
            lambda c: quarantine(
                Workspace(c, inbound.workspace_id), channel=inbound.channel, body=raw, reason=reason, now=now,
                inbound_id=inbound_id,
            )
        )  # fmt: skip

    def load(self, inbound_id: str, folder: str) -> Cursor | None:
        """As ``Cursors`` says."""
        workspace = self._inbound(inbound_id).workspace_id
        found = self._database.read(lambda c: load_cursor(Workspace(c, workspace), inbound_id, folder))
        return found and Cursor(uid_validity=found.uid_validity, last_uid=found.last_uid)

    def save(self, inbound_id: str, folder: str, cursor: Cursor) -> None:
        """As ``Cursors`` says."""
        workspace = self._inbound(inbound_id).workspace_id
        at = MailCursor(uid_validity=cursor.uid_validity, last_uid=cursor.last_uid)
        self._database.write(lambda c: save_cursor(Workspace(c, workspace), inbound_id, folder, at))

    def mailboxes(self) -> list[Inbound]:
        """Every open mailbox of every workspace."""
        return self._database.read(lambda c: inbounds.of_adapter(c, ADAPTER))

    def inbound_of(self, address: str) -> str | None:
        """The mailbox that an address is of; None for one that is not ours."""
        for inbound in self.mailboxes():
            try:
                if EmailSettings.of(inbound.settings).owns(address):
                    return inbound.id
            except ConfigurationError as error:
                log.warning("mailbox %s: %s", inbound.id, error)
        return None

    def _inbound(self, inbound_id: str) -> Inbound:
        found = self._database.read(lambda c: inbounds.find(c, inbound_id))
        if found is None:
            raise ConfigurationError(f"mailbox {inbound_id} is closed")
        return found


class Mailboxes:
    """A thread that polls every mailbox in turn, and a receiver beside it where ``listen`` names host and port.

    Args:
        lmtp: whether the receiver speaks LMTP.
    """

    def __init__(
        self, database: Database, clock: Clock, *, listen: tuple[str, int] | None = None,
        lmtp: bool = False, every: timedelta = EVERY,
    ) -> None:  # fmt: skip
        self._mail, self._every = KeptMail(database, clock), every
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._receiver = None
        if listen is not None:
            host, port = listen
            self._receiver = MailReceiver(self._mail, inbound_of=self._mail.inbound_of, host=host, port=port, lmtp=lmtp)

    def start(self) -> None:
        """Begins to poll and to listen.

        Raises:
            ConfigurationError: the port is taken, or aiosmtpd is missing.
        """
        if self._receiver is not None:
            self._receiver.start()
        self._thread = threading.Thread(target=self._run, name="mailboxes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the mail under way."""
        self._stopping.set()
        if self._receiver is not None:
            self._receiver.stop()
        if self._thread is not None:
            self._thread.join()

    def round(self) -> int:
        """Polls every mailbox once; how many mails came. A mailbox that fails does not keep the others waiting."""
        came = 0
        for inbound in self._mail.mailboxes():
            if self._stopping.is_set():
                break
            try:
                server = EmailSettings.of(inbound.settings).imap
                if server is not None:
                    polled = poll(inbound.id, server, store=self._mail, cursors=self._mail, stop=self._stopping.is_set)
                    came += polled.kept + polled.quarantined
            except TriageError as error:
                log.warning("mailbox %s: %s", inbound.id, error)
        return came

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.round()
            except TriageError as error:
                log.warning("mailboxes: %s", error)
            except Exception as error:  # one strange server must not end the polling of all
                log.error("mailboxes: %s", type(error).__name__)
            self._stopping.wait(self._every.total_seconds())
