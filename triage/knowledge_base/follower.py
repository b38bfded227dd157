"""How far one process has read the folder that several share, and the reading on."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from triage.knowledge_base.generation import Origin
from triage.knowledge_base.journal import Change, read_journal
from triage.knowledge_base.snapshots import Pointer, SnapshotStore

logger = logging.getLogger(__name__)


class Detached(Exception):
    """The folder's history is no longer the one that was followed, or it is gone; ``gone`` says which."""

    def __init__(self, reason: str, *, gone: bool) -> None:
        super().__init__(reason)
        self.gone = gone


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where reading stopped.

    Attributes:
        pointer: the generation whose journal is read.
        end: bytes of it that were read; 0 before its first line.
        seen: inode and size of the journal at the last look.
        damaged: a line there cannot be read; nothing may be written behind it.
    """

    pointer: Pointer
    end: int = 0
    seen: tuple[int, int] | None = None
    damaged: bool = False


def unread(store: SnapshotStore, place: Place) -> int | None:
    """About how many bytes of changes were not read yet; None where nothing moved. Two system calls and a small read."""
    pointer, seen = store.pointer(), _seen(store, place.pointer)
    if pointer == place.pointer and seen == place.seen:
        return None
    size = max(0, seen[1] - place.end) if seen else 0
    if pointer is not None and pointer != place.pointer:
        later = _seen(store, pointer)
        size += later[1] if later else 0
    return size


def read_on(store: SnapshotStore, place: Place, origin: Origin, seq: int) -> tuple[Place, list[Change]]:
    """The changes after ``seq``, and where reading stopped now.

    Args:
        origin: of the generation that the reader's state stands on.

    Raises:
        Detached: the changes since do not lead on from ``seq``.
        OSError: the folder cannot be read.
    """
    pointer = store.pointer()
    if pointer is None:
        raise Detached("the index folder is gone or its pointer is damaged", gone=True)
    if pointer.number < place.pointer.number or (pointer.number == place.pointer.number and pointer != place.pointer):
        raise Detached("another index folder was put in place", gone=False)
    changes: list[Change] = []
    for number in range(place.pointer.number, pointer.number + 1):
        last = number == pointer.number
        offset = place.end if number == place.pointer.number else 0
        seen = _seen(store, Pointer(number=number, manifest=""))
        if seen is None or seen[1] < offset:
            if last:
                raise Detached("the journal of changes is gone or was cut", gone=True)
            continue
        if last and offset and place.seen and seen[0] != place.seen[0]:
            raise Detached("another journal of changes was put in place", gone=False)
        part = read_journal(store.journal(number), offset)
        if offset == 0 and not (part.start is None and last):
            leads_on = part.start and part.start.lineage == origin.lineage and part.start.after <= seq
            if not leads_on and last:
                raise Detached("another history of changes began", gone=False)
            if not leads_on:
                continue
        fresh = [change for change in part.changes if change.seq > seq]
        changes += fresh
        seq = fresh[-1].seq if fresh else seq
        if last:
            damaged = part.damaged or part.end == 0
            if damaged and not place.damaged:
                logger.warning("journal %d is damaged at byte %d: later changes are not read", number, part.end)
            place = Place(pointer=pointer, end=part.end, seen=seen, damaged=damaged)
    return place, changes


def _seen(store: SnapshotStore, pointer: Pointer) -> tuple[int, int] | None:
    try:
        status = os.stat(store.journal(pointer.number))
    except OSError:
        return None
    return status.st_ino, status.st_size


def rest_of_journal(store: SnapshotStore, place: Place, seq: int) -> tuple[int, list[Change]]:
    """The changes after ``seq`` that the journal at ``place`` still tells though nothing points to it any more, and
    where it ends."""
    try:
        part = read_journal(store.journal(place.pointer.number), place.end)
    except OSError:
        return place.end, []
    return part.end, [change for change in part.changes if change.seq > seq]


def written(store: SnapshotStore, pointer: Pointer, end: int) -> Place:
    """The place right after this process itself wrote up to ``end``."""
    return Place(pointer=pointer, end=end, seen=_seen(store, pointer))
