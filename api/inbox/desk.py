"""Who may see the inbox: log-in and sessions, kept in the database, so that they hold over restarts and processes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from triage.bootstrap import SystemClock
from triage.errors import StorageUnavailable
from triage.protocols import Clock
from triage.storage import agents, log_in_attempts, sessions
from triage.storage.agents import Agent
from triage.storage.database import Database
from triage.storage.events import record
from triage.storage.passwords import Passwords
from triage.storage.sessions import Place
from triage.storage.workspace import Workspace

if TYPE_CHECKING:
    from api.inbox.oidc import CompanyAccounts

MOST_TYPED = 1000
"""Characters of a login or a password that are looked at."""


@dataclass(frozen=True, kw_only=True)
class Browser:
    """Where a log-in comes from: its address, its kind as people say it, and the token that it had before."""

    address: str = ""
    device: str = ""
    token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """A valid token, and the workspaces that it may enter; ``here`` is the one that its pages show."""

    token: str
    places: tuple[Place, ...]

    @property
    def here(self) -> Place:
        return self.places[0]

    @property
    def sha256(self) -> str:
        return sessions.digest(self.token)

    @property
    def form_token(self) -> str:
        """What the forms of this session carry in this workspace: without the token nobody can make it."""
        key = self.token.encode("utf-8", "surrogatepass")
        return hmac.new(key, f"form {self.here.session_id}".encode(), "sha256").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Refused:
    """No log-in. ``wait``: how long none may be tried, zero where the next may at once. It never tells who exists."""

    wait: timedelta = timedelta(0)


class Desk:
    """The way in.

    Args:
        company: the identity provider of the agents' company; None without one.
    """

    def __init__(
        self, *, passwords: Passwords | None = None, company: CompanyAccounts | None = None, clock: Clock | None = None
    ) -> None:
        self.passwords, self.company = passwords or Passwords(), company
        self.clock: Clock = clock or SystemClock()

    def log_in(self, database: Database, login: str, password: str, browser: Browser) -> str | Refused:
        """A new session's token, in every workspace where login and password are right.

        Raises:
            Overloaded: too many log in at once.
            StorageUnavailable: the database does not answer.
        """
        login, now = login[:MOST_TYPED], self.clock.now()
        pause = database.write(lambda c: log_in_attempts.begin(c, login, browser.address, now=now))
        if pause:
            return Refused(wait=pause)
        found, rounds = database.read(lambda c: (agents.of_login(c, login), agents.most_of_one_login(c)))
        right = self._right(found, rounds, password)
        token = self._start(database, right, via="password", browser=browser)
        if token is None:
            database.write(lambda c: _record_failure(c, found, self.clock))
            return Refused()
        database.write(lambda c: log_in_attempts.succeeded(c, login, browser.address, now=now))
        for agent in right:
            self._rehash(database, agent, password)
        return token

    def _right(self, found: Sequence[Agent], rounds: int, password: str) -> list[Agent]:
        """Whose password it is. As many are verified for a login that nobody has as for one in many workspaces."""
        now, typed = self.clock.now(), password[:MOST_TYPED]
        right = []
        for number in range(max(1, rounds, len(found))):
            agent = found[number] if number < len(found) else None
            accepted = self.passwords.accepts(agent.password_hash if agent else None, typed)
            if agent is None or not accepted or agent.disabled_at is not None:
                continue
            if agent.password_until is None or agent.password_until > now:
                right.append(agent)
        return right

    def admit(self, database: Database, found: Sequence[Agent], browser: Browser) -> str | None:
        """A new session's token for who came with a company account; None where they may enter nowhere."""
        return self._start(database, [a for a in found if a.disabled_at is None], via="oidc", browser=browser)

    def _start(self, database: Database, found: Sequence[Agent], *, via: str, browser: Browser) -> str | None:
        if not found:
            return None
        # A token of its own for every log-in: one that somebody planted in the browser before is worth nothing.
        now, token = self.clock.now(), secrets.token_urlsafe(32)
        lately = sorted(found, key=lambda agent: agent.last_seen_at or agent.created_at, reverse=True)

        def work(connection: Connection) -> bool:
            if browser.token:
                _end(connection, sessions.find(connection, sessions.digest(browser.token), now=now), browser.token)
            entered = False
            for agent in lately:
                workspace = Workspace(connection, agent.workspace_id)
                new = sessions.start(
                    workspace, agent, token_sha256=sessions.digest(token), via=via, chosen=not entered,
                    device=browser.device, address=browser.address, now=now,
                )  # fmt: skip
                if new:
                    entered = True
                    record(workspace, "agent.logged_in", agent.id, actor=f"agent:{agent.login}", now=now,
                           details={"via": via})  # fmt: skip
            return entered

        return token if database.write(work) else None

    def _rehash(self, database: Database, agent: Agent, password: str) -> None:
        old = agent.password_hash
        if old is not None and self.passwords.is_outdated(old):
            new = self.passwords.hash(password)
            database.write(lambda c: agents.rehash(Workspace(c, agent.workspace_id), agent.id, old, new))

    def session(self, database: Database, token: str | None) -> Session | None:
        """Whose token this is; None where it is nobody's, or not any more."""
        if not token or len(token) > MOST_TYPED:
            return None
        now, sha256 = self.clock.now(), sessions.digest(token)
        places = database.read(lambda c: sessions.find(c, sha256, now=now))
        if not places:
            return None
        if now - places[0].seen_at > sessions.TOUCHED:
            self._touch(database, places, sha256)
        return Session(token=token, places=places)

    def _touch(self, database: Database, places: Sequence[Place], sha256: str) -> None:
        now = self.clock.now()

        def work(connection: Connection) -> None:
            for place in places:
                agent = place.agent
                sessions.touch(
                    Workspace(connection, agent.workspace_id), sha256, agent.id if place is places[0] else None, now=now
                )

        try:
            database.write(work)
        except StorageUnavailable:
            return  # a full disk keeps nobody from reading

    def enter(self, database: Database, session: Session, workspace_id: str) -> bool:
        """Shows another workspace of the session's; False where it may not enter it."""
        if workspace_id not in {place.agent.workspace_id for place in session.places}:
            return False

        def work(connection: Connection) -> None:
            for place in session.places:
                known = place.agent.workspace_id
                sessions.choose(Workspace(connection, known), session.sha256, chosen=known == workspace_id)

        database.write(work)
        return True

    def log_out(self, database: Database, session: Session, *, everywhere: bool = False) -> None:
        """Ends the session, or with ``everywhere`` all of this person's."""
        now = self.clock.now()

        def work(connection: Connection) -> None:
            if everywhere:
                for place in session.places:
                    workspace, agent = Workspace(connection, place.agent.workspace_id), place.agent
                    agents.end_sessions(workspace, agent.id, actor=f"agent:{agent.login}", now=now)
            else:
                _end(connection, session.places, session.token)

        database.write(work)

    def change_password(self, database: Database, session: Session, old: str | None, new: str) -> bool:
        """A new password in every workspace where the old one is right; all other sessions end. False: it is wrong here.

        Args:
            old: None for who has just logged in with an initial password, and may use nothing else until it is changed.

        Raises:
            Overloaded: too many log in at once.
        """
        now, key = self.clock.now(), f"session {session.here.session_id}"
        # Counted as log-ins are, so that a browser left open is no way to guess.
        if database.write(lambda c: log_in_attempts.begin(c, key, "", now=now)):
            return False
        if old is None:
            right = [place.agent for place in session.places if place.agent.password_until is not None]
        else:
            typed = old[:MOST_TYPED]
            right = [p.agent for p in session.places if self.passwords.accepts(p.agent.password_hash, typed)]
        if session.here.agent not in right:
            return False
        made = self.passwords.hash(new)

        def work(connection: Connection) -> None:
            log_in_attempts.succeeded(connection, key, "", now=now)
            for agent in right:
                agents.set_password(
                    Workspace(connection, agent.workspace_id), agent.id, made, actor=f"agent:{agent.login}", now=now,
                    keep=session.sha256,
                )  # fmt: skip

        database.write(work)
        return True


def _end(connection: Connection, places: Sequence[Place], token: str) -> None:
    for place in places:
        sessions.end(Workspace(connection, place.agent.workspace_id), sessions.digest(token))


def _record_failure(connection: Connection, found: Sequence[Agent], clock: Clock) -> None:
    """In the audit trail of those who exist. What was typed for nobody's login may be a password, so it is kept nowhere."""
    for agent in found:
        workspace = Workspace(connection, agent.workspace_id)
        record(workspace, "agent.log_in_failed", agent.id, actor="nobody", now=clock.now())
