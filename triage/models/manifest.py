"""The manifest beside the weights: what they are, what they were trained for, and the hash of every file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.errors import ModelError


class Calibration(BaseModel):
    """Fitted on held-out messages, never on training messages.

    Attributes:
        temperatures: divisor of each softmax head's logits.
        abstain_below: least confidence of the primary intent at which precision reaches the key (a percentage).
        second_intent: least share of the primary's probability that makes a further intent count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperatures: dict[str, float] = Field(default_factory=dict)
    abstain_below: dict[str, float] = Field(default_factory=dict)
    intent_threshold: float = 0.5
    reply_threshold: float = 0.5
    reason_threshold: float = 0.5
    critical_threshold: float = 0.5


class Manifest(BaseModel):
    """``files`` maps each file's name to its SHA-256; label orders are those of the heads' outputs; ``retrieval`` holds the
    coefficients of ``knowledge_base.retriever.RetrievalWeights`` for vectors of this encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    created: str
    intents: tuple[str, ...]
    urgencies: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    calibration: Calibration
    files: dict[str, str]
    trained_on: tuple[str, ...] = ()
    retrieval: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Reads ``manifest.json`` and checks every file against it.

        Raises:
            ModelError: no manifest, a malformed one, or a file that is missing or altered.
        """
        path = folder / "manifest.json"
        try:
            manifest = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise ModelError(f"{path}: missing; the folder holds no model") from error
        except ValidationError as error:
            raise ModelError(f"{path}: {error.error_count()} invalid fields") from error
        for name, expected in manifest.files.items():
            if not (folder / name).is_file():
                raise ModelError(f"{folder / name}: missing")
            if sha256(folder / name) != expected:
                raise ModelError(f"{folder / name}: does not match its hash in the manifest")
        return manifest


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
