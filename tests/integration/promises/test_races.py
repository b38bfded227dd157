"""Promise 10: of two approvals one wins, and none wins against a newer message of the customer's."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import pytest

from tests.integration.promises.conftest import Figure
from tests.integration.promises.nursery import chat
from tests.integration.promises.world import name_of
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import in_shop, rows
from triage.conversations.approval import DraftState
from triage.errors import Conflict
from triage.storage import drafts, intake, outbox, schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.workspace import Workspace

RACES = {"SQLite": 1000, "PostgreSQL": 250}
AGAINST_NEWER = {"SQLite": 200, "PostgreSQL": 100}


@pytest.fixture
def second(database_url: str) -> Iterator[Database]:
    """The same database, opened as another process does."""
    opened = Database(database_url)
    yield opened
    opened.close()


def test_of_two_approvals_exactly_one_wins(database: Database, second: Database, figure: Figure) -> None:
    pending = _pending(database, RACES[name_of(database)])
    outcomes: dict[str, list[str]] = {draft: [] for draft in pending}

    def decide(at: Database, agent: str, draft: str) -> None:
        try:
            in_shop(at, lambda w: drafts.approve(w, draft, text=f"from {agent}", revision=1, actor=agent, now=NOW))
            outcomes[draft].append(agent)
        except Conflict as conflict:
            outcomes[draft].append(conflict.reason)

    _race(pending, lambda draft: decide(database, "ann", draft), lambda draft: decide(second, "bob", draft))
    approvals = {row["draft_id"]: row for row in rows(database, schema.approvals)}
    replies = Counter(row["draft_id"] for row in rows(database, schema.outbox))
    wins: Counter[str] = Counter()
    for draft, found in outcomes.items():
        (winner,) = [one for one in found if one in ("ann", "bob")]
        assert sorted(found) == sorted([winner, "already_decided"])
        assert (approvals[draft]["actor"], approvals[draft]["text"]) == (winner, f"from {winner}")
        wins[winner] += 1
    assert replies == dict.fromkeys(pending, 1)
    figure(
        f"10  {len(pending)} races of two approvals ({name_of(database)}): one winner each "
        f"({wins['ann']} + {wins['bob']}), {len(pending)} replies"
    )


def test_an_approval_never_wins_after_a_newer_message(database: Database, second: Database, figure: Figure) -> None:
    pending = _pending(database, AGAINST_NEWER[name_of(database)])
    outcomes: dict[str, str] = {}
    writers = {draft: f"w{number}" for number, draft in enumerate(pending)}
    random = Random(10)

    def decide(draft: str) -> None:
        time.sleep(random.uniform(0, 0.001 if database.is_sqlite else 0.02))  # a decision is quicker than an intake
        try:
            in_shop(database, lambda w: drafts.approve(w, draft, text="Yes.", revision=1, actor="ann", now=NOW))
            outcomes[draft] = "won"
        except Conflict as conflict:
            outcomes[draft] = conflict.reason

    _race(
        pending, decide,
        lambda draft: intake.receive(second, "shop", chat(f"newer {draft}", writers[draft]), now=NOW),
    )  # fmt: skip
    states = {row["id"]: row["state"] for row in rows(database, schema.drafts)}
    replies = {row["draft_id"] for row in rows(database, schema.outbox)}
    for draft in pending:
        assert (outcomes[draft], states[draft], draft in replies) in (
            ("won", DraftState.APPROVED, True),
            ("newer_message", DraftState.SUPERSEDED, False),
        )
    stale = Counter(outcomes.values())["newer_message"]
    figure(
        f"10  {len(pending)} races of an approval against a newer message ({name_of(database)}): "
        f"{len(pending) - stale} approved before it, {stale} refused, 0 both"
    )


def test_a_recall_and_a_worker_race_for_a_reply_and_one_has_it(
    database: Database, second: Database, figure: Figure
) -> None:
    pending = _pending(database, 60)
    due = {draft: NOW + timedelta(seconds=number) for number, draft in enumerate(pending)}
    for draft in pending:
        undo = due[draft] - NOW
        in_shop(
            database,
            lambda w, d=draft, u=undo: drafts.approve(w, d, text="Yes.", revision=1, actor="ann", now=NOW, undo=u),
        )
    recalled: set[str] = set()
    refused: list[str] = []
    random = Random(11)
    claimed: set[str] = set()

    def recall(draft: str) -> None:
        try:
            in_shop(database, lambda w: drafts.recall(w, draft, actor="ann", now=NOW))
            recalled.add(draft)
        except Conflict as conflict:
            refused.append(conflict.reason)

    def claim(draft: str) -> None:
        time.sleep(random.uniform(0, 0.006))
        found = second.write(lambda c: outbox.claim_replies(c, now=due[draft], most=1))
        claimed.update(one.row["draft_id"] for one in found)

    _race(pending, recall, claim)
    assert recalled.isdisjoint(claimed)
    assert set(refused) <= {"already_sent"}
    states = {row["id"]: row["state"] for row in rows(database, schema.drafts)}
    assert recalled | claimed == set(pending)
    assert all(states[draft] == DraftState.PENDING for draft in recalled)
    assert all(states[draft] == DraftState.SENDING for draft in claimed)
    figure(
        f"10  {len(pending)} races of a recall against a worker ({name_of(database)}): "
        f"{len(recalled)} recalled, {len(claimed)} leaving, 0 both"
    )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite runs one at a time
def test_two_transactions_that_wait_for_each_other_both_succeed(database: Database, second: Database) -> None:
    one, two = _pending(database, 2)
    met = threading.Barrier(2, timeout=30)
    first_time = threading.local()

    def touch(workspace: Workspace, order: tuple[str, str]) -> None:
        table = schema.drafts
        for number, draft in enumerate(order):
            workspace.run(workspace.update(table).where(table.c.id == draft).values(revision=table.c.revision + 1))
            if number == 0 and not getattr(first_time, "over", False):
                first_time.over = True
                met.wait()

    lanes = [
        threading.Thread(target=in_shop, args=(at, lambda w, o=order: touch(w, o)))
        for at, order in ((database, (one, two)), (second, (two, one)))
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    assert {row["revision"] for row in rows(database, schema.drafts)} == {3}


def _pending(database: Database, count: int) -> list[str]:
    """So many pending drafts, each in a conversation of its own."""
    found: list[str] = []

    def work(workspace: Workspace) -> None:
        for number in range(count):
            received = intake.keep(workspace, chat(f"m{number}", f"w{number}"), now=NOW - timedelta(minutes=1))
            found.append(new_id("drf"))
            workspace.insert(
                schema.drafts, id=found[-1], conversation_id=received.conversation_id, message_id=received.message_id,
                state="pending", revision=1, text="Today.", language="en", details={}, model_version="m",
                index_version="i", created_at=NOW, changed_at=NOW,
            )  # fmt: skip

    in_shop(database, work)
    return found


def _race(drafts: list[str], one: Callable[[str], object], two: Callable[[str], object]) -> None:
    """Both for each draft, at the same time."""
    start = threading.Barrier(2, timeout=60)
    failures: list[BaseException] = []

    def run(work: Callable[[str], object]) -> None:
        try:
            for draft in drafts:
                start.wait()
                work(draft)
        except BaseException as error:
            failures.append(error)
            start.abort()

    lanes = [threading.Thread(target=run, args=(work,)) for work in (one, two)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    if failures:
        raise failures[0]
