"""Where public corpora lie on this machine; none of them is part of the repository."""

from __future__ import annotations

import os
from pathlib import Path

from triage.errors import TriageError


class CorpusError(TriageError):
    """A corpus file is missing or malformed; the message names the file and, where there is one, the line."""


def corpora_folder() -> Path:
    """The folder that ``TRIAGE_CORPORA`` names.

    Raises:
        CorpusError: the variable is unset or names no folder.
    """
    value = os.environ.get("TRIAGE_CORPORA")
    if not value:
        raise CorpusError("TRIAGE_CORPORA is not set; it names the folder that holds parallel/, intents/ and bench/")
    folder = Path(value)
    if not folder.is_dir():
        raise CorpusError(f"TRIAGE_CORPORA names {folder}, which is not a folder")
    return folder
