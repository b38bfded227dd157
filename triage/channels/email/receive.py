"""Takes mail over SMTP or LMTP: 250 means that the mail is on disk, 451 that it has to be brought again.

Meant to stand behind a mail server of the shop (as its LMTP or relay destination); it listens on this machine unless told
otherwise, and passes nothing on.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from triage.channels.email.keeping import MailStore, keep_or_quarantine
from triage.channels.email.mime import MOST_BYTES
from triage.errors import ConfigurationError, StorageUnavailable

_LONGEST_LINE = 64 * 1024
"""Bytes; RFC 5321 allows 998, programs that make HTML mail write more, and refusing their mail would lose it."""
_MOST_RECIPIENTS = 100

_KEPT = "250 2.0.0 kept"
_LATER = "451 4.3.0 cannot be kept now, bring it again"
_UNKNOWN = "550 5.1.1 no such mailbox here"
_TOO_MANY = "452 4.5.3 too many recipients"


class MailReceiver:
    """A server in a thread of its own, from ``start`` to ``stop``.

    Args:
        inbound_of: the inbound of a recipient's address, None for one that is not ours. May raise StorageUnavailable.
        lmtp: speak LMTP (RFC 2033), with an answer for each recipient.
        port: 0 lets the system choose; see ``port`` afterwards.
        tls: offers STARTTLS with this context.

    Raises:
        ConfigurationError: aiosmtpd is not installed, or the port is taken (on ``start``).
    """

    def __init__(
        self, store: MailStore, *, inbound_of: Callable[[str], str | None], host: str = "127.0.0.1", port: int = 0,
        lmtp: bool = False, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._factory = _protocol_factory(_Handler(store, inbound_of, lmtp=lmtp), lmtp=lmtp, tls=tls)
        self._host, self._port = host, port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def port(self) -> int:
        return self._port

    def start(self) -> None:
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="mail-receiver", daemon=True)
        self._thread.start()
        try:
            self._port = listening.result()
        except OSError as error:
            self._thread.join()
            raise ConfigurationError(
                f"cannot take mail on {self._host}:{self._port} ({type(error).__name__})"
            ) from error

    def stop(self) -> None:
        """Ends the server; a mail whose end has not been answered will be brought again."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop = self._thread = None

    def _run(self, listening: Future[int]) -> None:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            try:
                server = runner.run(_listen(self._factory, self._host, self._port))
            except OSError as error:
                listening.set_exception(error)
                return
            self._loop = loop
            listening.set_result(server.sockets[0].getsockname()[1])
            try:
                loop.run_forever()
            finally:
                server.close()
                # Ends the connections and lets go of their sockets before the loop closes.
                runner.run(_settle())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Handler:
    """Called by aiosmtpd for each command; what blocks runs in a thread beside its loop."""

    def __init__(self, store: MailStore, inbound_of: Callable[[str], str | None], *, lmtp: bool) -> None:
        self._store, self._inbound_of, self._lmtp = store, inbound_of, lmtp

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return _TOO_MANY
        try:
            inbound = await asyncio.to_thread(self._inbound_of, address)
        except StorageUnavailable:
            return _LATER
        if inbound is None:
            return _UNKNOWN
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(inbound)
        return "250 2.1.5 known"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answers = []
        for address, inbound in zip(envelope.rcpt_tos, envelope.rcpt_options, strict=True):
            raw = _trace(envelope.mail_from, address) + bytes(envelope.content)
            answers.append(await asyncio.to_thread(self._keep, inbound, raw))
        if self._lmtp:
            return "\r\n".join(answers)
        # One answer for all: who brings it again for the one that failed makes no second of the others.
        return next((answer for answer in answers if answer != _KEPT), _KEPT)

    def _keep(self, inbound: str, raw: bytes) -> str:
        try:
            keep_or_quarantine(self._store, inbound, raw)
        except Exception as error:  # whatever it was, the mail is not on disk
            logging.getLogger(__name__).error("a mail was not kept (%s)", type(error).__name__)
            return _LATER
        return _KEPT


def _trace(sender: str | None, recipient: str) -> bytes:
    """The envelope as fields, as the last server on the way writes it (RFC 5321, 4.4): an empty sender marks a bounce."""
    lines = f"Return-Path: <{(sender or '').strip('<>')}>\nDelivered-To: {recipient}\n"
    return "".join(c for c in lines if c == "\n" or c.isprintable()).replace("\n", "\r\n").encode("utf-8", "replace")


async def _listen(factory: Callable[[], asyncio.BaseProtocol], host: str, port: int) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(factory, host, port)


async def _settle() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


def _protocol_factory(
    handler: _Handler, *, lmtp: bool, tls: ssl.SSLContext | None
) -> Callable[[], asyncio.BaseProtocol]:
    try:
        from aiosmtpd.lmtp import LMTP
        from aiosmtpd.smtp import SMTP
    except ImportError as error:
        raise ConfigurationError(
            "taking mail over SMTP needs aiosmtpd: pip install 'triage-assistant[mail]'"
        ) from error

    # The library writes every line of a mail to this log at DEBUG, and addresses at INFO.
    logging.getLogger("mail.log").setLevel(logging.WARNING)

    class _Server(LMTP if lmtp else SMTP):  # type: ignore[misc]
        line_length_limit = _LONGEST_LINE

    def make() -> asyncio.BaseProtocol:
        return _Server(
            handler, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True, tls_context=tls, ident="triage",
            hostname="triage.localhost", loop=asyncio.get_running_loop(),
        )  # fmt: skip

    return make
