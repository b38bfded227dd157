from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from argon2.profiles import CHEAPEST
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from triage.channels.policies import ChannelPolicies
from triage.conversations.circumstances import circumstances
from triage.conversations.sla import sla
from triage.detection.entities import PatternRecogniser
from triage.drafting.composer import Composer
from triage.knowledge_base.retriever import HybridRetriever
from triage.pipeline import TriagePipeline
from triage.protocols import DraftRewriter, Retriever
from triage.settings import Settings
from triage.storage.passwords import Passwords
from triage.testing import FixedClassifier, FixedClock, FixedIdentifier, HashingEncoder
from triage.text.reader import Reader
from triage.types import Article, Voice

LATE = Article(
    id="delivery-late", language="en", title="My parcel is late", intents=("delivery_late",),
    body="If your parcel is late, we open an enquiry with the carrier.",
)  # fmt: skip

PASSWORDS = Passwords(CHEAPEST)
"""Hashed as passwords are, in a thousandth of the time."""


def pipeline(
    classifier: FixedClassifier | None = None,
    retriever: Retriever | None = None,
    *,
    language: str = "en",
    rewriter: DraftRewriter | None = None,
) -> TriagePipeline:
    encoder = HashingEncoder()
    return TriagePipeline(
        reader=Reader(),
        identifier=FixedIdentifier(language),
        encoder=encoder,
        classifier=classifier or FixedClassifier("delivery_late", "refund_request"),
        recogniser=PatternRecogniser(),
        retriever=retriever or HybridRetriever([LATE], encoder),
        drafter=Composer(Voice(signatures={"": "Tamaro"})),
        rewriter=rewriter,
        policies=ChannelPolicies(),
        sla=sla,
        circumstances=circumstances,
        clock=FixedClock(),
    )


KEYS = KeyRing(
    {
        hash_key("good"): Key(id="good", workspace="demo", scopes=frozenset({"triage"})),
        hash_key("weak"): Key(id="weak", workspace="demo", scopes=frozenset({"read"})),
        hash_key("editor"): Key(id="editor", workspace="demo", scopes=frozenset({"read", "articles", "triage"})),
    }
)


@pytest.fixture
def make_client() -> Iterator[Callable[..., TestClient]]:
    opened: list[TestClient] = []

    def make(load: Callable[[], TriagePipeline] = pipeline, **settings: object) -> TestClient:
        app = create_app(Settings(**settings), keys=KEYS, load_pipeline=load)  # type: ignore[arg-type]
        client = TestClient(app, headers={"Authorization": "Bearer good"}, raise_server_exceptions=False)
        opened.append(client)
        client.__enter__()
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()
