"""The application: ``create_app`` puts routes, limits, keys and the pipeline together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest

from api import inbox, problems
from api.auth import KeyRing, RateLimit
from api.limits import Limits, Metrics
from api.v1.articles.endpoints import router as articles_router
from api.v1.triage.endpoints import router as triage_router
from triage import __version__
from triage.channels.policies import ChannelPolicies
from triage.contract import Bands
from triage.errors import TriageError
from triage.pipeline import TriagePipeline
from triage.settings import Settings

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def create_app(
    settings: Settings,
    *,
    keys: KeyRing,
    load_pipeline: Callable[[], TriagePipeline],
    desk: inbox.Desk | None = None,
) -> FastAPI:
    """The ASGI application.

    Args:
        load_pipeline: called once at start; while it fails, ``/readyz`` says what is missing and triage answers 503.
        desk: the inbox's data and log-in; without it no pages are served.
    """
    registry = CollectorRegistry()
    metrics = Metrics(registry)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            app.state.pipeline = load_pipeline()
        except TriageError as error:
            app.state.pipeline = Unready(error)
        yield

    app = FastAPI(
        title="Triage assistant", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Triage of customer messages: language, intents, urgency, entities, cited answers and a draft reply.",
    )  # fmt: skip
    app.state.keys = keys
    app.state.rate = RateLimit(settings.requests_per_minute)
    app.state.metrics = metrics
    app.state.bands = Bands(high=settings.band_high, medium=settings.band_medium)
    app.state.channels = ChannelPolicies(settings.channel_policies).channels
    app.add_middleware(Limits, metrics=metrics, most_waiting=settings.most_waiting)
    problems.install(app)
    app.include_router(triage_router)
    app.include_router(articles_router)
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
        pipeline = request.app.state.pipeline
        if isinstance(pipeline, Unready):
            return JSONResponse({"status": "not ready", "missing": [str(pipeline.error)]}, status_code=503)
        return JSONResponse({"status": "ready", "missing": []})

    @app.get("/metrics", tags=["operations"], summary="Prometheus metrics")
    async def prometheus() -> Response:
        return Response(generate_latest(registry), media_type=PROMETHEUS)


class Unready:
    """Stands in for a pipeline that could not be built; every call says why."""

    def __init__(self, error: TriageError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        raise problems.Problem(503, "not_ready", str(self.error), headers={"Retry-After": "10"})
