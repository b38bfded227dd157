"""What open pages are told: the stream without a server around it, the questions of a page without a stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.inbox.live import MOST_TOLD, Live
from api.inbox.seat import Seat
from tests.unit.api.shop import *  # noqa: F403 - the fixtures
from tests.unit.api.shop import Shop
from triage.errors import StorageUnavailable
from triage.storage import presence, schema
from triage.storage.workspace import Workspace

QUICK = 0.005


class FakeSeat:
    """An agent's view of the shop's database, without a browser."""

    def __init__(self, shop: Shop, login: str = "agent") -> None:
        self._shop, self.login, self.workspace_id, self.actor = shop, login, "demo", f"agent:{login}"
        self.valid = True
        self.away = 0
        self.looks = 0

    def read(self, work: Callable[[Workspace], Any]) -> Any:
        self.looks += 1
        if self.away:
            self.away -= 1
            raise StorageUnavailable("away")
        return self._shop.database.read(lambda c: work(Workspace(c, "demo")))

    def write(self, work: Callable[[Workspace], Any]) -> Any:
        return self._shop.database.write(lambda c: work(Workspace(c, "demo")))

    def is_valid(self) -> bool:
        return self.valid


def seat(shop: Shop, login: str = "agent") -> Any:
    return FakeSeat(shop, login)


def live(**options: Any) -> Live:
    return Live(**{"interval": QUICK, "heartbeat": 3600.0, **options})


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(15):
            await work()

    asyncio.run(whole())


async def told(stream: AsyncIterator[str]) -> dict[str, Any]:
    """The next event's data; what only shows that the line is open is passed over."""
    async for part in stream:
        for line in part.splitlines():
            if line.startswith("data: "):
                return cast("dict[str, Any]", json.loads(line[6:]))
    return {"over": True}


async def opened(live: Live, who: Any, on: str = "", since: datetime | None = None) -> AsyncIterator[str]:
    """A stream whose first look is done."""
    stream = live.stream(cast(Seat, who), on=on, since=since)
    assert "retry" in await anext(stream)
    return stream


async def looked(who: FakeSeat) -> None:
    """Two further looks: the first of them may have begun already."""
    before = who.looks
    while who.looks < before + 2:  # noqa: ASYNC110 - it is the looking that is waited for
        await asyncio.sleep(QUICK)


def test_a_new_message_its_draft_and_a_decision_are_told(shop: Shop) -> None:
    async def work() -> None:
        who = seat(shop)
        stream = await opened(live(), who)
        waiting = asyncio.create_task(told(stream))
        await looked(who)
        conversation = await asyncio.to_thread(shop.write, "My parcel is late")
        assert (await waiting)["conversations"] == [conversation]
        waiting = asyncio.create_task(told(stream))
        await asyncio.to_thread(shop.work)
        assert (await waiting)["conversations"] == [conversation]
        waiting = asyncio.create_task(told(stream))
        draft = shop.draft(conversation)["id"]
        await asyncio.to_thread(shop.post, f"/drafts/{draft}/reject", reason="other")
        assert (await waiting)["conversations"] == [conversation]
        await stream.aclose()  # type: ignore[attr-defined]

    run(work)


@pytest.mark.parametrize("change", ["assign", "close", "save", "labels"])
def test_what_agents_do_is_told(shop: Shop, change: str) -> None:
    conversation = shop.received("My parcel is late")
    draft = shop.draft(conversation)
    address, form = {
        "assign": (f"/conversations/{conversation}/assign", {"assignee": "agent"}),
        "close": (f"/conversations/{conversation}/close", {}),
        "save": (f"/drafts/{draft['id']}/save", {"text": "Edited", "revision": "1"}),
        "labels": (f"/messages/{draft['message_id']}/labels", {"urgency": "critical"}),
    }[change]

    async def work() -> None:
        who = seat(shop)
        stream = await opened(live(), who)
        waiting = asyncio.create_task(told(stream))
        await looked(who)
        await asyncio.to_thread(shop.post, address, **form)
        assert (await waiting)["conversations"] == [conversation]
        await stream.aclose()  # type: ignore[attr-defined]

    run(work)


def test_a_page_hears_what_happened_before_its_stream_was_open(shop: Shop) -> None:
    made = datetime.now(UTC)
    conversation = shop.received("My parcel is late")

    async def work() -> None:
        stream = await opened(live(), seat(shop), since=made)
        assert (await told(stream))["conversations"] == [conversation]
        long_ago = await opened(live(), seat(shop), since=made - timedelta(hours=1))
        assert (await told(long_ago))["conversations"] is None
        for one in (stream, long_ago):
            await one.aclose()  # type: ignore[attr-defined]

    run(work)


def test_more_than_a_page_can_name_is_told_as_everything(shop: Shop) -> None:
    async def work() -> None:
        tells = live()
        stream = await opened(tells, seat(shop))
        waiting = asyncio.create_task(told(stream))
        await asyncio.sleep(0)
        (page,) = tells._rooms["demo"].pages
        page.tell(f"cnv_{number}" for number in range(MOST_TOLD + 1))
        assert (await waiting)["conversations"] is None
        await stream.aclose()  # type: ignore[attr-defined]

    run(work)


def test_who_opens_and_leaves_a_conversation_is_seen_by_the_others(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")

    def there() -> list[str]:
        return [row["login"] for row in shop.rows(schema.presence)]

    async def work() -> None:
        tells, who = live(), seat(shop)
        stream = await opened(tells, who)
        waiting = asyncio.create_task(told(stream))
        await looked(who)
        bea = await opened(tells, seat(shop, "bea"), on=conversation)
        coming = asyncio.create_task(told(bea))
        assert (await waiting)["conversations"] == [conversation]
        assert there() == ["bea"]
        assert (await coming)["conversations"] == [conversation]
        waiting, coming = asyncio.create_task(told(stream)), asyncio.create_task(told(bea))
        await asyncio.sleep(QUICK)
        coming.cancel()  # as a server does when the browser has gone
        await asyncio.gather(coming, return_exceptions=True)
        assert (await waiting)["conversations"] == [conversation]
        assert there() == []
        await stream.aclose()  # type: ignore[attr-defined]

    run(work)


def test_a_stream_ends_with_the_session(shop: Shop) -> None:
    async def work() -> None:
        who = seat(shop)
        who.valid = False
        stream = await opened(live(heartbeat=QUICK), who)
        parts = [part async for part in stream]
        assert parts[-1].startswith("event: end")

    run(work)


def test_a_database_that_is_away_ends_no_stream(shop: Shop) -> None:
    async def work() -> None:
        who = seat(shop)
        stream = await opened(live(), who)
        waiting = asyncio.create_task(told(stream))
        await looked(who)
        who.away = 3
        conversation = await asyncio.to_thread(shop.write, "My parcel is late")
        assert (await waiting)["conversations"] == [conversation]
        await stream.aclose()  # type: ignore[attr-defined]

    run(work)


def test_streams_are_bounded_and_nobody_looks_for_nobody(shop: Shop) -> None:
    async def work() -> None:
        tells, who = live(most=2), seat(shop)
        streams = [await opened(tells, who) for _ in range(2)]
        assert not tells.has_room(cast(Seat, who))
        assert tells.has_room(cast(Seat, seat(shop, "bea")))
        looker = tells._rooms["demo"].looker
        for stream in streams:
            await stream.aclose()  # type: ignore[attr-defined]
        assert looker is not None
        await looker
        assert tells._rooms == {}

    run(work)


def test_a_server_that_stops_ends_its_streams(shop: Shop) -> None:
    async def work() -> None:
        tells, who = live(), seat(shop)
        stream = await opened(tells, who)
        waiting = asyncio.create_task(told(stream))
        await looked(who)
        tells.close()
        assert await waiting == {"over": True}
        assert not tells.has_room(cast(Seat, who))

    run(work)


def test_a_page_without_a_stream_asks(shop: Shop) -> None:
    before = int(datetime.now(UTC).timestamp() * 1000)
    conversation = shop.received("My parcel is late")
    found = shop.browser.get("/live/changes", params={"since": str(before)}).json()
    assert found["conversations"] == [conversation]
    assert int(found["id"]) >= before
    later = int((datetime.now(UTC) + timedelta(seconds=30)).timestamp() * 1000)
    assert shop.browser.get("/live/changes", params={"since": str(later)}).json()["conversations"] == []
    for nonsense in ("", "x", "-1", "٣", "9" * 40, "1"):
        answer = shop.browser.get("/live/changes", params={"since": nonsense})
        assert answer.status_code == 200
    shop.browser.get("/live/changes", params={"on": conversation})
    assert [row["login"] for row in shop.rows(schema.presence)] == ["agent"]
    assert shop.browser.get("/live/changes", params={"on": "none"}).status_code == 200


def test_the_state_of_a_conversation_tells_no_text(shop: Shop) -> None:
    conversation = shop.received("My parcel is late")
    now = datetime.now(UTC)
    for login in ("agent", "bea"):
        shop.database.write(lambda c, login=login: presence.arrive(Workspace(c, "demo"), conversation, login, now=now))
    draft = shop.draft(conversation)["id"]
    assert shop.browser.get(f"/conversations/{conversation}/state").json() == {
        "last": 1, "asked": 1, "reading": False, "draft": f"{draft} 1", "state": "pending", "status": "open",
        "assignee": "", "viewers": ["bea"],
    }  # fmt: skip
    assert shop.browser.get("/conversations/none/state").status_code == 404


def test_streams_and_states_need_a_session(open_shop: Callable[..., Shop]) -> None:
    made = open_shop()
    for path in ("/live", "/live/changes", "/conversations/x/state", "/attachments/x", "/messages/x/why"):
        assert "Log in" in made.browser.get(path).text
        answer = made.browser.get(path, headers={"Sec-Fetch-Dest": "empty"})
        assert answer.status_code == 401


def test_a_stream_too_many_is_refused(shop: Shop) -> None:
    shop.browser.app.state.live = SimpleNamespace(has_room=lambda seat: False)  # type: ignore[attr-defined]
    answer = shop.browser.get("/live")
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


def test_the_queue_page_tells_since_when_it_is(shop: Shop) -> None:
    shop.received("My parcel is late")
    page = shop.browser.get("/").text
    assert 'id="live"' in page
    assert 'data-since="1' in page
