"""``triage serve``: settings to a running server, with one clear line for what stands in its way."""

from __future__ import annotations

import errno
import os
import socket
import sys
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from api.app import create_app
from api.auth import load_keys
from api.inbox.desk import Desk
from api.inbox.oidc import company_accounts
from triage.agents import first_agent
from triage.bootstrap import build_channels, build_pipeline, build_worker, open_database
from triage.errors import ConfigurationError, TriageError
from triage.pipeline import TriagePipeline
from triage.settings import Settings
from triage.storage.database import Database
from triage.types import InboundMessage


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """What a first start made and shows once; ``database_ready`` where it could make an agent."""

    api_key: str | None
    password: str | None
    database_ready: bool = True


def assemble(settings: Settings) -> tuple[FastAPI, Secrets]:
    """The application as configured, and the secrets that were made for it.

    Raises:
        OSError: the data folder cannot be written.
        ConfigurationError: log-in with company accounts lacks something.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    keys, made_key = load_keys(settings.data, _clear(settings.api_key))
    desk = Desk(company=company_accounts(settings))
    opened, password = _open(settings, desk)
    app = create_app(
        settings, keys=keys, load_pipeline=lambda: _warm_pipeline(settings), desk=desk,
        open_database=lambda: _given(opened), adapters=build_channels(),
        start_worker=(lambda database, pipeline: build_worker(settings, database, pipeline)) if settings.worker else None,
    )  # fmt: skip
    return app, Secrets(api_key=made_key, password=password, database_ready=isinstance(opened, Database))


def _open(settings: Settings, desk: Desk) -> tuple[Database | TriageError, str | None]:
    """The database, or why there is none, and the first agent's password where one was made up.

    Opened before anything is announced: a password that is shown must be one that works.
    """
    try:
        database = open_database(settings)
    except TriageError as error:
        return error, None
    try:
        return database, first_agent(
            database, desk.passwords, data=settings.data, configured=_clear(settings.agent_password)
        )
    except TriageError as error:
        database.close()
        return error, None


def _given(opened: Database | TriageError) -> Database:
    if isinstance(opened, TriageError):
        raise opened
    return opened


def _warm_pipeline(settings: Settings) -> TriagePipeline:
    pipeline = build_pipeline(settings)
    # Tables that load at first use (languages, dates, phrases) would make the first customer wait 0.2 s.
    pipeline.triage(InboundMessage(text="Where is my order TM-10428 of 3 May?", channel="chat"))
    return pipeline


def _clear(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


def serve(host: str, port: int, settings: Settings) -> int:
    """Runs until interrupted; the exit status is 1 where the server could not start, with the reason on stderr."""
    try:
        listening = _listen(host, port)
    except OSError as error:
        return _fail(_reason(error, host, port))
    try:
        app, made = assemble(settings)
    except OSError as error:
        return _fail(f"cannot write to {settings.data}: {os.strerror(error.errno or 0)}")
    except ConfigurationError as error:
        return _fail(str(error))
    _announce(host, listening.getsockname()[1], settings, made)
    config = uvicorn.Config(
        app, log_level=settings.log_level.lower(), access_log=False, timeout_keep_alive=30,
        forwarded_allow_ips=settings.trusted_proxies,
    )  # fmt: skip
    _Server(config).run(sockets=[listening])
    return 0


class _Server(uvicorn.Server):
    """Ends the inbox's streams when it stops; it would wait for them as long as a browser is open."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.live.close()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything is loaded, so that a taken port is said in a second and nothing is half done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only for sockets that say TCP; without it every
    # answer on a kept connection waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken; choose another: PORT={port + 1} make run"
    if error.errno == errno.EACCES:
        return f"no right to listen on port {port}; choose one above 1023: PORT=8000 make run"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"


def _announce(host: str, port: int, settings: Settings, made: Secrets) -> None:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    kept = "from TRIAGE_AGENT_PASSWORD" if settings.agent_password else "as printed at first start"
    password = made.password or (
        kept if made.database_ready else "printed once the database is ready and this is restarted"
    )
    key = made.api_key or ("from TRIAGE_API_KEY" if settings.api_key else "as printed at first start")
    print(f"Inbox    http://{shown}:{port}/", f"Log-in   agent / {password}", f"API key  {key}", sep="\n", flush=True)


def _fail(reason: str) -> int:
    print(f"triage: {reason}", file=sys.stderr)
    return 1
