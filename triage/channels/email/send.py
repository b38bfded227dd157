"""Sends a composed mail over SMTP (RFC 5321), and tells a refusal from a line that was lost after the mail was given away."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from triage.channels.email.compose import compose, recipient_of
from triage.channels.email.settings import EmailSettings, SmtpServer
from triage.errors import SendFailed
from triage.types import Reply, Sent

_LONGEST_ANSWER = 150
_LINE_WITH_DOT = re.compile(rb"^\.", re.MULTILINE)


def send_mail(reply: Reply, *, settings: EmailSettings, now: datetime) -> Sent:
    """Gives ``reply`` to the mailbox's SMTP server; every attempt bears the same Message-ID.

    Raises:
        SendFailed: 5xx is final, 4xx and a server out of reach may be tried again; ``uncertain`` where the line was lost
            after the final dot, when the server may have taken the mail.
    """
    if settings.smtp is None:
        raise SendFailed("mailbox setting smtp: no server to send through")
    raw, message_id = compose(reply, settings=settings, now=now)
    recipient = recipient_of(reply)
    with _open(settings.smtp) as server:
        answer = _hand_over(server, settings.address, recipient, raw)
    return Sent(provider_id=answer or message_id, message_ref=message_id)


def knock(server: SmtpServer) -> None:
    """Connects and logs in as for a mail, and sends none.

    Raises:
        SendFailed: what the server said, or that it is out of reach.
    """
    with _open(server):
        pass


@contextmanager
def _open(to: SmtpServer) -> Iterator[smtplib.SMTP]:
    """A connection, encrypted and logged in as the settings say; never in clear where they ask for TLS."""
    server: smtplib.SMTP | None = None
    try:
        context = None if to.security == "none" else ssl.create_default_context(cafile=to.ca_file)
        if to.security == "tls":
            server = smtplib.SMTP_SSL(to.host, to.port, timeout=to.timeout, context=context)
        else:
            server = smtplib.SMTP(to.host, to.port, timeout=to.timeout)
        if to.security == "starttls":
            server.starttls(context=context)
        server.ehlo_or_helo_if_needed()
        if to.user is not None and to.password is not None:
            server.login(to.user, to.password.get_secret_value())
        yield server
    except smtplib.SMTPNotSupportedError as error:
        raise SendFailed(f"the server cannot do what the settings ask: {_short(str(error))}") from None
    except smtplib.SMTPResponseException as error:
        raise _refused("the server refused the connection", error.smtp_code, error.smtp_error) from None
    except (smtplib.SMTPException, OSError, UnicodeError, ValueError) as error:
        raise SendFailed(f"the server cannot be reached ({type(error).__name__})", retryable=True) from None
    finally:
        if server is not None:
            _close(server)


def _hand_over(server: smtplib.SMTP, sender: str, recipient: str, raw: bytes) -> str:
    """MAIL, RCPT, DATA; the server's word on having taken it."""
    options = []
    if not (sender + recipient).isascii():
        if not server.has_extn("smtputf8"):
            raise SendFailed("the server takes no addresses beyond ASCII")
        options = ["SMTPUTF8"]
        server.command_encoding = "utf-8"
    _expect(server.mail(sender, options), 250, "the server refused the sender")
    _expect(server.rcpt(recipient), 250, "the server refused the recipient")
    _expect(server.docmd("DATA"), 354, "the server takes no mail now")
    # Without the final dot nothing counts as sent, so until here a lost line may simply be tried again.
    server.send(_LINE_WITH_DOT.sub(b"..", raw))
    try:
        server.send(b".\r\n")
        code, answer = server.getreply()
    except (smtplib.SMTPException, OSError) as error:
        raise SendFailed(
            f"the line was lost before the server answered ({type(error).__name__})", uncertain=True
        ) from None
    if code == 250:
        return _short(answer)
    if not 400 <= code <= 599:
        raise SendFailed(f"the server gave no clear answer ({code})", uncertain=True)
    raise _refused("the server refused the mail", code, answer)


def _expect(answer: tuple[int, bytes], wanted: int, otherwise: str) -> None:
    code, text = answer
    if code != wanted and not (wanted == 250 and code == 251):
        raise _refused(otherwise, code, text)


def _refused(what: str, code: int, answer: bytes | str) -> SendFailed:
    return SendFailed(f"{what}: {code} {_short(answer)}", retryable=not 500 <= code <= 599)


def _short(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:_LONGEST_ANSWER]


def _close(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):  # what is sent is sent, whether or not the server says goodbye
        server.close()
