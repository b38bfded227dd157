"""Every error that the assistant raises on purpose.

    TriageError
    ├── ConfigurationError      settings, a data file or a policy is wrong; the message says which and where
    ├── ModelError              weights missing, damaged or of another version
    ├── IndexUnavailable        the knowledge base cannot be searched now (retryable)
    ├── InvalidMessage          the message itself cannot be triaged; ``field`` names the part
    │   └── MessageTooLong
    ├── ArticleError            an article that cannot be read; the message names file and line
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
