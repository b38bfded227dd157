"""Whose mail it is: the one address that identifies the customer and that an answer goes to.

Both are one on purpose. Were the customer the From and the answer sent to a Reply-To, then whoever forges a From would be
told what only that customer may know. Reply-To counts where From is no person (a no-reply address, a contact form, ourselves)
or where both are in one domain, as when somebody answers from a shared mailbox; then it is the customer too.
"""

from __future__ import annotations

import re

from triage.channels.email.headers import Headers, Mailbox, mailbox
from triage.channels.email.settings import EmailSettings
from triage.types import Sender

_NOBODY = re.compile(
    r"(?:^|[-_.+])(?:(?:no|not|do[-_.]?not|dont|non|ne[-_.]?pas|nicht|nao)[-_.]?(?:re?ply|repondre|antworten|responder|responda"
    r"|rispondere)|mailer|notifications?|wordpress|woocommerce|contact-?form|web-?form|www-data)(?:[-_.+][^@]*)?@",
    re.IGNORECASE,
)
_MARKETPLACES = re.compile(
    r"@(?:[a-z0-9-]+\.)*(?:marketplace\.amazon(?:\.[a-z]{2,3}){1,2}|members\.ebay(?:\.[a-z]{2,3}){1,2})\Z"
)


def through_form(written_by: Mailbox | None, headers: Headers, settings: EmailSettings) -> bool:
    """Whether a program passed on what a person wrote."""
    if written_by is None:
        return False
    if settings.relayed(written_by.address) or _MARKETPLACES.search(written_by.address.lower()):
        return True
    answer = mailbox(headers.get("reply-to"))
    return settings.owns(written_by.address) and answer is not None and not settings.owns(answer.address)


def customer_of(headers: Headers, settings: EmailSettings) -> tuple[Mailbox | None, Sender]:
    """Who the From names, and who the customer is; an empty sender for a mail that names nobody."""
    written_by = mailbox(headers.get("from")) or mailbox(headers.get("sender"))
    answer = mailbox(headers.get("reply-to"))
    chosen = written_by
    if (
        answer is not None
        and not settings.owns(answer.address)
        and (written_by is None or _counts(written_by, answer, settings))
    ):
        same = written_by is not None and answer.name is None and not _nobody(written_by, settings)
        chosen = Mailbox(answer.address, written_by.name if same and written_by else answer.name)
    if chosen is None:
        return written_by, Sender()
    return written_by, Sender(email=chosen.address, name=chosen.name)


def _counts(written_by: Mailbox, answer: Mailbox, settings: EmailSettings) -> bool:
    return _nobody(written_by, settings) or _domain(written_by) == _domain(answer)


def _nobody(written_by: Mailbox, settings: EmailSettings) -> bool:
    address = written_by.address
    return _NOBODY.search(address) is not None or settings.owns(address) or settings.relayed(address)


def _domain(of: Mailbox) -> str:
    return of.address.lower().rpartition("@")[2]
