"""What the knowledge base needs next: articles that should be looked at again, and questions that none answers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response

from api.inbox.knowledge.library import REVIEW_DAYS, AtLibrary, Library
from api.inbox.knowledge.listing import DONE
from api.inbox.knowledge.shelf import Shelf, reviewed_on
from api.inbox.seat import LeadSignedIn, Posted
from triage.drafting.approach import FIRST, plan
from triage.knowledge_base.lexical import words
from triage.knowledge_base.scope import subtags
from triage.knowledge_base.serialisation import stamp
from triage.models.taxonomy import INTENTS
from triage.storage import questions
from triage.storage.questions import Answered, Verdict
from triage.storage.workspaces import change_settings
from triage.types import OUT_OF_SCOPE, Article

router = APIRouter(include_in_schema=False)

DAYS = 90
"""How far back messages and decisions count."""
MOST = 2000
"""The newest messages or decisions that are looked at."""
ROWS = 50
EXAMPLES = 20
NEXT = 8
"""Gaps that are named first."""
KEPT = 0.5
"""A draft of whose words fewer than this share were sent was written anew."""
LEAST_TROUBLE, TROUBLE_SHARE = 2, 0.25
"""Drafts that went wrong, and their share, from which an article is suspected; one alone is chance."""
NOT_ITS_FAULT = frozenset({"no_reply_needed", "wrong_language", "wrong_tone"})
"""Reasons of a rejection that say nothing of what the article says."""
MOST_DAYS = 3650

Reason = Literal["over", "trouble", "late", "never"]
REASONS: tuple[Reason, ...] = ("over", "trouble", "late", "never")
Word = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What became of the drafts that cite an article in one language."""

    decided: int = 0
    rejected: int = 0
    rewritten: int = 0
    conversations: tuple[str, ...] = ()

    @property
    def trouble(self) -> int:
        return self.rejected + self.rewritten


@dataclass(frozen=True, kw_only=True)
class Stale:
    """An article to look at, and why; ``reasons`` in the order of ``REASONS``. ``days``: since its review."""

    article: Article
    reasons: tuple[Reason, ...]
    record: Record
    days: int | None

    @property
    def stamp(self) -> str:
        return stamp(self.article)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An intent in a language: the articles written for it, and the recent messages that no article answers."""

    intent: str
    language: str
    articles: int
    asked: int
    unanswered: tuple[Answered, ...] = field(default=())


@router.get("/knowledge/stale")
def stale(
    library: AtLibrary, reason: Word = "", page: Annotated[int, Query(ge=1, le=100_000)] = 1, done: Word = ""
) -> Response:  # fmt: skip
    """The articles that should be looked at again, the most pressing first."""
    since = library.seat.now - timedelta(days=DAYS)
    decided = library.seat.read(lambda w: questions.verdicts(w, since=since, limit=MOST))
    found = stale_articles(library.shelf, track_records(decided), today=library.today, review_days=library.review_days)
    counts = Counter(name for item in found for name in item.reasons)
    listed = [item for item in found if not reason or reason in item.reasons]
    pages = max(1, -(-len(listed) // ROWS))
    page = min(page, pages)
    return library.page(
        "stale.html", section="stale", rows=listed[(page - 1) * ROWS : page * ROWS], total=len(found), counts=counts,
        reason=reason, reasons=REASONS, page=page, pages=pages, days=DAYS, done=DONE.get(done), most_days=MOST_DAYS,
    )  # fmt: skip


@router.post("/knowledge/stale")
def set_days(library: AtLibrary, seat: LeadSignedIn, form: Posted) -> Response:
    """After how many days an article should be looked at again."""
    days = form.get("days", "").strip()
    if days.isascii() and days.isdigit() and len(days) < 6 and 0 < int(days) <= MOST_DAYS:
        kept = None if int(days) == REVIEW_DAYS else int(days)
        seat.write(lambda workspace: change_settings(workspace, brand=None, changes={"review_days": kept}))
        return RedirectResponse("/knowledge/stale?done=kept", 303)
    return RedirectResponse("/knowledge/stale", 303)


@router.get("/knowledge/coverage")
def coverage(library: AtLibrary, intent: Word = "", language: Word = "") -> Response:
    """Intents by languages, with the articles for each and the messages that found none."""
    since = library.seat.now - timedelta(days=DAYS)
    asked = library.seat.read(lambda workspace: questions.answers(workspace, since=since, limit=MOST))
    columns, grid = cells(library, asked)
    gaps = sorted((cell for row in grid.values() for cell in row if cell.unanswered), key=_pressing)
    chosen = next((cell for cell in gaps if cell.intent == intent and cell.language == language), None)
    return library.page(
        "coverage.html", section="coverage", columns=columns, grid=grid, gaps=gaps[:NEXT], chosen=chosen, days=DAYS,
        asked=len(asked), unanswered=sum(len(cell.unanswered) for cell in gaps), examples=EXAMPLES,
        capped=len(asked) >= MOST,
    )  # fmt: skip


def track_records(decided: Iterable[Verdict]) -> dict[tuple[str, str], Record]:
    """What agents made of the drafts that cite each article, by its id and the draft's language."""
    found: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for verdict in decided:
        if verdict.sent is None:
            how = "well" if verdict.reason in NOT_ITS_FAULT else "rejected"
        else:
            how = "rewritten" if kept_share(verdict.written, verdict.sent) < KEPT else "well"
        for article_id in verdict.cited:
            found[article_id, verdict.language].append((how, verdict.conversation_id))
    return {
        key: Record(
            decided=len(drafts),
            rejected=sum(how == "rejected" for how, _ in drafts),
            rewritten=sum(how == "rewritten" for how, _ in drafts),
            conversations=tuple(dict.fromkeys(conversation for how, conversation in drafts if how != "well"))[:3],
        )
        for key, drafts in found.items()
    }


def kept_share(written: str, sent: str) -> float:
    """The share of a draft's words that what was sent still holds, in whatever order; 1 for a draft without words."""
    drafted = Counter(words(written))
    return (drafted & Counter(words(sent))).total() / drafted.total() if drafted else 1.0


def stale_articles(
    shelf: Shelf, records: Mapping[tuple[str, str], Record], *, today: date, review_days: int
) -> list[Stale]:  # fmt: skip
    """Every variant with a reason to look at it: past its last day, then by drafts that went wrong, then by its age."""
    found: list[Stale] = []
    for entry in shelf.entries:
        for article in entry.variants:
            record = records.get((article.id, subtags(article.language)[0]), Record())
            reviewed = reviewed_on(article)
            days = (today - reviewed).days if reviewed else None
            holds: dict[Reason, bool] = {
                "over": article.valid_to is not None and article.valid_to < today,
                "trouble": record.trouble >= LEAST_TROUBLE and record.trouble >= TROUBLE_SHARE * record.decided,
                "late": days is not None and days > review_days,
                "never": days is None,
            }
            reasons = tuple(reason for reason in REASONS if holds[reason])
            if reasons:
                found.append(Stale(article=article, reasons=reasons, record=record, days=days))
    found.sort(key=lambda item: (REASONS.index(item.reasons[0]), -item.record.trouble, -(item.days or 0)))
    return found


def cells(library: Library, asked: Sequence[Answered]) -> tuple[tuple[str, ...], dict[str, list[Cell]]]:
    """The languages of the columns, and the rows by intent."""
    unanswered: defaultdict[tuple[str, str], list[Answered]] = defaultdict(list)
    for message in asked:
        if not answered(message):
            unanswered[message.intent, message.language].append(message)
    counts = Counter((message.intent, message.language) for message in asked)
    written = Counter(
        (intent, language)
        for entry in library.shelf.entries
        for language in {subtags(article.language)[0] for article in entry.variants}
        for intent in {i for a in entry.variants if subtags(a.language)[0] == language for i in a.intents}
    )
    # A language in which people write and nobody finds an answer is a gap, whoever planned for it.
    columns = tuple(
        dict.fromkeys((*(subtags(tag)[0] for tag in library.languages), *sorted({k for _, k in unanswered})))
    )
    intents = dict.fromkeys((*(i for i in INTENTS if i != OUT_OF_SCOPE), *sorted({i for i, _ in unanswered})))
    return columns, {
        intent: [
            Cell(
                intent=intent, language=language, articles=written[intent, language], asked=counts[intent, language],
                unanswered=tuple(unanswered[intent, language]),
            )
            for language in columns
        ]
        for intent in intents
    }  # fmt: skip


def answered(message: Answered) -> bool:
    """Whether its draft cites an article, or facts of an order where these are the answer."""
    return bool(message.cited) or (message.facts and plan(message.intent).get("order_facts") == FIRST)


def _pressing(cell: Cell) -> tuple[bool, int, int, str]:
    """Most messages first; what is out of scope last, for no article can be written for it."""
    return cell.intent == OUT_OF_SCOPE, -len(cell.unanswered), cell.articles, f"{cell.intent} {cell.language}"
