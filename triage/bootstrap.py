"""The wiring: the one place where implementations are chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Connection

from triage.channels.email.channel import EmailChannel
from triage.channels.policies import ChannelPolicies
from triage.channels.webhook import WebhookChannel
from triage.contract import Bands
from triage.conversations.circumstances import circumstances
from triage.conversations.sla import sla
from triage.detection.entities import PatternRecogniser
from triage.detection.language import load_identifier
from triage.drafting.chat_endpoint import ChatEndpoint
from triage.drafting.composer import Composer
from triage.drafting.generator import LlmRewriter
from triage.errors import ConfigurationError
from triage.jobs.deliveries import Deliveries
from triage.jobs.figures import Figures
from triage.jobs.mail import Mailboxes
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.knowledge_base.articles import read_articles
from triage.knowledge_base.base import KnowledgeBase
from triage.knowledge_base.libraries import Libraries
from triage.knowledge_base.reranker import CrossEncoder
from triage.knowledge_base.retriever import HybridRetriever, RetrievalWeights
from triage.models.classifier import HeadClassifier
from triage.models.encoder import OnnxEncoder
from triage.models.heads import Heads
from triage.models.manifest import Manifest
from triage.pipeline import TriagePipeline
from triage.protocols import Channel, Encoder, LanguageIdentifier, Retriever
from triage.sample.data import sample_arrivals, sample_articles, sample_buyers, sample_orders
from triage.settings import Settings
from triage.storage import intake, keys, migrate
from triage.storage.database import Database, sqlite_url
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace, create_workspace
from triage.text.reader import Reader
from triage.types import Article, Voice

WORKSPACE = "demo"
"""The workspace that a first start makes."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def model_folder(settings: Settings) -> Path:
    """The configured weights, or the shipped ones."""
    return settings.model or Path(str(files("triage.models") / "weights"))


def load_articles(settings: Settings) -> list[Article]:
    """The workspace's articles; the sample knowledge base in the demo."""
    if settings.articles is not None:
        return list(read_articles(settings.articles))
    return list(sample_articles()) if settings.demo else []


def load_reranker(settings: Settings) -> CrossEncoder | None:
    """The cross-encoder that the settings name; None where they name none.

    Raises:
        ConfigurationError: the folder lacks its files, or they are of another kind.
    """
    return CrossEncoder(settings.reranker) if settings.reranker else None


def library_folder(settings: Settings, workspace: str) -> Path:
    """Where a workspace's knowledge base lies.

    Raises:
        ConfigurationError: a name that cannot name a folder.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", workspace):
        raise ConfigurationError(f"workspace {workspace!r}: a name has a-z, 0-9, - and _ only, at most 40")
    return settings.data / "knowledge_base" / workspace


def open_knowledge_base(settings: Settings, encoder: Encoder, weights: RetrievalWeights) -> KnowledgeBase:
    """The workspace's knowledge base in the data folder.

    The demo's articles only begin it; a folder of articles that the settings name is read again at every start, so that
    edits of its files take effect, and wins over changes of the same articles through the API.
    """
    seed = load_articles(settings)
    base = KnowledgeBase(
        library_folder(settings, WORKSPACE), encoder, seed=seed, weights=weights,
        reranker=load_reranker(settings),
    )  # fmt: skip
    if settings.articles is not None:
        base.put_many(seed)
    return base


def build_pipeline(settings: Settings, articles: Iterable[Article] | None = None) -> TriagePipeline:
    """A pipeline ready to use.

    Raises:
        ModelError, ArticleError, ConfigurationError: what is missing or wrong, in one line.
    """
    folder = model_folder(settings)
    manifest = Manifest.read(folder)
    encoder = OnnxEncoder(folder, version=manifest.version)
    weights = RetrievalWeights(**manifest.retrieval)
    retriever: Retriever
    libraries: Libraries | None = None
    if articles is None:
        retriever = base = open_knowledge_base(settings, encoder, weights)
        libraries = Libraries(
            lambda workspace: base.beside(library_folder(settings, workspace)), first=(WORKSPACE, base)
        )
    else:
        retriever = HybridRetriever(articles, encoder, weights=weights, reranker=load_reranker(settings))
    identifier = load_identifier(settings.language_backend, settings.languages)
    return TriagePipeline(
        reader=Reader(),
        identifier=identifier,
        encoder=encoder,
        classifier=HeadClassifier(Heads.load(folder / "heads.npz"), manifest, precision=settings.precision),
        recogniser=PatternRecogniser(),
        retriever=retriever,
        drafter=Composer(
            Voice(signatures={"": settings.brand}), phrases_folder=settings.phrases, least_score=weights.offer
        ),
        policies=ChannelPolicies(settings.channel_policies),
        sla=sla,
        circumstances=circumstances,
        clock=SystemClock(),
        default_language=settings.default_language,
        rewriter=load_rewriter(settings, identifier),
        retrievers=libraries.of if libraries else None,
    )


def open_database(settings: Settings) -> Database:
    """The database with the newest schema and its first workspace, with orders and messages of the sample shop in the demo.

    Raises:
        ConfigurationError, StorageUnavailable: what is missing or wrong, in one line.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    url = settings.database_url.get_secret_value() if settings.database_url else sqlite_url(settings.data / "triage.db")
    database = Database(url)
    try:
        migrate.upgrade(database)
        database.write(lambda connection: _first_workspace(connection, settings))
    except BaseException:
        database.close()
        raise
    return database


def _first_workspace(connection: Connection, settings: Settings) -> None:
    now = SystemClock().now()
    if not create_workspace(connection, WORKSPACE, brand=settings.brand, now=now) or not settings.demo:
        return
    workspace, buyers = Workspace(connection, WORKSPACE), sample_buyers()
    for order in sample_orders().values():
        put_order(workspace, order, buyer=buyers.get(order.id), now=now)
    for arrival in sample_arrivals(now):
        intake.keep(workspace, arrival, now=now)


def build_worker(settings: Settings, database: Database, pipeline: TriagePipeline) -> Worker:
    """The worker that triages what is kept and sends what is approved."""
    clock = SystemClock()
    bands = Bands(high=settings.band_high, medium=settings.band_medium)
    figures = Figures(database, clock)
    deliveries = Deliveries(database, clock, allow_private=settings.allow_private_webhooks)
    host, _, port = (settings.mail_listen or "").rpartition(":")
    mail = Mailboxes(database, clock, listen=(host, int(port)) if host else None, lmtp=settings.mail_protocol == "lmtp")
    return Worker(
        database, TriageJob(database, pipeline, bands, clock), build_channels(), clock,
        further=(deliveries.round,), opening=(mail.start, figures.start), closing=(mail.stop, deliveries.close, figures.stop),
    )  # fmt: skip


def build_channels() -> dict[str, Channel]:
    """Every adapter by its name; ``triage.protocols.Channel`` says what one is."""
    return {channel.name: channel for channel in (WebhookChannel(), EmailChannel())}


def load_rewriter(settings: Settings, identifier: LanguageIdentifier) -> LlmRewriter | None:
    """The language model that may rewrite drafts; None where none is configured.

    Raises:
        ConfigurationError: an endpoint without a model, or an address that is none.
    """
    if settings.llm_base_url is None:
        return None
    if not settings.llm_model:
        raise ConfigurationError("TRIAGE_LLM_BASE_URL is set but TRIAGE_LLM_MODEL is not")
    endpoint = ChatEndpoint(
        settings.llm_base_url, model=settings.llm_model, api_key=settings.llm_api_key, timeout=settings.llm_timeout
    )
    return LlmRewriter(endpoint, identifier=identifier)


def add_workspace(settings: Settings, name: str, *, brand: str) -> str:
    """Makes a further workspace, with an empty knowledge base; its first API key, in clear, which is kept nowhere.

    Raises:
        ConfigurationError: the name is taken, or cannot name a folder.
    """
    library_folder(settings, name)
    clear = keys.new_key()

    def work(connection: Connection) -> None:
        now = SystemClock().now()
        if not create_workspace(connection, name, brand=brand, now=now):
            raise ConfigurationError(f"there is a workspace {name!r} already")
        keys.create(
            Workspace(connection, name),
            name="first",
            scopes=keys.SCOPES,
            sha256=keys.hash_key(clear),
            actor="command line",
            now=now,
        )

    database = open_database(settings)
    try:
        database.write(work)
    finally:
        database.close()
    return clear
