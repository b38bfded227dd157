"""The knowledge base's pages over a SQLite file and a knowledge base of its own."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.inbox.desk import Desk
from api.inbox.knowledge import bringing
from api.inbox.knowledge.forms import Written, checked, read_upload
from api.inbox.knowledge.shelf import Wanted, find, shelf_of
from api.inbox.knowledge.upkeep import Record, kept_share, stale_articles, track_records
from tests.integration.storage.scoping import watched
from tests.unit.api.conftest import KEYS, PASSWORDS, pipeline
from triage.agents import first_agent
from triage.contract import Bands
from triage.errors import IndexUnavailable
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.knowledge_base.base import KnowledgeBase
from triage.settings import Settings
from triage.storage import agents, drafts, migrate, schema
from triage.storage.database import Database, sqlite_url
from triage.storage.intake import receive
from triage.storage.questions import Verdict
from triage.storage.workspace import Workspace, create_workspace
from triage.testing import FixedClassifier, FixedClock, HashingEncoder
from triage.types import Arrival, Article, InboundMessage, Sender

TODAY = datetime.now(UTC).date()
LATE = Article(
    id="delivery-late", language="en", title="My parcel is late", intents=("delivery_late",), tags=("carrier",),
    body="If your parcel is late, we open an enquiry with the carrier.\n\n## How long it takes\n\nThree working days.",
    last_reviewed=TODAY.isoformat(), owner="Delivery team",
)  # fmt: skip
LATE_DE = replace(LATE, language="de", title="Mein Paket ist verspätet", body="Wir fragen beim Zusteller nach.")
WRAP = Article(
    id="gift-wrap", language="en", title="Gift wrapping", body="We wrap gifts for 3 EUR.", kind="macro", markets=("DE",),
    last_reviewed=None,
)  # fmt: skip
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@dataclass
class Shop:
    """A workspace with a knowledge base and a browser that is logged in."""

    browser: TestClient
    database: Database
    base: KnowledgeBase
    worker: Worker
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    def received(self, text: str) -> str:
        """A message taken in and triaged; its conversation."""
        message = InboundMessage(text=text, channel="email")
        arrival = Arrival(
            external_id=f"m{next(self.numbers)}", message=message, sender=Sender(email="anna@customers.example")
        )
        found = receive(self.database, "demo", arrival, now=datetime.now(UTC)).conversation_id
        while self.worker.round():
            pass
        return found

    def get(self, address: str, status: int = 200) -> str:
        answer = self.browser.get(address)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, address: str, **form: Any) -> Any:
        return self.browser.post(address, data={"token": self.token(), **form}, follow_redirects=False)

    def token(self) -> str:
        found = re.search(r'name="token" value="([\w-]+)"', self.get("/knowledge/try"))
        assert found
        return found[1]

    def form(self, address: str) -> dict[str, Any]:
        """What a browser would send of the article's form as it stands."""
        return fields_of(self.get(address))

    def work(self, do: Callable[[Workspace], Any]) -> Any:
        return self.database.write(lambda connection: do(Workspace(connection, "demo")))


def fields_of(page: str) -> dict[str, Any]:
    form = page[page.index('<form class="card edit"') :]
    form = form[: form.index("</form>")]
    found: dict[str, Any] = {
        name: unescape(value) for name, value in re.findall(r'<input [^>]*?name="(\w+)" value="([^"]*)"', form)
        if name not in ("intents", "channels")
    }  # fmt: skip
    found |= {
        name: unescape(v) for name, v in re.findall(r'<textarea[^>]*? name="(\w+)"[^>]*>\n(.*?)</textarea>', form, re.S)
    }
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else re.findall(r'value="([^"]*)"', options)[0]
    for name in ("intents", "channels"):
        found[name] = re.findall(rf'name="{name}" value="([^"]*)" checked', form)
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema, one workspace, its admin and an agent, to be copied."""
    path = tmp_path_factory.mktemp("knowledge") / "empty.db"
    database = Database(sqlite_url(path))
    migrate.upgrade(database)
    now = datetime.now(UTC)
    database.write(lambda c: create_workspace(c, "demo", brand="Tamaro", now=now))
    first_agent(database, PASSWORDS, configured="right")
    database.write(
        lambda c: agents.add(
            Workspace(c, "demo"), login="reader", role="agent", actor="test", now=now,
            password_hash=PASSWORDS.hash("right"),
        )
    )  # fmt: skip
    database.close()
    return path


@pytest.fixture
def open_shop(tmp_path: Path, empty: Path) -> Iterator[Callable[..., Shop]]:
    opened: list[TestClient] = []

    def make(
        *articles: Article, login: str = "agent", classifier: FixedClassifier | None = None, version: str = "hashing"
    ) -> Shop:
        shutil.copy(empty, tmp_path / "triage.db")
        database = Database(sqlite_url(tmp_path / "triage.db"))
        base = KnowledgeBase(tmp_path / "kb", HashingEncoder(version=version), seed=articles)
        steps = pipeline(classifier, retriever=base)
        app = create_app(
            Settings(), keys=KEYS, load_pipeline=lambda: steps, desk=Desk(passwords=PASSWORDS),
            open_database=lambda: database,
        )  # fmt: skip
        client = TestClient(app)
        opened.append(client)
        client.__enter__()
        clock = FixedClock(datetime.now(UTC) + timedelta(minutes=1))
        worker = Worker(database, TriageJob(database, steps, Bands(high=0.8, medium=0.5), clock), {}, clock)
        answer = client.post("/login", data={"name": login, "password": "right"}, follow_redirects=False)
        assert answer.status_code == 303
        return Shop(client, database, base, worker)

    with watched():
        yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    return open_shop(LATE, LATE_DE, WRAP)


def test_the_list_shows_languages_gaps_and_what_bounds_an_article(shop: Shop) -> None:
    page = shop.get("/knowledge")
    assert "2 articles" in page
    assert "My parcel is late" in page
    assert 'href="/knowledge/articles/delivery-late?language=de"' in page
    assert "German: missing" in page  # of the wrapping
    assert 'href="/knowledge/articles/gift-wrap?language=de&amp;source=en"' in page
    assert "Delivery team" in page
    assert "macro" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"delivery-late", "gift-wrap"}),
        ("language=de", {"delivery-late"}),
        ("missing=de", {"gift-wrap"}),
        ("kind=macro", {"gift-wrap"}),
        ("tag=carrier", {"delivery-late"}),
        ("intent=delivery_late", {"delivery-late"}),
        ("market=PL", {"delivery-late"}),
        ("market=DE", {"delivery-late", "gift-wrap"}),
        ("stale=1", {"gift-wrap"}),
    ],
)
def test_the_list_is_narrowed(shop: Shop, query: str, found: set[str]) -> None:
    rows = re.findall(r'class="open" href="/knowledge/articles/([\w-]+)', shop.get(f"/knowledge?{query}"))
    assert set(rows) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("WRAP gifts", ["gift-wrap"]),
        ("verspätet", ["delivery-late"]),
        ("nothingofthekind", []),
        ("gift-", ["gift-wrap"]),
    ],
)
def test_words_are_looked_for_in_every_language(query: str, found: list[str]) -> None:
    shelf = shelf_of([LATE_DE, LATE, WRAP])
    rows = find(shelf, Wanted(q=query), near={}, language="en", today=TODAY, review_days=180)
    assert [row.entry.id for row in rows] == found


def test_a_search_shows_what_it_found_by_meaning(shop: Shop) -> None:
    page = shop.get("/knowledge?q=my+parcel+is+late+my+parcel")
    assert re.search(r"by meaning, \d+%", page)


def test_a_question_finds_articles_by_their_meaning() -> None:
    shelf = shelf_of([LATE, WRAP])
    found = find(
        shelf, Wanted(q="where is it"), near={"delivery-late": 0.8}, language="en", today=TODAY, review_days=180
    )  # fmt: skip
    assert [(item.entry.id, item.score) for item in found] == [("delivery-late", 0.8)]


def test_thousands_of_articles_come_in_pages(open_shop: Callable[..., Shop]) -> None:
    made = open_shop(*(replace(WRAP, id=f"a{n:03}", title=f"Title {n:03}") for n in range(120)))
    first, last = made.get("/knowledge?kind=macro"), made.get("/knowledge?kind=macro&page=3")
    assert "Page 1 of 3" in first
    assert 'href="/knowledge?kind=macro&amp;page=2"' in first
    assert "Title 000" in first
    assert "Title 119" in last
    assert "Title 119" in made.get("/knowledge?kind=macro&page=999")


def test_an_article_is_saved_as_it_stands_and_searchable_at_once(shop: Shop) -> None:
    form = shop.form("/knowledge/articles/delivery-late?language=en")
    assert shop.post("/knowledge/articles/delivery-late", **form).status_code == 303
    assert shop.base.get("delivery-late", "en") == LATE  # nothing is lost on the way through a form
    form |= {
        "body": "Parcels that are late: ask\r\nwithin 30 days.",
        "tags": "carrier\r\n late, very ",
        "markets": "de pl",
    }
    answer = shop.post("/knowledge/articles/delivery-late", **form | {"stamp": form["stamp"]})
    assert answer.headers["location"] == "/knowledge/articles/delivery-late?language=en&done=saved"
    saved = shop.base.get("delivery-late", "en")
    assert saved is not None
    assert saved.body == "Parcels that are late: ask\nwithin 30 days."
    assert saved.tags == ("carrier", "late, very")
    assert saved.markets == ("DE", "PL")
    assert saved.intents == ("delivery_late",)
    assert "Saved." in shop.get(answer.headers["location"])
    page = shop.post("/knowledge/try", question="Are parcels late? ask within 30 days", channel="email").text
    assert "in the draft" in page
    assert "within 30 days" in page


def test_a_new_article_gets_an_id_from_its_title(shop: Shop) -> None:
    page = shop.get("/knowledge/new?intent=invoice_request&language=pl")
    form = fields_of(page)
    assert form["intents"] == ["invoice_request"]
    assert form["language"] == "pl"
    answer = shop.post("/knowledge/new", **form | {"title": "Gift Wrap", "body": "Tekst."})
    assert answer.headers["location"].startswith("/knowledge/articles/gift-wrap-2?language=pl")
    assert shop.base.get("gift-wrap-2", "pl") is not None
    again = shop.post("/knowledge/new", **form | {"id": "gift-wrap", "language": "en", "title": "X", "body": "Y"})
    assert again.status_code == 422
    assert "There is an article with this id" in again.text
    assert shop.base.get("gift-wrap", "en") == WRAP


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(shop: Shop) -> None:
    form = shop.form("/knowledge/articles/delivery-late?language=en")
    wrong = {
        "title": "",
        "body": f"\n{HOSTILE}",
        "markets": "Germany",
        "valid_from": "2026-02-02",
        "valid_to": "2026-02-01",
    }
    answer = shop.post("/knowledge/articles/delivery-late", **form | wrong)
    assert answer.status_code == 422
    kept = fields_of(answer.text)
    assert kept["body"] == f"\n{HOSTILE}"
    assert HOSTILE not in answer.text
    assert kept["markets"] == "Germany"
    assert kept["stamp"] == form["stamp"]
    for words in ("An article needs a title.", "Two-letter country codes", "The last day is before the first."):
        assert words in answer.text
    assert shop.base.get("delivery-late", "en") == LATE


def test_what_others_changed_meanwhile_is_not_overwritten(shop: Shop) -> None:
    form = shop.form("/knowledge/articles/delivery-late?language=en")
    theirs = replace(LATE, body="Somebody else wrote this.", owner="Zoe")
    shop.base.put(theirs)
    answer = shop.post("/knowledge/articles/delivery-late", **form | {"body": "My own text."})
    assert answer.status_code == 409
    assert "Somebody else wrote this." in answer.text
    assert '<dt>Owner</dt><dd dir="auto">Zoe</dd>' in answer.text
    kept = fields_of(answer.text)
    assert kept["body"] == "My own text."
    assert shop.base.get("delivery-late", "en") == theirs
    assert shop.post("/knowledge/articles/delivery-late", **kept).status_code == 303  # now that both were seen
    assert shop.base.get("delivery-late", "en") == replace(LATE, body="My own text.")


def test_an_article_that_was_deleted_meanwhile_can_be_saved_anew(shop: Shop) -> None:
    form = shop.form("/knowledge/articles/gift-wrap?language=en")
    shop.base.delete("gift-wrap")
    answer = shop.post("/knowledge/articles/gift-wrap", **form)
    assert answer.status_code == 409
    assert shop.base.get("gift-wrap", "en") is None
    assert shop.post("/knowledge/articles/gift-wrap", **fields_of(answer.text)).status_code == 303
    assert shop.base.get("gift-wrap", "en") is not None


def test_the_text_stays_where_the_knowledge_base_cannot_be_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    form = shop.form("/knowledge/articles/gift-wrap?language=en")

    def full(*args: object, **values: object) -> None:
        raise IndexUnavailable("disk full")

    monkeypatch.setattr(KnowledgeBase, "change", full)
    answer = shop.post("/knowledge/articles/gift-wrap", **form | {"body": "My own text."})
    assert answer.status_code == 503
    assert fields_of(answer.text)["body"] == "My own text."


def test_a_language_variant_begins_with_the_text_of_another(shop: Shop) -> None:
    page = shop.get("/knowledge/articles/gift-wrap?language=pl&source=en")
    assert "copied from English. Translate it to Polish" in page
    form = fields_of(page)
    assert form["body"] == WRAP.body
    assert shop.base.get("gift-wrap", "pl") is None
    shop.post("/knowledge/articles/gift-wrap", **form | {"title": "Pakowanie", "body": "Pakujemy prezenty."})
    saved = shop.base.get("gift-wrap", "pl")
    assert saved is not None
    assert (saved.title, saved.kind, saved.markets) == ("Pakowanie", "macro", ("DE",))
    both = shop.get("/knowledge/articles/gift-wrap?language=pl&beside=en")
    assert "We wrap gifts for 3 EUR." in both


def test_the_preview_shows_passages_and_a_reply_without_saving(shop: Shop) -> None:
    form = shop.form("/knowledge/articles/delivery-late?language=en")
    changed = {"body": "The very answer.\n\n## Later\n\nMore of it.", "do": "preview"}
    page = shop.post("/knowledge/articles/delivery-late", **form | changed).text
    assert re.findall(r"<li>(?:<strong[^>]*>([^<]*)</strong>)?<div class=\"body\"[^>]*>([^<]*)</div>", page) == [
        ("", "The very answer."),
        ("Later", "More of it."),
    ]
    reply = page[page.index('class="body sent"') :]
    assert "The very answer." in reply[: reply.index("</div>")]
    assert "Tamaro" in reply[: reply.index("</div>")]
    assert shop.base.get("delivery-late", "en") == LATE


@pytest.mark.parametrize("version", ["hashing", "fixed"])
def test_what_an_article_would_answer_as_it_is_typed(open_shop: Callable[..., Shop], version: str) -> None:
    # The classifier's version is "fixed": with an encoder of that name, the stored vectors are used.
    made = open_shop(LATE, LATE_DE, WRAP, version=version)
    wrapped = made.received("Do you wrap presents in the red silk paper?")
    form = made.form("/knowledge/articles/gift-wrap?language=en") | {"do": "answers", "markets": ""}
    before = made.post("/knowledge/articles/gift-wrap", **form).text
    assert "My parcel is late" in before[before.index('id="answers"') :] or "for none of them" in before
    better = {
        "title": "Do you wrap presents?",
        "body": "We wrap presents in the red silk paper.",
        "intents": ["delivery_late"],
    }
    after = made.post("/knowledge/articles/gift-wrap", **form | better).text
    after = after[after.index('id="answers"') :]
    assert f"/conversations/{wrapped}" in after
    assert 'chip good">first' in after
    assert made.base.get("gift-wrap", "en") == WRAP


def test_a_question_that_nothing_answers_is_said_so(open_shop: Callable[..., Shop]) -> None:
    made = open_shop(WRAP, classifier=FixedClassifier("praise", confidence=0.4, abstained=True))
    page = made.post("/knowledge/try", question="zzz qqq xxx", channel="email").text
    assert "Nothing here answers this" in page
    assert "in the draft" not in page
    assert made.post("/knowledge/try", question="  ", channel="nowhere").status_code == 422


def test_reviewed_today(shop: Shop) -> None:
    page = shop.get("/knowledge/stale")
    assert "Gift wrapping" in page
    assert "My parcel is late" not in page
    stamp = re.search(r'name="stamp" value="(\w+)"', page)
    assert stamp
    address = "/knowledge/articles/gift-wrap/reviewed"
    assert shop.post(address, language="en", stamp="0" * 32, back="stale").status_code == 409
    answer = shop.post(address, language="en", stamp=stamp[1], back="stale")
    assert answer.headers["location"] == "/knowledge/stale?done=reviewed"
    assert shop.base.get("gift-wrap", "en") == replace(WRAP, last_reviewed=TODAY.isoformat())
    assert "Nothing to review" in shop.get("/knowledge/stale")
    shop.base.put(WRAP)
    form = shop.form("/knowledge/articles/gift-wrap?language=en") | {"do": "reviewed"}
    shop.post("/knowledge/articles/gift-wrap", **form)
    assert shop.base.get("gift-wrap", "en") == replace(WRAP, last_reviewed=TODAY.isoformat())


def test_the_workspace_says_how_long_a_review_holds(shop: Shop) -> None:
    old = replace(LATE, last_reviewed=(TODAY - timedelta(days=40)).isoformat())
    shop.base.put(old)
    assert "My parcel is late" not in shop.get("/knowledge/stale")
    assert shop.post("/knowledge/stale", days="30").status_code == 303
    page = shop.get("/knowledge/stale?reason=late")
    assert "last reviewed 40 days ago" in page
    shop.post("/knowledge/stale", days="no number")
    assert "after 30 days" in shop.get("/knowledge/stale")


def test_articles_whose_drafts_went_wrong_come_first(shop: Shop) -> None:
    now = datetime.now(UTC)
    for n in range(3):
        shop.received(f"My parcel is late, number {n}")
    for row in shop.work(lambda w: w.rows(w.select(schema.drafts))):
        shop.work(
            lambda w, row=row: drafts.reject(
                w, row["id"], reason="wrong_answer", comment=None, actor="agent:x", now=now
            )
        )  # fmt: skip
    page = shop.get("/knowledge/stale?reason=trouble")
    assert "cited in 3 decided drafts: 3 rejected, 0 mostly rewritten" in page
    assert "My parcel is late" in page


def test_which_decisions_speak_against_an_article() -> None:
    def verdict(sent: str | None, reason: str | None) -> Verdict:
        return Verdict(
            conversation_id="c", language="en", cited=frozenset({"a"}), written="one two three four five six", sent=sent,
            reason=reason
        )  # fmt: skip

    found = track_records(
        [verdict("one two three four five seven", None), verdict("something else", None), verdict(None, "wrong_answer"),
         verdict(None, "no_reply_needed"), verdict(None, "wrong_tone")]
    )  # fmt: skip
    assert found["a", "en"] == Record(decided=5, rejected=1, rewritten=1, conversations=("c",))
    assert kept_share("", "x") == 1.0


def test_reasons_to_look_at_an_article() -> None:
    over = replace(LATE, id="over", valid_to=date(2026, 1, 1), last_reviewed="2026-05-01")
    old = replace(LATE, id="old", last_reviewed="2025-06-01")
    unclear = replace(LATE, id="unclear", last_reviewed="last spring")
    fine = replace(LATE, id="fine", last_reviewed="2026-05-01")
    records = {("fine", "en"): Record(decided=10, rejected=2, rewritten=0)}
    found = stale_articles(
        shelf_of([fine, old, over, unclear]), records, today=date(2026, 6, 1), review_days=180
    )  # fmt: skip
    assert [(item.article.id, item.reasons) for item in found] == [
        ("over", ("over",)),
        ("old", ("late",)),
        ("unclear", ("never",)),
    ]


def test_gaps_name_what_nobody_answers(open_shop: Callable[..., Shop]) -> None:
    made = open_shop(LATE, classifier=FixedClassifier("invoice_request", confidence=0.9))
    conversation = made.received("qqq zzz www")
    page = made.get("/knowledge/coverage")
    assert "invoice request · English" in page
    assert f"/conversations/{conversation}" in page
    assert "/knowledge/new?intent=invoice_request&amp;language=en" in page
    assert "1 of 1 unanswered" in page
    chosen = made.get("/knowledge/coverage?intent=invoice_request&language=en")
    assert "One message found nothing." in chosen
    assert "qqq zzz www" in chosen


def test_deleting_asks_once_more_and_takes_only_what_was_shown(shop: Shop) -> None:
    page = shop.get("/knowledge/articles/delivery-late?language=de")
    assert "Delete in German" in page
    assert "Delete in all 2 languages" in page
    stamps = re.search(r'name="stamps" value="([^"]*)"', page)
    assert stamps
    address = "/knowledge/articles/delivery-late/delete"
    shop.base.put(replace(LATE, language="pl", title="Paczka"))
    assert shop.post(address, stamps=stamps[1], only="").status_code == 409  # Polish was not shown
    assert shop.post(address, stamps=stamps[1], only="de").status_code == 303
    assert shop.base.get("delivery-late", "de") is None
    assert shop.base.get("delivery-late", "en") == LATE
    page = shop.get("/knowledge/articles/delivery-late?language=en")
    stamps = re.search(r'name="stamps" value="([^"]*)"', page)
    assert stamps
    answer = shop.post(address, stamps=stamps[1], only="")
    assert answer.headers["location"] == "/knowledge?done=deleted"
    assert [article.id for article in shop.base.articles] == ["gift-wrap"]
    assert shop.get("/knowledge/articles/delivery-late", 404)


def _upload(shop: Shop, name: str, content: bytes, **form: str) -> Any:
    return shop.browser.post(
        "/knowledge/import", data={"token": shop.token(), "language": "en", "format": "", **form},
        files={"file": (name, content)}, follow_redirects=False,
    )  # fmt: skip


def test_a_file_is_looked_through_and_then_taken_in(shop: Shop) -> None:
    rows = [
        {"id": "care", "language": "en", "title": "Care", "body": "Wash."},
        {"id": "none", "title": "", "body": "x"},
    ]
    content = "\n".join(map(json.dumps, rows)).encode() + b"\n{broken\n"
    looked = _upload(shop, "C:\\exports\\help.ndjson", content, do="check").text
    assert "What <bdi>help.ndjson</bdi> holds" in looked
    assert "<strong>1</strong> new" in looked
    assert "<strong>2</strong> left out" in looked
    assert "help.ndjson:3" in looked
    assert shop.base.get("care", "en") is None
    taken = _upload(shop, "help.ndjson", content, do="import").text
    assert "Taken in from" in taken
    assert shop.base.get("care", "en") is not None
    assert "<strong>1</strong> as before" in _upload(shop, "help.ndjson", content, do="import").text


@pytest.mark.parametrize(
    ("name", "content", "id"),
    [
        ("care.md", b"---\nid: care\nlanguage: en\ntitle: Care\n---\nWash at 30 degrees.", "care"),
        ("care.csv", b'id,title,body\r\ncare,Care,"Wash, please."\r\n', "care"),
        ("care.html", b"<html lang='en'><title>Care</title><body><h1>Care</h1><p>Wash.</p></body></html>", None),
    ],
)
def test_formats_are_told_by_the_content(shop: Shop, name: str, content: bytes, id: str | None) -> None:
    before = len(shop.base.articles)
    assert "<strong>1</strong> new" in _upload(shop, name, content, do="import").text
    assert len(shop.base.articles) == before + 1
    assert id is None or shop.base.get(id, "en") is not None


def test_what_cannot_be_imported_is_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _upload(shop, "picture.png", b"\x89PNG\0\0").status_code == 422
    assert _upload(shop, "", b"").status_code == 422
    monkeypatch.setattr(bringing, "MAX_IMPORT", 10)
    assert _upload(shop, "care.md", b"more than ten bytes").status_code == 413
    forged = shop.browser.post("/knowledge/import", data={"token": "x"}, files={"file": ("a.md", b"x")})
    assert forged.status_code == 403
    assert shop.browser.post("/knowledge/import", data={"token": shop.token()}).status_code == 415


def test_an_upload_is_read_byte_by_byte() -> None:
    content = b"\r\n--other\r\nline\r\r\n\n"
    body = (
        b'--b7\r\nContent-Disposition: form-data; name="token"\r\n\r\nsecret\r\n'
        b'--b7\r\nContent-Disposition: form-data; name="file"; filename="a b.md"\r\nContent-Type: text/markdown\r\n\r\n'
        + content + b"\r\n--b7--\r\n"
    )  # fmt: skip
    found = read_upload('multipart/form-data; boundary="b7"', body)
    assert (found.name, found.content, found.fields) == ("a b.md", content, {"token": "secret"})


def test_agents_read_and_try_but_change_nothing(open_shop: Callable[..., Shop]) -> None:
    made = open_shop(LATE, LATE_DE, login="reader")
    page = made.get("/knowledge/articles/delivery-late?language=en")
    assert "we open an enquiry" in page
    assert 'value="save"' not in page
    answer = made.post("/knowledge/articles/delivery-late", language="en", do="answers")
    assert answer.status_code == 200
    assert "no messages of customers yet" in answer.text
    tried = made.post("/knowledge/articles/delivery-late", language="en", do="try", question="My parcel is late")
    assert "this article" in tried.text
    fields = {"title": "X", "body": "Y", "language": "en", "do": "save"}
    refused = [
        made.post("/knowledge/articles/delivery-late", **fields),
        made.post("/knowledge/new", **fields),
        made.post("/knowledge/articles/delivery-late/delete", stamps="en:x"),
        made.post("/knowledge/articles/delivery-late/reviewed", language="en"),
        made.post("/knowledge/stale", days="1"),
        _upload(made, "care.md", b"x"),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert made.base.articles == (LATE_DE, LATE)
    for path in ("/knowledge", "/knowledge/stale", "/knowledge/coverage", "/knowledge/try"):
        assert "/knowledge/new" not in made.get(path)


def test_forms_need_the_agents_token(shop: Shop) -> None:
    for path in ("/knowledge/articles/delivery-late", "/knowledge/new", "/knowledge/try", "/knowledge/stale"):
        assert shop.browser.post(path, data={"token": "x", "title": "X", "body": "Y"}).status_code == 403
    assert shop.base.get("delivery-late", "en") == LATE


def test_the_short_address_leads_to_the_article(shop: Shop) -> None:
    answer = shop.browser.get("/knowledge/delivery-late?language=de", follow_redirects=False)
    assert answer.headers["location"] == "/knowledge/articles/delivery-late?language=de"
    shop.base.put(replace(WRAP, id="stale"))
    assert "Gift wrapping" in shop.get("/knowledge/articles/stale?language=en")


def test_hostile_articles_show_as_text(shop: Shop) -> None:
    shop.base.put(replace(WRAP, title=HOSTILE, body=HOSTILE, owner=HOSTILE, tags=(HOSTILE,), products=(HOSTILE,)))
    for path in (
        "/knowledge", "/knowledge?q=alert", "/knowledge/articles/gift-wrap?language=en", "/knowledge/stale",
        "/knowledge/coverage",
    ):  # fmt: skip
        page = shop.get(path)
        assert "<script>alert" not in page
        assert "<img" not in page


def test_what_is_typed_becomes_an_article() -> None:
    article, wrong = checked(Written.of(LATE))
    assert (article, wrong) == (LATE, {})
    article, wrong = checked(
        Written(id="Not An Id", language="english", title="x" * 301, body=" ", last_reviewed="soon")
    )
    assert article is None
    assert set(wrong) == {"id", "language", "title", "body", "last_reviewed"}
    article, wrong = checked(replace(Written.of(LATE), intents=("nonsense",)))
    assert set(wrong) == {"intents"}


def test_a_change_of_an_article_stands_in_the_audit_trail(shop: Shop) -> None:
    form = shop.form("/knowledge/articles/gift-wrap?language=en")
    shop.post("/knowledge/articles/gift-wrap", **form | {"body": "Secret words."})
    rows = [row for row in shop.work(lambda w: w.rows(w.select(schema.audit))) if row["action"] == "article.saved"]
    assert [(row["subject"], row["actor"]) for row in rows] == [("gift-wrap", "agent:agent")]
    assert "Secret" not in json.dumps([dict(row["details"]) for row in rows])
