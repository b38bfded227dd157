"""What becomes of a mail that was read, wherever from: kept, or put aside for a person; never lost, never in another's way."""

from __future__ import annotations

import logging
from typing import Protocol

from triage.errors import StorageUnavailable, UnreadableDelivery

_log = logging.getLogger(__name__)


class MailStore(Protocol):
    """Where mail of an inbound goes. Both calls return once it is on disk."""

    def keep(self, inbound_id: str, raw: bytes) -> None:
        """Parses and keeps one mail; a mail that is there already is no error.

        Raises:
            UnreadableDelivery: it is no mail, or beyond the limits.
            StorageUnavailable: nothing was kept.
        """

    def quarantine(self, inbound_id: str, raw: bytes, reason: str) -> None:
        """Puts the raw bytes aside, to be seen by a person.

        Raises:
            StorageUnavailable: nothing was kept.
        """


def keep_or_quarantine(store: MailStore, inbound_id: str, raw: bytes) -> bool:
    """Returns once the mail is durable: True where it was kept, False where it lies in quarantine.

    A mail that trips an error nobody thought of is put aside too: it must not stop those after it.

    Raises:
        StorageUnavailable: it is neither; whoever brought it must bring it again.
    """
    try:
        store.keep(inbound_id, raw)
    except StorageUnavailable:
        raise
    except UnreadableDelivery as error:
        store.quarantine(inbound_id, raw, str(error))
        return False
    except Exception as error:
        _log.error("a mail of inbound %s could not be kept (%s); it is in quarantine", inbound_id, type(error).__name__)
        store.quarantine(inbound_id, raw, f"could not be kept ({type(error).__name__})")
        return False
    return True
