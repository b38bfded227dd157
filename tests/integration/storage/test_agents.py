"""Agents, sessions and failed log-ins on both databases, and the races between them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.integration.storage.conftest import NOW
from triage.errors import Conflict, Unknown
from triage.storage import agents, log_in_attempts, schema, sessions
from triage.storage.agents import Agent
from triage.storage.database import Database
from triage.storage.workspace import Workspace

MINUTE = timedelta(minutes=1)


def in_shop(database: Database, work: Callable[[Workspace], Any], workspace: str = "shop") -> Any:
    return database.write(lambda c: work(Workspace(c, workspace)))


def added(database: Database, login: str, role: str = "admin", workspace: str = "shop") -> Agent:
    def work(scope: Workspace) -> Agent:
        new = agents.add(scope, login=login, role=role, password_hash="hash", actor="test", now=NOW)
        return agents.get(scope, new)

    return in_shop(database, work, workspace)  # type: ignore[no-any-return]


def started(database: Database, agent: Agent, token: str) -> bool:
    return in_shop(  # type: ignore[no-any-return]
        database,
        lambda w: sessions.start(
            w, agent, token_sha256=sessions.digest(token), via="password", chosen=True, device="", address="", now=NOW
        ),
        agent.workspace_id,
    )


def test_a_login_is_there_once_in_a_workspace(database: Database) -> None:
    ann = added(database, "Ann@Shop.example ")
    assert ann.login == "ann@shop.example"
    with pytest.raises(Conflict):
        added(database, "ann@shop.example")
    added(database, "ann@shop.example", workspace="other")
    found = database.read(lambda c: agents.of_login(c, " ANN@shop.example"))
    assert {agent.workspace_id for agent in found} == {"shop", "other"}
    assert database.read(agents.most_of_one_login) == 2
    for login in ("", "-x", "a b", "a\0", "x" * 65, "łucja"):
        with pytest.raises(ValueError, match="login"):
            added(database, login)
    with pytest.raises(Unknown):
        in_shop(database, lambda w: agents.get(w, ann.id), "other")


def gives_up(database: Database, agent: Agent, *, disabled: bool) -> str:
    """``done``, or why not."""
    try:
        if disabled:
            in_shop(database, lambda w: agents.disable(w, agent.id, actor="test", now=NOW))
        else:
            in_shop(database, lambda w: agents.change_role(w, agent.id, "agent", actor="test", now=NOW))
    except Conflict as error:
        return error.reason
    return "done"


def test_of_two_admins_who_give_up_at_once_one_remains(database_url: str) -> None:
    doors = [Database(database_url), Database(database_url)]
    last = added(doors[0], "first")
    try:
        for turn in range(10):
            pair = [last, added(doors[0], f"a{turn}")]
            with ThreadPoolExecutor(2) as threads:
                both = [
                    threads.submit(gives_up, doors[number], pair[number], disabled=bool(number)) for number in range(2)
                ]
                assert sorted(one.result() for one in both) == ["done", "last_admin"]
            everybody = doors[0].read(lambda c: agents.every(Workspace(c, "shop")))
            (last,) = [agent for agent in everybody if agent.role == "admin" and agent.disabled_at is None]
    finally:
        for door in doors:
            door.close()


def test_an_admin_who_cannot_log_in_does_not_count(database: Database) -> None:
    ann = added(database, "ann")
    in_shop(database, lambda w: agents.add(w, login="bob", role="admin", actor="test", now=NOW))
    with pytest.raises(Conflict):
        in_shop(database, lambda w: agents.disable(w, ann.id, actor="test", now=NOW))
    assert in_shop(database, lambda w: agents.get(w, ann.id)).disabled_at is None


def test_a_session_starts_with_the_password_of_this_moment_alone(database: Database) -> None:
    ann = added(database, "ann")
    in_shop(database, lambda w: agents.set_password(w, ann.id, "newer", actor="test", now=NOW))
    assert not started(database, ann, "t1")
    now = in_shop(database, lambda w: agents.get(w, ann.id))
    assert started(database, now, "t2")
    added(database, "bob")
    in_shop(database, lambda w: agents.disable(w, ann.id, actor="test", now=NOW))
    assert not started(database, now, "t3")
    assert database.read(lambda c: sessions.find(c, sessions.digest("t2"), now=NOW)) == ()


def test_a_session_that_starts_while_its_password_changes_does_not_survive(database_url: str) -> None:
    one, two = Database(database_url), Database(database_url)
    try:
        ann = added(one, "ann")
        for turn in range(10):
            known = one.read(lambda c: agents.get(Workspace(c, "shop"), ann.id))
            with ThreadPoolExecutor(2) as threads:
                begun = threads.submit(started, one, known, f"t{turn}")
                new = f"hash {turn}"
                threads.submit(
                    in_shop, two, lambda w, new=new: agents.set_password(w, ann.id, new, actor="test", now=NOW)
                ).result()
                begun.result()
            assert one.read(lambda c, t=turn: sessions.find(c, sessions.digest(f"t{t}"), now=NOW)) == ()
    finally:
        one.close()
        two.close()


def test_a_token_enters_where_it_was_let_in(database: Database) -> None:
    here, there = added(database, "ann"), added(database, "ann", workspace="other")
    assert started(database, here, "t")
    assert started(database, there, "t")
    found = database.read(lambda c: sessions.find(c, sessions.digest("t"), now=NOW))
    assert {place.agent.id for place in found} == {here.id, there.id}
    in_shop(database, lambda w: sessions.choose(w, sessions.digest("t"), chosen=False))
    assert database.read(lambda c: sessions.find(c, sessions.digest("t"), now=NOW))[0].agent.id == there.id
    assert in_shop(database, lambda w: sessions.end_one(w, there.id, found[0].session_id)) is False
    later = NOW + sessions.IDLE
    assert database.read(lambda c: sessions.find(c, sessions.digest("t"), now=later)) == ()
    with pytest.raises(IntegrityError):
        started(database, here, "t")


def test_failures_count_over_processes_and_all_at_once(database_url: str) -> None:
    doors = [Database(database_url), Database(database_url)]
    try:

        def attempt(number: int) -> bool:
            door = doors[number % 2]
            return not door.write(lambda c: log_in_attempts.begin(c, "ann", "192.0.2.1", now=NOW))

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(attempt, range(40))) == log_in_attempts.FREE
        for door in doors:
            assert door.write(lambda c: log_in_attempts.begin(c, "ANN ", "192.0.2.1", now=NOW)) == MINUTE
            assert door.write(lambda c: log_in_attempts.begin(c, "ann", "192.0.2.2", now=NOW)) == MINUTE
            assert not door.write(lambda c: log_in_attempts.begin(c, "bob", "192.0.2.1", now=NOW))
    finally:
        for door in doors:
            door.close()


def test_waits_grow_to_a_bound_and_are_forgotten(database: Database) -> None:
    now, waited = NOW, []
    for _ in range(12):
        pause = database.write(lambda c, now=now: log_in_attempts.begin(c, "ann", "a", now=now))
        while pause:
            waited.append(pause)
            now += pause
            pause = database.write(lambda c, now=now: log_in_attempts.begin(c, "ann", "a", now=now))
    assert [int(pause / MINUTE) for pause in waited] == [1, 2, 4, 8, 15, 15, 15]
    database.write(lambda c: log_in_attempts.succeeded(c, "ann", "a", now=now))
    later = now + log_in_attempts.FORGOTTEN + log_in_attempts.KNOWN + MINUTE
    assert not database.write(lambda c: log_in_attempts.begin(c, "eve", "b", now=later))
    rows = database.read(lambda c: c.execute(schema.log_in_attempts.select()).mappings().all())
    assert len(rows) == 2
    assert "eve" not in str(rows)


def test_a_company_account_stays_the_agent_whom_it_was_first(database: Database) -> None:
    ann = added(database, "ann@shop.example")

    def found(subject: str, known_as: str) -> list[str]:
        return [agent.id for agent in database.read(lambda c: agents.of_subject(c, "https://idp", subject, known_as))]

    assert found("s1", "Ann@shop.example") == [ann.id]
    assert in_shop(database, lambda w: agents.bind(w, ann.id, "https://idp", "s1", now=NOW))
    assert found("s1", "ann.new@shop.example") == [ann.id]
    assert found("s2", "ann@shop.example") == []
    assert not in_shop(database, lambda w: agents.bind(w, ann.id, "https://idp", "s2", now=NOW))
