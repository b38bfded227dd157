"""The state that one process serves, and the folder that it shares with others.

Three locks, taken in this order where more than one is needed: ``building`` of the folder, while a generation is made;
the thread lock here, while the state is replaced; ``lock`` of the folder, while a change is written. Searches take none.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from triage.errors import IndexUnavailable
from triage.knowledge_base.follower import Detached, Place, read_on, rest_of_journal, unread, written
from triage.knowledge_base.generation import Origin
from triage.knowledge_base.journal import Change, append
from triage.knowledge_base.passages import Key, PassageIndex, PreparedArticle, Progress, key_of, prepare
from triage.knowledge_base.snapshots import Pointer, Recovered, Snapshot, SnapshotStore, new_lineage
from triage.knowledge_base.state import State
from triage.protocols import Encoder
from triage.types import Article

logger = logging.getLogger(__name__)

Edits = Mapping[Key, PreparedArticle | None]
"""What becomes of some articles; None deletes."""

POLL_SECONDS = 1.0
"""How often, at most, a search looks for what other processes changed."""

READ_AT_ONCE = 64 * 1024
"""Bytes of others' changes that a search takes in on its way; more is left to the background."""

LATE_PASSAGES, LATE_SHARE = 200, 0.05
"""Passages changed since the large index was made, and their share of it, beyond which it is made anew."""

JOURNAL_BYTES = 16 * 1024 * 1024
"""Size of the journal beyond which a generation is made, though few articles changed, but those often."""

RETRY_SECONDS = 60.0
"""Rest after a generation could not be written, on a full disk for one."""

ATTEMPTS = 4


class LiveIndex:
    """Follows the folder, writes changes to it, and makes generations in the background.

    Args:
        seed: the articles to begin with where the folder holds none that can be read.
        clock: seconds that never run backwards.
    """

    def __init__(self, folder: Path, encoder: Encoder, *, seed: Iterable[Article], clock: Callable[[], float]) -> None:
        self._store = SnapshotStore(folder)
        self._encoder = encoder
        self._clock = clock
        self._lock = threading.RLock()
        self._starting = threading.Lock()
        self._background: threading.Thread | None = None
        self._begun = 0
        self._refused: Pointer | None = None
        self._said = ""
        self._rest_until = float("-inf")
        self._place: Place | None = None
        self._looked = clock()
        self._state = self._open(seed)

    @property
    def state(self) -> State:
        return self._state

    @property
    def most_late(self) -> int:
        """Passages that may change before the large index is made anew."""
        return max(LATE_PASSAGES, int(LATE_SHARE * len(self._state.main)))

    def look(self) -> None:
        """Takes in what other processes changed, at most once in ``POLL_SECONDS``; never waits and never raises."""
        now = self._clock()
        if now - self._looked < POLL_SECONDS or not self._lock.acquire(blocking=False):
            return
        behind = False
        try:
            self._looked = now
            size = unread(self._store, self._place) if self._place else None
            if size is not None and self._place is not None:
                behind = size > READ_AT_ONCE
                if not behind:
                    self._read_on(self._place)
        except Detached as error:
            behind = not error.gone  # what is gone is made anew with the next change; the state in memory serves on
            if str(error) != self._said:
                self._said = str(error)
                logger.warning("%s", error)
        except OSError as error:
            logger.warning("changes of other processes cannot be read: %s", error.strerror)
        finally:
            self._lock.release()
        self._tend(behind=behind)

    def commit(self, edits: Callable[[State], Edits]) -> None:
        """Writes what ``edits`` makes of the newest state, and serves it.

        Raises:
            IndexUnavailable: it could not be kept; nothing changed.
        """
        try:
            for _ in range(ATTEMPTS):
                with self._lock, self._store.lock():
                    if self._catch_up():
                        self._write(edits(self._state))
                        break
                self.make(needed=lambda state, sound: not sound)
            else:
                raise IndexUnavailable("the change could not be kept: the index folder changes all the time")
        except OSError as error:
            raise IndexUnavailable(f"the change could not be kept: {error.strerror}") from error
        self._tend()

    def make(
        self,
        *,
        progress: Progress | None = None,
        further: Sequence[Article] = (),
        needed: Callable[[State, bool], bool] = lambda state, sound: True,
        wait: bool = True,
    ) -> State | None:
        """Makes the next generation, with ``further`` articles in it; searches and changes go on meanwhile.

        Args:
            needed: asked once no other process makes one, with the state and whether the folder is sound.
            wait: for another process that makes one; else nothing is done.

        Returns:
            The state that the generation was made from; None where nothing was done.

        Raises:
            IndexUnavailable: the folder is replaced all the time.
            OSError: it could not be written; what was in force stays so.
        """
        with self._store.building(wait=wait) as mine:
            if not mine:
                return None
            for _ in range(ATTEMPTS):
                with self._lock:
                    sound, state, begun = self._catch_up(), self._state, self._begun
                if not needed(state, sound):
                    return None
                if self._make(state, sound, begun, further, progress):
                    return state
        raise IndexUnavailable("the index could not be made: the index folder changes all the time")

    def settle(self, timeout: float | None = None) -> None:
        """Waits, at most ``timeout`` seconds, for what goes on in the background."""
        thread = self._background
        if thread is not None:
            thread.join(timeout)

    def _open(self, seed: Iterable[Article]) -> State:
        snapshot = self._load()
        if snapshot is not None:
            return self._begin(snapshot)
        articles = tuple(seed)
        try:
            with self._store.building(wait=True):
                # Another process that started beside this one may have made it while we waited.
                snapshot = self._load()
                return self._begin(snapshot) if snapshot else self._rebuild(articles)
        except OSError as error:
            logger.warning("the knowledge base is not kept on disk: %s", error.strerror)
            recovered = self._recover(articles)
            return State.of(self._index(recovered), 0, recovered.origin, self._encoder.version)

    def _load(self) -> Snapshot | None:
        while True:
            pointer = self._store.pointer()
            snapshot = self._store.load(self._encoder.version, self._encoder.width)
            if snapshot is not None or self._store.pointer() == pointer:
                return snapshot
            # Another process replaced it, and removed it, while it was read.

    def _recover(self, seed: Sequence[Article] = ()) -> Recovered:
        return self._store.recover(self._encoder.version, self._encoder.width, seed)

    def _index(self, recovered: Recovered, state: State | None = None) -> PassageIndex:
        def known(key: Key) -> PreparedArticle | None:
            return recovered.known.get(key) or (state.prepared(key) if state else None)

        prepared = prepare(recovered.articles, self._encoder, known=known)
        return PassageIndex.of(prepared, self._encoder.width)

    def _rebuild(self, seed: Sequence[Article]) -> State:
        """The first generation, or one from what a damaged folder still holds."""
        recovered = self._recover(seed)
        index, origin = self._index(recovered), recovered.origin
        pointer = self._store.write(index, origin, encoder_version=self._encoder.version)
        with self._lock, self._store.lock():
            self._store.publish(pointer, origin, self._store.changes_after(origin.seq))
            return self._begin(Snapshot(pointer=pointer, origin=origin, index=index))

    def _begin(self, snapshot: Snapshot) -> State:
        """Serves ``snapshot`` and the changes since."""
        with self._lock:
            state = State.of(snapshot.index, snapshot.pointer.number, snapshot.origin, self._encoder.version)
            try:
                place, changes = read_on(self._store, Place(pointer=snapshot.pointer), state.origin, state.seq)
            except (Detached, OSError) as error:
                newer = self._load() if self._store.pointer() not in (None, snapshot.pointer) else None
                if newer is not None:
                    return self._begin(newer)
                logger.warning("changes since index snapshot %d cannot be read: %s", state.number, error)
                place, changes = Place(pointer=snapshot.pointer, damaged=True), []
            self._begun += 1
            self._state, self._place = self._after(state, changes), place
            return self._state

    def _after(self, state: State, changes: Sequence[Change]) -> State:
        """``state`` after what another process changed."""
        last = {change.key: change for change in changes}
        put = {key: change.article for key, change in last.items() if change.article is not None}
        prepared = prepare(list(put.values()), self._encoder, known=state.prepared)
        by_key = dict(zip(put, prepared, strict=True))
        made = sorted(last.values(), key=lambda change: change.seq)
        return state.after([(change, by_key.get(change.key)) for change in made]) if made else state

    def _read_on(self, place: Place) -> Place:
        place, changes = read_on(self._store, place, self._state.origin, self._state.seq)
        self._state = self._after(self._state, changes)
        self._place = place
        return place

    def _catch_up(self) -> bool:
        """Takes in all that other processes changed; False where no change may be written to the folder as it is."""
        try:
            if self._place is None:
                raise Detached("nothing was kept on disk", gone=self._store.pointer() is None)
            self._read_on(self._place)
        except Detached as error:
            if error.gone:
                self._salvage()
                return False
            self._reload()
        place = self._place
        return place is not None and not place.damaged and self._store.complete(place.pointer)

    def _salvage(self) -> None:
        """Takes in what others told before the pointer was lost."""
        if self._place is not None:
            end, changes = rest_of_journal(self._store, self._place, self._state.seq)
            self._state = self._after(self._state, changes)
            self._place = replace(self._place, end=end)

    def _reload(self) -> None:
        """Serves what the folder holds now, where it holds another history than the one that was followed."""
        pointer, snapshot = self._store.pointer(), self._load()
        if snapshot is None and pointer is not None:
            recovered = self._recover()
            if recovered.whole:
                index = self._index(recovered, self._state)
                snapshot = Snapshot(pointer=pointer, origin=recovered.origin, index=index)
        if snapshot is not None:
            self._begin(snapshot)
        elif self._place is not None:
            self._place = replace(self._place, damaged=True)

    def _write(self, edits: Edits) -> None:
        if not edits or self._place is None:
            return
        state, place = self._state, self._place
        changes = [
            Change(seq=seq, key=key, article=prepared.article if prepared else None)
            for seq, (key, prepared) in enumerate(edits.items(), state.seq + 1)
        ]
        end = append(self._store.journal(place.pointer.number), place.end, changes)
        self._place = written(self._store, place.pointer, end)
        self._state = state.after(zip(changes, edits.values(), strict=True))

    def _make(
        self, state: State, sound: bool, begun: int, further: Sequence[Article], progress: Progress | None
    ) -> bool:
        """One attempt; False where the folder was replaced meanwhile."""
        articles = {key_of(article): article for article in (*state.articles(), *further)}
        prepared = prepare(list(articles.values()), self._encoder, known=state.prepared, progress=progress)
        index = PassageIndex.of(prepared, self._encoder.width)
        # What no journal tells, others can only learn by reading the generation: a new lineage makes them.
        lineage = state.origin.lineage if sound and not further else new_lineage()
        origin = Origin(lineage=lineage, seq=state.seq)
        above = max(state.number, self._place.pointer.number if self._place else 0)
        pointer = self._store.write(index, origin, encoder_version=self._encoder.version, above=above)
        with self._lock, self._store.lock():
            if self._catch_up() != sound or self._begun != begun:
                return False
            end = self._store.publish(pointer, origin, self._state.since(state.seq))
            self._place = written(self._store, pointer, end)
            self._state = self._state.on(index, pointer.number, origin)
        return True

    def _tend(self, *, behind: bool = False) -> None:
        """Starts the background where it has something to do and does nothing yet."""
        if not (behind or self._outdated() or self._lagging()):
            return
        with self._starting:
            if self._background is None or not self._background.is_alive():
                self._background = threading.Thread(target=self._work, name="knowledge-base", daemon=True)
                self._background.start()

    def _outdated(self) -> bool:
        """Whether another process made a generation that is not served yet."""
        place = self._place
        return place is not None and place.pointer.number != self._state.number and place.pointer != self._refused

    def _lagging(self) -> bool:
        journal = self._place.end if self._place else 0
        much = self._state.superseded > self.most_late or (journal > JOURNAL_BYTES and bool(self._state.late))
        return much and self._clock() >= self._rest_until

    def _work(self) -> None:
        try:
            with self._lock:
                self._catch_up()
            if self._outdated():
                self._adopt()
            if self._lagging():
                self.make(needed=lambda state, sound: self._lagging(), wait=False)
        except (OSError, IndexUnavailable) as error:
            self._rest_until = self._clock() + RETRY_SECONDS
            logger.warning("the index could not be made anew: %s", error)
        except Exception:
            self._rest_until = self._clock() + RETRY_SECONDS
            logger.exception("the index could not be made anew")

    def _adopt(self) -> None:
        """Replaces the large index by that of another process; the articles stay the same."""
        place, snapshot = self._place, self._load()
        with self._lock:
            self._catch_up()
            state = self._state
            if snapshot is not None and snapshot.origin.lineage == state.origin.lineage:
                if state.number < snapshot.pointer.number and snapshot.origin.seq <= state.seq:
                    self._state = state.on(snapshot.index, snapshot.pointer.number, snapshot.origin)
            elif place is not None and place == self._place:
                self._refused = place.pointer
