"""Index snapshots: one folder a workspace, shared by several processes.

::

    generations/<number>/   manifest.json  articles.jsonl  vectors.npy  dense.faiss
    journal-<number>.ndjson changes since that generation
    current                 number of the generation in force and the SHA-256 of its manifest, replaced atomically
    lock, build.lock        held while a change is written, while a generation is made
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from triage.knowledge_base.chunking import chunk
from triage.knowledge_base.files import locked, sync_folder, write_durably
from triage.knowledge_base.generation import Generation, Origin, Unusable, write_generation
from triage.knowledge_base.journal import Change, JournalStart, read_journal, write_journal
from triage.knowledge_base.passages import Key, PassageIndex, PreparedArticle, key_of
from triage.types import Article

logger = logging.getLogger(__name__)

_POINTER = re.compile(r"(\d{1,9}) ([0-9a-f]{64})\n")
_JOURNAL = re.compile(r"journal-(\d{1,9})\.ndjson")
_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """The generation in force: its number and the SHA-256 of its manifest."""

    number: int
    manifest: str


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A generation, verified and ready to search."""

    pointer: Pointer
    origin: Origin
    index: PassageIndex


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What could be saved where the generation in force cannot be used.

    Attributes:
        origin: the changes that the articles hold; of a new lineage where not all could be read.
        known: articles whose vectors are intact.
        whole: whether every change was read.
    """

    articles: tuple[Article, ...]
    origin: Origin
    known: Mapping[Key, PreparedArticle]
    whole: bool


def new_lineage() -> str:
    """A name that no other lineage has."""
    return secrets.token_hex(8)


class SnapshotStore:
    """The generations and journals in ``folder``; what is missing there is made with the first generation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._generations = folder / "generations"

    def lock(self) -> AbstractContextManager[bool]:
        """Held while a journal grows or the pointer moves; taken after ``building`` where both are needed."""
        return locked(self._folder / "lock")

    def building(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Held while a generation is made: one at a time. False where ``wait`` is off and another process is at it."""
        return locked(self._folder / "build.lock", wait=wait)

    def journal(self, number: int) -> Path:
        return self._folder / f"journal-{number}.ndjson"

    def pointer(self) -> Pointer | None:
        """The generation in force; None where there is none or the file is damaged."""
        try:
            found = _POINTER.fullmatch((self._folder / "current").read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError):
            return None
        return Pointer(number=int(found[1]), manifest=found[2]) if found else None

    def complete(self, pointer: Pointer) -> bool:
        """Whether the files of a generation are there."""
        return self._generation(pointer.number).complete()

    def write(self, index: PassageIndex, origin: Origin, *, encoder_version: str, above: int = 0) -> Pointer:
        """Writes a generation that nothing points to yet. Call it under ``building``.

        Args:
            above: its number is greater than this and than all that the folder knows.

        Raises:
            OSError: the disk is full or cannot be written; nothing is left behind.
        """
        number = 1 + max([above, *self._numbers()])
        folder = self._generations / str(number)
        digest = write_generation(folder, index, origin, encoder_version=encoder_version)
        sync_folder(self._generations)
        sync_folder(self._folder)
        return Pointer(number=number, manifest=digest)

    def publish(self, pointer: Pointer, origin: Origin, late: Sequence[Change]) -> int:
        """Puts a written generation in force and removes all but the one before; the size of its journal in bytes.

        Call it under ``building`` and ``lock``.

        Args:
            late: changes that came after ``origin``.

        Raises:
            OSError: the earlier generation is still in force, or the disk could not say that the new one is.
        """
        if not self.complete(pointer):
            raise FileNotFoundError(2, f"generation {pointer.number} was deleted before it was put in force")
        before = self.pointer()
        start = JournalStart(lineage=origin.lineage, after=origin.seq)
        end = write_journal(self.journal(pointer.number), start, late)
        sync_folder(self._folder)
        temporary = self._folder / "current.new"
        write_durably(temporary, f"{pointer.number} {pointer.manifest}\n".encode("ascii"))
        os.replace(temporary, self._folder / "current")
        sync_folder(self._folder)
        former = before.number if before else max([n for n in self._numbers() if n < pointer.number], default=0)
        self._remove_all_but({pointer.number, former})
        return end

    def load(self, encoder_version: str, width: int) -> Snapshot | None:
        """The generation in force; None, with the reason in the log, where one byte is not as it was written, or the
        vectors are another encoder's."""
        pointer = self.pointer()
        if pointer is None:
            if self._numbers():
                logger.warning("index snapshot not used: the pointer is missing or damaged")
            return None
        generation = self._generation(pointer.number, pointer.manifest)
        try:
            articles, origin = generation.articles()
            chunks = [part for article in articles for part in chunk(article)]
            vectors = generation.vectors(chunks, encoder_version, width)
            dense = generation.dense(len(chunks), width)
        except Unusable as reason:
            logger.warning("index snapshot %d not used: %s", pointer.number, reason)
            return None
        return Snapshot(pointer=pointer, origin=origin, index=PassageIndex(articles, chunks, vectors, dense=dense))

    def recover(self, encoder_version: str, width: int, seed: Iterable[Article] = ()) -> Recovered:
        """The articles where ``load`` gave None: of the generation in force, else of another that the journals bring up
        to date, else ``seed`` with the changes that are told; and what vectors are still good."""
        pointer = self.pointer()
        found = {number: self._intact(number) for number in self._numbers()}
        if pointer is not None and (intact := found.get(pointer.number)):
            articles, origin = intact
            current, seq, whole = self._replay(pointer.number, articles, origin)
            lineage = origin.lineage if whole else new_lineage()
            known = self._known(pointer, articles, encoder_version, width)
            return Recovered(articles=current, origin=Origin(lineage=lineage, seq=seq), known=known, whole=whole)
        candidates = [
            (seq, number, current)
            for number, intact in found.items()
            if intact
            for current, seq, _ in [self._replay(number, *intact)]
        ]
        if candidates:
            seq, number, current = max(candidates, key=lambda candidate: candidate[:2])
            logger.warning("knowledge base rebuilt from index snapshot %d and the changes since", number)
        else:
            current, seq, _ = self._replay(0, tuple(seed), None)
            if found:
                logger.warning("no index snapshot is intact: the knowledge base starts from its first articles")
        return Recovered(articles=current, origin=Origin(lineage=new_lineage(), seq=seq), known={}, whole=False)

    def changes_after(self, seq: int) -> tuple[Change, ...]:
        """The changes after ``seq`` in the journal in force."""
        pointer = self.pointer()
        try:
            changes = read_journal(self.journal(pointer.number)).changes if pointer else ()
        except OSError:
            return ()
        return tuple(change for change in changes if change.seq > seq)

    def _replay(
        self, number: int, articles: Sequence[Article], origin: Origin | None
    ) -> tuple[tuple[Article, ...], int, bool]:
        """``articles`` with the changes of the journals from ``number`` on, the last change's number, and whether the
        journal of ``number`` is undamaged. Without ``origin`` every journal counts."""
        current = {key_of(article): article for article in articles}
        seq, whole = origin.seq if origin else 0, False
        for later in self._journals():
            if later < number:
                continue
            try:
                part = read_journal(self.journal(later))
            except OSError:
                continue
            if later == number:
                whole = not part.damaged and part.start is not None
            if origin and (part.start is None or part.start.lineage != origin.lineage or part.start.after > seq):
                continue
            for change in part.changes:
                if change.seq > seq or origin is None:
                    current.pop(change.key, None)
                    if change.article is not None:
                        current[change.key] = change.article
                    seq = max(seq, change.seq)
        return tuple(current.values()), seq, whole

    def _known(
        self, pointer: Pointer, articles: Sequence[Article], encoder_version: str, width: int
    ) -> dict[Key, PreparedArticle]:
        """The articles of a generation whose vectors are intact with them; none where they are not."""
        chunks = {key_of(article): tuple(chunk(article)) for article in articles}
        every = [part for parts in chunks.values() for part in parts]
        try:
            vectors = self._generation(pointer.number, pointer.manifest).vectors(every, encoder_version, width)
        except Unusable:
            return {}
        known, start = {}, 0
        for article in articles:
            parts = chunks[key_of(article)]
            rows = vectors[start : start + len(parts)]
            known[key_of(article)] = PreparedArticle(article=article, chunks=parts, vectors=rows)
            start += len(parts)
        return known

    def _generation(self, number: int, digest: str = "") -> Generation:
        return Generation(self._generations / str(number), digest)

    def _intact(self, number: int) -> tuple[tuple[Article, ...], Origin] | None:
        try:
            return self._generation(number).articles()
        except Unusable:
            return None

    def _journals(self) -> list[int]:
        found = (_JOURNAL.fullmatch(path.name) for path in self._folder.glob("journal-*.ndjson"))
        return sorted(int(match[1]) for match in found if match)

    def _numbers(self) -> list[int]:
        """Of every generation and journal that left a trace, ascending."""
        folders = [int(path.name) for path in self._generations.glob("*") if _NUMBER.fullmatch(path.name)]
        return sorted({*folders, *self._journals()})

    def _remove_all_but(self, kept: set[int]) -> None:
        for number in set(self._numbers()) - kept:
            shutil.rmtree(self._generations / str(number), ignore_errors=True)
            try:
                self.journal(number).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("journal %d cannot be removed: %s", number, error.strerror)
