"""Every error that the assistant raises on purpose.

    TriageError
    ├── ConfigurationError      settings, a data file or a policy is wrong; the message says which and where
    ├── ModelError              weights missing, damaged or of another version
    ├── IndexUnavailable        the knowledge base cannot be searched now (retryable)
    ├── InvalidMessage          the message itself cannot be triaged; ``field`` names the part
    │   └── MessageTooLong
    ├── ArticleError            an article that cannot be read; the message names file and line
    ├── StorageUnavailable      the database cannot be reached or the disk is full; nothing was kept (retryable)
    ├── Conflict                somebody was faster, or what was decided upon has changed
    ├── Unknown                 no such thing in this workspace
    ├── SignatureRefused        a delivery whose signature is missing, wrong or stale
    ├── UnreadableDelivery      signed, but not what the provider documents: kept raw in quarantine
    ├── SendFailed              a provider refused a reply, or may have taken it (``uncertain``)
    └── Overloaded              too much waits already (retryable)

``eval`` adds CorpusError and LabelError for what training and evaluation read.

``code`` is stable and goes into problem+json; ``retryable`` says whether the same call may succeed later.
"""

from __future__ import annotations

from typing import ClassVar


class TriageError(Exception):
    """Base of all errors raised on purpose."""

    code: ClassVar[str] = "triage_error"
    retryable: ClassVar[bool] = False


class ConfigurationError(TriageError):
    """A setting, policy or data file is wrong."""

    code = "configuration"


class ModelError(TriageError):
    """Model weights are missing, damaged or do not fit the manifest."""

    code = "model"


class IndexUnavailable(TriageError):
    """The knowledge base cannot be searched now."""

    code = "index_unavailable"
    retryable = True


class InvalidMessage(TriageError):
    """The message cannot be triaged; ``field`` names the offending part, the text itself is never repeated."""

    code = "invalid_message"

    def __init__(self, detail: str, *, field: str = "text") -> None:
        super().__init__(detail)
        self.field = field


class MessageTooLong(InvalidMessage):
    """The text is longer than the limit."""

    code = "message_too_long"


class ArticleError(TriageError):
    """An article cannot be read; the message names the file and line."""

    code = "article"


class Overloaded(TriageError):
    """Too many messages wait already."""

    code = "overloaded"
    retryable = True


class StorageUnavailable(TriageError):
    """The database cannot be reached, is locked, or the disk is full; nothing of the call was kept."""

    code = "storage_unavailable"
    retryable = True


class Conflict(TriageError):
    """Somebody was faster, or what was decided upon has changed since; ``reason`` is a stable word for which."""

    code = "conflict"

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Unknown(TriageError):
    """No such thing in this workspace; another workspace's looks the same."""

    code = "unknown"

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"no {kind} {id!r}")
        self.kind, self.id = kind, id


class SignatureRefused(TriageError):
    """A delivery's signature is missing, wrong or stale, or no secret is set; nothing was kept."""

    code = "signature_refused"


class UnreadableDelivery(TriageError):
    """A delivery that is signed but not what its provider documents; it is kept raw, in quarantine."""

    code = "unreadable_delivery"


class SendFailed(TriageError):
    """A reply did not go out.

    Attributes:
        uncertain: the provider may have taken it; sending again could make two of it.
        retry_after: seconds that the provider asked to wait.
    """

    code = "send_failed"

    def __init__(
        self, detail: str, *, retryable: bool = False, uncertain: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.may_retry, self.uncertain, self.retry_after = retryable, uncertain, retry_after
