"""The application: ``create_app`` puts routes, limits, keys and the pipeline together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest
from starlette.concurrency import run_in_threadpool

from api import inbox, problems
from api.auth import Key, KeyRing, RateLimit
from api.limits import Limits, Metrics
from api.v1.articles.endpoints import router as articles_router
from api.v1.attachments.endpoints import router as attachments_router
from api.v1.channels.endpoints import router as channels_router
from api.v1.conversations.endpoints import router as conversations_router
from api.v1.customers.endpoints import router as customers_router
from api.v1.drafts.endpoints import router as drafts_router
from api.v1.inbounds.endpoints import router as inbounds_router
from api.v1.insights.endpoints import router as insights_router
from api.v1.keys.endpoints import router as keys_router
from api.v1.messages.endpoints import router as messages_router
from api.v1.orders.endpoints import router as orders_router
from api.v1.quarantine.endpoints import router as quarantine_router
from api.v1.triage.endpoints import router as triage_router
from api.v1.webhooks.endpoints import router as webhooks_router
from api.v1.workspace.endpoints import router as workspace_router
from triage import __version__
from triage.bootstrap import SystemClock
from triage.channels.policies import ChannelPolicies
from triage.contract import Bands
from triage.errors import ConfigurationError, StorageUnavailable, TriageError
from triage.jobs.worker import Worker
from triage.pipeline import TriagePipeline
from triage.protocols import Channel
from triage.settings import Settings
from triage.storage import keys as stored_keys
from triage.storage.database import Database
from triage.storage.house_rules import HouseRules

T = TypeVar("T")

ROUTERS = (
    articles_router, messages_router, attachments_router, conversations_router, drafts_router, customers_router, orders_router,
    inbounds_router, channels_router, webhooks_router, workspace_router, keys_router,
    quarantine_router, insights_router,
)  # fmt: skip

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def create_app(
    settings: Settings,
    *,
    keys: KeyRing,
    load_pipeline: Callable[[], TriagePipeline],
    desk: inbox.Desk | None = None,
    open_database: Callable[[], Database] | None = None,
    start_worker: Callable[[Database, TriagePipeline], Worker] | None = None,
    adapters: Mapping[str, Channel] | None = None,
) -> FastAPI:
    """The ASGI application.

    Args:
        load_pipeline: called once at start; while it fails, ``/readyz`` says what is missing and triage answers 503.
        desk: the inbox's log-in; without it no pages are served.
        open_database: called once at start; while it fails, ``/readyz`` says so and the durable calls answer 503.
        adapters: the ways in and out, by name.
        start_worker: makes the worker of this process, called once model and database are there.
    """
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pipeline = _attempt(load_pipeline)
        app.state.database = _attempt(open_database) if open_database else Unready(ConfigurationError("no database"))
        if not isinstance(app.state.database, Unready):
            keys.look_up_in(_stored_keys(app.state.database))
            app.state.house_rules = HouseRules(app.state.database, SystemClock())
        worker = None
        if start_worker and not isinstance(app.state.pipeline, Unready) and not isinstance(app.state.database, Unready):
            worker = start_worker(app.state.database, app.state.pipeline)
            worker.start()
            app.state.wake = worker.wake
        yield
        if worker is not None:
            worker.stop()
        if not isinstance(app.state.database, Unready):
            app.state.database.close()

    app = FastAPI(
        title="Triage assistant", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Triage of customer messages: language, intents, urgency, entities, cited answers and a draft reply.",
    )  # fmt: skip
    app.state.keys, app.state.settings = keys, settings
    app.state.house_rules = None
    app.state.durable = open_database is not None
    app.state.rate = RateLimit(settings.requests_per_minute)
    app.state.metrics = metrics
    app.state.bands = Bands(high=settings.band_high, medium=settings.band_medium)
    app.state.policies = ChannelPolicies(settings.channel_policies)
    app.state.channels = app.state.policies.channels
    app.add_middleware(Limits, metrics=metrics, most_waiting=settings.most_waiting)
    problems.install(app)
    app.include_router(triage_router)
    app.state.adapters = adapters or {}
    app.state.allow_private_webhooks = settings.allow_private_webhooks
    for router in ROUTERS:
        app.include_router(router)
    app.state.wake = _nobody_waits
    _add_probes(app, registry)
    if desk is not None:
        inbox.install(app, desk)
    return app


def _add_probes(app: FastAPI, registry: CollectorRegistry) -> None:
    @app.get("/healthz", tags=["operations"], summary="The process is up")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["operations"], summary="Model and index are ready")
    async def readyz(request: Request) -> JSONResponse:
        missing = await run_in_threadpool(_missing, request.app)
        status = "not ready" if missing else "ready"
        return JSONResponse({"status": status, "missing": missing}, status_code=503 if missing else 200)

    @app.get("/metrics", tags=["operations"], summary="Prometheus metrics")
    async def prometheus() -> Response:
        return Response(generate_latest(registry), media_type=PROMETHEUS)


def _stored_keys(database: Database) -> Callable[[str], Key | None]:
    def look_up(sha256: str) -> Key | None:
        found = database.read(lambda connection: stored_keys.find(connection, sha256))
        return None if found is None else Key(id=found.id, workspace=found.workspace_id, scopes=found.scopes)

    return look_up


def _missing(app: FastAPI) -> list[str]:
    """What stands in the way of work, in words."""
    parts = (app.state.pipeline, app.state.database) if app.state.durable else (app.state.pipeline,)
    missing = [str(part.error) for part in parts if isinstance(part, Unready)]
    if app.state.durable and not isinstance(app.state.database, Unready):
        try:
            app.state.database.check()
        except StorageUnavailable as error:
            missing.append(str(error))
    return missing


def _nobody_waits() -> None:
    """Stands in for waking a worker where none runs in this process; the others look by themselves."""


def _attempt(make: Callable[[], T]) -> T | Unready:
    try:
        return make()
    except TriageError as error:
        return Unready(error)


class Unready:
    """Stands in for a pipeline or a database that could not be had; every call says why."""

    def __init__(self, error: TriageError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        raise problems.Problem(503, "not_ready", str(self.error), headers={"Retry-After": "10"})
