"""Passage vectors kept between starts, so that a second start does not encode the knowledge base again."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from triage.protocols import Encoder, Vectors

logger = logging.getLogger(__name__)


class VectorStore:
    """Vectors by the SHA-256 of their text, one file an encoder version; a file that cannot be read is made anew.

    Args:
        folder: where the file lies; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def embed(self, encoder: Encoder, texts: Sequence[str]) -> Vectors:
        """(N, width) vectors of ``texts``; only texts not seen before are encoded."""
        if self._folder is None:
            return encoder.encode(texts)
        path = self._folder / f"vectors-{encoder.version}.npz"
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        known = _read(path, encoder.width)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            known |= dict(zip(new, encoder.encode(list(new.values())), strict=True))
            try:
                _write(path, {key: known[key] for key in dict.fromkeys(keys)})
            except OSError as error:
                # Only the next start is slower for it, so a full disk must not keep this one from serving.
                logger.warning("passage vectors are not kept: %s", error.strerror)
        rows = [known[key] for key in keys]
        return np.stack(rows) if rows else np.zeros((0, encoder.width), dtype=np.float32)


def _read(path: Path, width: int) -> dict[bytes, NDArray[np.float32]]:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            keys, vectors, digest = file["keys"], file["vectors"], file["digest"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    # A flipped bit would silently give wrong neighbours.
    if vectors.ndim != 2 or vectors.shape[1] != width or not np.array_equal(digest, _digest(keys, vectors)):
        return {}
    return {bytes(key): vector for key, vector in zip(keys, vectors, strict=True)}


def _write(path: Path, vectors: dict[bytes, NDArray[np.float32]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = np.frombuffer(b"".join(vectors), dtype=np.uint8).reshape(len(vectors), 32)
    stacked = np.stack(list(vectors.values()))
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, keys=keys, vectors=stacked, digest=_digest(keys, stacked))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def _digest(keys: NDArray[np.uint8], vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
    content = hashlib.sha256(keys.tobytes() + vectors.tobytes()).digest()
    return np.frombuffer(content, dtype=np.uint8)
