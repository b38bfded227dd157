"""``/live``: what changed, told to open pages as it happens (server-sent events); and who is on which conversation.

A page hears ids, never texts, and fetches what it shows. One look a second a workspace serves every page of this process; it
reads the newest keys in the database, so that changes of other processes are seen too. A page that no stream gets through to
asks ``/live/changes`` now and then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool

from api.inbox.seat import Seat, SignedIn
from api.problems import Problem
from triage.errors import StorageUnavailable
from triage.storage import changes, presence
from triage.storage.changes import EVERYTHING

router = APIRouter(include_in_schema=False)

Viewers = dict[str, tuple[str, ...]]
Id = Annotated[str, Query(max_length=80)]

MOST_TOLD = 200
"""Conversations that one event names; beyond that any may have changed."""
LONGEST_GAP = timedelta(minutes=10)
"""A page that was away for longer takes everything anew."""
_AWAY = (StorageUnavailable, Problem, IntegrityError)
"""The database does not answer, or the conversation is being erased: the next look finds how it stands."""


class _Page:
    """An open page: the conversations that it was not told of yet."""

    def __init__(self, seat: Seat, on: str) -> None:
        self.seat, self.on = seat, on
        self._changed: set[str] = set()
        self.woken = asyncio.Event()

    def tell(self, conversations: Iterable[str]) -> None:
        self._changed.update(conversations)
        if len(self._changed) > MOST_TOLD:
            self._changed = {EVERYTHING}
        if self._changed:
            self.woken.set()

    def take(self) -> set[str]:
        found, self._changed = self._changed, set()
        self.woken.clear()
        return found


class _Room:
    """The open pages of one workspace. ``seen`` is what the last look found; the first only tells where to begin."""

    def __init__(self) -> None:
        self.pages: set[_Page] = set()
        self.ready = asyncio.Event()
        self.seen: frozenset[str] | None = None
        self.viewers: Viewers = {}
        self.looker: asyncio.Task[None] | None = None


class Live:
    """The streams of this process.

    Args:
        interval: seconds between two looks; ``heartbeat``: between two signs of life, at which the session is checked too.
        most: streams of one agent.
    """

    def __init__(self, *, interval: float = 1.0, heartbeat: float = 15.0, most: int = 12) -> None:
        self._interval, self._heartbeat, self._most = interval, heartbeat, most
        self._rooms: dict[str, _Room] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._closed = False

    def has_room(self, seat: Seat) -> bool:
        """Whether the agent may open one more stream."""
        room = self._rooms.get(seat.workspace_id)
        open_ones = [page for page in room.pages if page.seat.login == seat.login] if room else []
        return not self._closed and len(open_ones) < self._most

    def close(self) -> None:
        """Ends every stream, so that the server can stop."""
        self._closed = True
        for room in self._rooms.values():
            for page in room.pages:
                page.woken.set()

    async def stream(self, seat: Seat, *, on: str, since: datetime | None) -> AsyncIterator[str]:
        """Events for one page, until it goes or its session ends.

        Args:
            on: the conversation that the page shows, empty for none.
            since: when the page was made, or what it last heard was told.
        """
        page, room = _Page(seat, on), self._rooms.setdefault(seat.workspace_id, _Room())
        room.pages.add(page)
        if room.looker is None:
            room.looker = asyncio.create_task(self._look(seat, room))
        try:
            yield "retry: 3000\n\n"
            await room.ready.wait()
            await self._catch_up(page, since)
            await self._arrive(page)
            loop = asyncio.get_running_loop()
            check = loop.time() + self._heartbeat
            while not self._closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(check):
                        await page.woken.wait()
                if found := page.take():
                    yield _event(found)
                if loop.time() >= check:
                    if not await self._holds(seat):
                        yield "event: end\ndata: {}\n\n"
                        return
                    await self._arrive(page)
                    check = loop.time() + self._heartbeat
                    yield ": here\n\n"
        finally:
            room.pages.discard(page)
            self._leave(page, room)

    async def _look(self, seat: Seat, room: _Room) -> None:
        """Looks for changes as long as somebody wants to hear of them."""
        while room.pages and not self._closed:
            with suppress(*_AWAY):
                found, viewers = await run_in_threadpool(_changed, seat)
                if room.seen is not None:
                    told = {conversation for key, conversation in found.items() if key not in room.seen}
                    moved = {key for key in viewers | room.viewers if viewers.get(key) != room.viewers.get(key)}
                    for page in room.pages:
                        page.tell(told | moved)
                room.seen, room.viewers = frozenset(found), viewers
                room.ready.set()
            await asyncio.sleep(self._interval)
        self._rooms.pop(seat.workspace_id, None)

    async def _catch_up(self, page: _Page, since: datetime | None) -> None:
        """What happened between the page's making and its stream."""
        if since is None:
            return
        with suppress(*_AWAY):
            page.tell(await run_in_threadpool(changed_since, page.seat, since))

    async def _holds(self, seat: Seat) -> bool:
        with suppress(*_AWAY):
            return await run_in_threadpool(seat.is_valid)
        return True  # nobody is logged out because the database is away

    async def _arrive(self, page: _Page) -> None:
        if page.on:
            with suppress(*_AWAY):
                await run_in_threadpool(arrive, page.seat, page.on)

    def _leave(self, page: _Page, room: _Room) -> None:
        """Notes that the agent has gone, unless another of their pages shows the same; the stream itself is being cancelled."""
        same = (other for other in room.pages if other.on == page.on and other.seat.login == page.seat.login)
        if not page.on or self._closed or next(same, None) is not None:
            return

        async def leave() -> None:
            with suppress(*_AWAY):
                await run_in_threadpool(
                    page.seat.write, lambda w: presence.leave(w, page.on, page.seat.login)
                )  # fmt: skip

        task = asyncio.create_task(leave())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


@router.get("/live")
async def live(request: Request, seat: SignedIn, on: Id = "", since: Id = "") -> Response:
    """The stream. ``Last-Event-ID`` goes before ``since``: a browser that lost the line begins where it was."""
    streams: Live = request.app.state.live
    if not streams.has_room(seat):
        raise Problem(429, "too_many", "this agent has too many pages open", headers={"Retry-After": "60"})
    began = _moment(request.headers.get("last-event-id", "")) or _moment(since)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(
        streams.stream(seat, on=on, since=began), media_type="text/event-stream", headers=headers
    )  # fmt: skip


@router.get("/live/changes")
def look(seat: SignedIn, on: Id = "", since: Id = "") -> Response:
    """The same for a page without a stream: what changed since it last asked."""
    began = _moment(since) or seat.now
    if on:
        with suppress(IntegrityError):
            arrive(seat, on)
    found = changed_since(seat, began) | ({on} if on else set())
    return JSONResponse(_told(found, seat.now), headers={"Cache-Control": "no-store"})


def changed_since(seat: Seat, moment: datetime) -> set[str]:
    """The conversations that changed since then."""
    if datetime.now(UTC) - moment > LONGEST_GAP:
        return {EVERYTHING}
    # A transaction that was under way when the page was made came after it, with an older key.
    return set(seat.read(lambda w: changes.since(w, moment - timedelta(seconds=2))).values())


def arrive(seat: Seat, conversation_id: str) -> None:
    """Notes that the agent has the conversation open."""
    now = datetime.now(UTC)
    seat.write(lambda w: presence.arrive(w, conversation_id, seat.login, now=now))


def _changed(seat: Seat) -> tuple[dict[str, str], Viewers]:
    now = datetime.now(UTC)
    return seat.read(lambda w: (changes.since(w, now - changes.LOOK_BACK), presence.viewers(w, now=now)))


def _event(conversations: set[str]) -> str:
    told = _told(conversations, datetime.now(UTC))
    return f"id: {told['id']}\nevent: change\ndata: {json.dumps(told)}\n\n"


def _told(conversations: set[str], now: datetime) -> dict[str, object]:
    everything = EVERYTHING in conversations
    return {"id": _stamp(now), "conversations": None if everything else sorted(conversations)}


def _stamp(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def _moment(stamp: str) -> datetime | None:
    """The moment of a ``_stamp``; None where it is none."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 14):
        return None
    return datetime.fromtimestamp(int(stamp) / 1000, UTC)
