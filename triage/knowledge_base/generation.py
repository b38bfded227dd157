"""One generation of an index on disk, and the check that every byte of it is as it was written.

The manifest holds the digest of every file, and whoever opens a generation knows the digest of the manifest. The articles
carry a digest of their own, so that they survive the loss of everything beside them.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from triage.knowledge_base.chunking import Chunk
from triage.knowledge_base.dense import DenseIndex
from triage.knowledge_base.files import sync_folder, write_durably
from triage.knowledge_base.passages import PassageIndex, texts_digest
from triage.knowledge_base.serialisation import article_of, article_record, canonical
from triage.protocols import Vectors
from triage.types import Article

FORMAT = 1
MANIFEST, ARTICLES, VECTORS, DENSE = "manifest.json", "articles.jsonl", "vectors.npy", "dense.faiss"
_SEALED = 65
"""Bytes of a SHA-256 in hexadecimal and the line break behind it."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """How far a generation tells the story: every change of ``lineage`` up to ``seq``."""

    lineage: str
    seq: int


class Unusable(Exception):
    """Why a generation cannot be used, in one line."""


class Generation:
    """A generation's folder.

    Args:
        digest: SHA-256 of its manifest; what needs the manifest cannot be read without.
    """

    def __init__(self, folder: Path, digest: str = "") -> None:
        self._folder = folder
        self._digest = digest

    def complete(self) -> bool:
        """Whether the files are there; their content is verified when they are read."""
        return all((self._folder / name).is_file() for name in (MANIFEST, ARTICLES, VECTORS, DENSE))

    def articles(self) -> tuple[tuple[Article, ...], Origin]:
        """The articles and how far they go.

        Raises:
            Unusable: the file is missing or damaged.
        """
        content = self._read(ARTICLES)
        body, seal = content[:-_SEALED], content[-_SEALED:]
        if seal != _sealed(body):
            raise Unusable(f"{ARTICLES} is not as it was written")
        *lines, end = [json.loads(line) for line in body.splitlines()]
        try:
            return tuple(map(article_of, lines)), Origin(lineage=end["lineage"], seq=end["seq"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unusable(f"{ARTICLES} is of another release: {error}") from error

    def vectors(self, chunks: Sequence[Chunk], encoder_version: str, width: int) -> Vectors:
        """(N, width) the vectors of ``chunks``.

        Raises:
            Unusable: they are damaged, another encoder's, or of other texts.
        """
        manifest = self._manifest()
        if (manifest["encoder"], manifest["dimension"]) != (encoder_version, width):
            raise Unusable(
                f"made by encoder {manifest['encoder']} ({manifest['dimension']} numbers a vector), "
                f"not by {encoder_version} ({width})"
            )
        if manifest["passages"] != len(chunks) or manifest["texts"] != texts_digest(chunks):
            raise Unusable("its passages were cut by other rules, or its articles are not its own")
        vectors: Vectors = np.load(io.BytesIO(self._verified(manifest, VECTORS)), allow_pickle=False)
        if vectors.shape != (len(chunks), width):
            raise Unusable(f"{VECTORS} has the shape {vectors.shape}")
        return vectors

    def dense(self, passages: int, width: int) -> DenseIndex:
        """The index over the vectors.

        Raises:
            Unusable: it is damaged or of another size.
        """
        dense = DenseIndex.load(self._verified(self._manifest(), DENSE))
        if (len(dense), dense.width) != (passages, width):
            raise Unusable(f"{DENSE} holds {len(dense)} vectors of {dense.width} numbers")
        return dense

    def _manifest(self) -> dict[str, Any]:
        content = self._read(MANIFEST)
        if _sha256(content) != self._digest:
            raise Unusable(f"{MANIFEST} is not the one that was put in force")
        manifest: dict[str, Any] = json.loads(content)
        if manifest["format"] != FORMAT:
            raise Unusable(f"format {manifest['format']}, this release reads {FORMAT}")
        return manifest

    def _verified(self, manifest: dict[str, Any], name: str) -> bytes:
        """The bytes of a file: verified and then used from memory, so that nothing changes in between."""
        content, expected = self._read(name), manifest["files"][name]
        if (len(content), _sha256(content)) != (expected["size"], expected["sha256"]):
            raise Unusable(f"{name} is not as it was written")
        return content

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except OSError as error:
            raise Unusable(f"{name}: {error.strerror}") from error


def write_generation(folder: Path, index: PassageIndex, origin: Origin, *, encoder_version: str) -> str:
    """Writes a generation, on disk when the call returns but for the name of ``folder``; the digest of its manifest.

    Raises:
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    contents = {
        ARTICLES: _articles_file(index.articles.values(), origin),
        VECTORS: _vectors_file(index.vectors),
        DENSE: index.dense.dump(),
    }
    manifest = canonical(
        {
            "format": FORMAT,
            "generation": int(folder.name),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "encoder": encoder_version,
            "dimension": int(index.vectors.shape[1]),
            "articles": len(index.articles),
            "passages": len(index),
            "texts": texts_digest(index.chunks),
            "lineage": origin.lineage,
            "seq": origin.seq,
            "files": {name: {"sha256": _sha256(data), "size": len(data)} for name, data in contents.items()},
        }
    )
    try:
        folder.mkdir(parents=True)
        for name, content in (*contents.items(), (MANIFEST, manifest)):
            write_durably(folder / name, content)
        sync_folder(folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return _sha256(manifest)


def _articles_file(articles: Iterable[Article], origin: Origin) -> bytes:
    lines = [canonical(article_record(article)) for article in articles]
    lines.append(canonical({"articles": len(lines), "lineage": origin.lineage, "seq": origin.seq}))
    content = b"".join(line + b"\n" for line in lines)
    return content + _sealed(content)


def _vectors_file(vectors: Vectors) -> bytes:
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(vectors, dtype=np.float32), allow_pickle=False)
    return file.getvalue()


def _sealed(content: bytes) -> bytes:
    return _sha256(content).encode("ascii") + b"\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
