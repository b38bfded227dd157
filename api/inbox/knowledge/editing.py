"""An article's page: written, tried out before it is saved, saved unless somebody else changed it meanwhile, deleted.

One form serves all: the button that sends it says what is to be done with what stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.inbox.i18n import N_
from api.inbox.knowledge import trial
from api.inbox.knowledge.forms import Fields, PostedArticle, Written, checked
from api.inbox.knowledge.library import AtLibrary, Library, address
from api.inbox.knowledge.listing import DONE
from api.inbox.knowledge.shelf import Entry
from api.inbox.rendering import missing
from api.inbox.seat import Forbidden, LeadSignedIn, Posted, Seat
from triage.errors import Conflict, IndexUnavailable
from triage.knowledge_base.importing.records import article_id as readable_id
from triage.knowledge_base.serialisation import stamp
from triage.models.taxonomy import INTENTS
from triage.settings import LANGUAGES
from triage.storage.events import record
from triage.types import Article

router = APIRouter(include_in_schema=False)

Tag = Annotated[str, Query(max_length=10)]
Id = Annotated[str, Query(max_length=100)]

CHANGED = N_(
    "Somebody else changed this article while you worked on it. Nothing was saved: their text stands beside yours. "
    "Saving again replaces theirs."
)
GONE = N_("Somebody else deleted this article while you worked on it. Saving again makes it anew.")
TAKEN = N_("There is an article with this id in this language already.")
FACTS = {
    "kind": N_("Kind"),
    "owner": N_("Owner"),
    "last_reviewed": N_("Last reviewed"),
    "intents": N_("Intents that it answers"),
    "valid_from": N_("Valid from"),
    "valid_to": N_("Last day"),
    "markets": N_("Markets (country codes)"),
    "products": N_("Products, one a line"),
    "tags": N_("Tags, one a line"),
    "channels": N_("Channel"),
}
"""What an article holds beside its title and text, as the form calls it."""
UNKEPT = N_("The knowledge base cannot be written at the moment. Nothing was saved; your text is below.")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What an article's page shows.

    Attributes:
        entry: the saved article in all its languages, None for a new one; ``saved``: in the language of the form.
        stamp: what ``saved`` looked like when the form was made.
        beside: the language that stands beside the form; ``channel``: the one of the sample reply.
        new: the id can still be chosen. ``copied``: the language that the text was copied from.
    """

    written: Written
    entry: Entry | None
    saved: Article | None
    stamp: str
    beside: str = ""
    channel: str = "email"
    new: bool = False
    copied: str = ""
    wrong: Mapping[str, str] | None = None
    trouble: str | None = None
    done: str | None = None
    answers: trial.Answers | None = None
    tried: trial.Tried | None = None
    article: Article | None = None


@router.get("/knowledge/new")
def begin(library: AtLibrary, seat: LeadSignedIn, intent: Id = "", language: Tag = "en") -> Response:
    """An empty form, or one for the intent and language that a gap names."""
    intents = (intent,) if intent in INTENTS else ()
    written = Written(language=language, intents=intents, last_reviewed=library.today.isoformat())
    return _page(library, Sheet(written=written, entry=None, saved=None, stamp="", new=True))


@router.get("/knowledge/articles/{article_id}")
def show(
    article_id: str, library: AtLibrary, language: Tag = "", beside: Tag = "", source: Tag = "", done: str = ""
) -> Response:  # fmt: skip
    """The article in ``language``; where it does not exist in it, the text of ``source`` to be translated."""
    entry = library.shelf.by_id.get(article_id)
    if entry is None:
        return missing(library.seat, "article")
    language = language or entry.shown(library.seat.ui_language).language
    saved = library.base.get(article_id, language)
    if saved is not None:
        sheet = Sheet(written=Written.of(saved), entry=entry, saved=saved, stamp=stamp(saved), beside=beside)
        return _page(library, replace(sheet, done=DONE.get(done)))
    copied = next((variant for variant in entry.variants if variant.language == source), None)
    copied = copied or entry.shown(library.seat.ui_language)
    written = replace(Written.of(copied), language=language, last_reviewed="")
    return _page(
        library,
        Sheet(
            written=written, entry=entry, saved=None, stamp="", beside=beside or copied.language, copied=copied.language
        ),
    )  # fmt: skip


@router.post("/knowledge/new")
async def create(library: AtLibrary, seat: LeadSignedIn, fields: PostedArticle) -> Response:
    return await run_in_threadpool(_work, library, None, fields)


@router.post("/knowledge/articles/{article_id}")
async def work_on(article_id: str, library: AtLibrary, fields: PostedArticle) -> Response:
    """Saves, or tries out what stands in the form; whoever may not edit tries the saved article out."""
    return await run_in_threadpool(_work, library, article_id, fields)


@router.post("/knowledge/articles/{article_id}/reviewed")
def reviewed(article_id: str, library: AtLibrary, seat: LeadSignedIn, form: Posted) -> Response:
    """Notes that the article, as it was shown, still holds."""
    language = form.get("language", "")
    article = library.base.get(article_id, language)
    if article is None:
        return missing(seat, "article")
    today = library.today.isoformat()
    try:
        library.base.change(
            {(article_id, language): replace(article, last_reviewed=today)},
            expected={(article_id, language): form.get("stamp", "")},
        )
    except Conflict:
        return _refused(library, article_id, language, CHANGED)
    except IndexUnavailable:
        return _refused(library, article_id, language, UNKEPT, 503)
    _record(seat, "article.reviewed", article_id, language)
    back = "/knowledge/stale?done=reviewed" if form.get("back") == "stale" else None
    return RedirectResponse(back or address(article_id, language, done="reviewed"), 303)


@router.post("/knowledge/articles/{article_id}/delete")
def delete(article_id: str, library: AtLibrary, seat: LeadSignedIn, form: Posted) -> Response:
    """Removes the article in one language, or in every language where none is named, as it was shown."""
    shown = dict(part.split(":", 1) for part in form.get("stamps", "").split() if ":" in part)
    language = form.get("only", "")
    expected = {(article_id, tag): seen for tag, seen in shown.items() if not language or tag == language}
    if not expected:
        return missing(seat, "article")
    current = library.shelf.by_id.get(article_id)
    if current is None:
        return missing(seat, "article")
    if not language:  # a language that was added meanwhile was not shown to whoever deletes all
        expected |= {(article_id, tag): "" for tag in current.languages if tag not in shown}
    try:
        library.base.change(dict.fromkeys(expected), expected=expected)
    except Conflict:
        return _refused(library, article_id, language, CHANGED)
    except IndexUnavailable:
        return _refused(library, article_id, language, UNKEPT, 503)
    _record(seat, "article.deleted", article_id, language or None)
    left = language and len(current.languages) > 1
    return RedirectResponse(address(article_id) + "?done=deleted" if left else "/knowledge?done=deleted", 303)


def _work(library: Library, article_id: str | None, fields: Fields) -> Response:
    do = fields.get("do", ["save"])[-1]
    entry = library.shelf.by_id.get(article_id) if article_id else None
    written = Written.read(fields)
    if not library.may_edit:
        if do not in ("answers", "try", "preview"):
            raise Forbidden(library.seat, "lead")
        shown = library.base.get(article_id or "", written.language)
        if shown is None:
            return missing(library.seat, "article")
        written = Written.of(shown)
    if article_id:
        written = replace(written, id=article_id)
    elif not written.id and written.title:
        written = replace(written, id=_free_id(library, written))
    saved = library.base.get(written.id, written.language)
    sheet = Sheet(
        written=written, entry=entry, saved=saved, stamp=fields.get("stamp", [""])[-1], new=article_id is None,
        beside=fields.get("beside", [""])[-1], channel=fields.get("channel", ["email"])[-1],
        copied=fields.get("copied", [""])[-1],
    )  # fmt: skip
    if do == "reviewed":
        sheet = replace(sheet, written=written.reviewed(library.today))
    article, wrong = checked(sheet.written)
    if article is None:
        return _page(library, replace(sheet, wrong=wrong), 422)
    sheet = replace(sheet, article=article)
    if do in ("save", "reviewed"):
        return _save(library, sheet, article)
    if do == "answers":
        return _page(library, replace(sheet, answers=trial.answers(library, article)))
    if do == "try":
        question = fields.get("question", [""])[-1]
        return _page(library, replace(sheet, tried=trial.tried(library, question, sheet.channel, article)))
    return _page(library, sheet)


def _save(library: Library, sheet: Sheet, article: Article) -> Response:
    key = (article.id, article.language)
    try:
        library.base.change({key: article}, expected={key: sheet.stamp})
    except Conflict:
        current = library.base.get(*key)
        if sheet.new:
            return _page(library, replace(sheet, wrong={"id": TAKEN}), 422)
        words = CHANGED if current else GONE
        sheet = replace(sheet, saved=current, stamp=stamp(current), beside=article.language, trouble=words)
        return _page(library, sheet, 409)
    except IndexUnavailable:
        return _page(library, replace(sheet, trouble=UNKEPT), 503)
    _record(library.seat, "article.saved", article.id, article.language)
    return RedirectResponse(address(article.id, article.language, done="saved"), 303)


def _refused(library: Library, article_id: str, language: str, words: str, status: int = 409) -> Response:
    """The article as it stands now, with the reason why nothing was done to it."""
    entry = Entry(variants=tuple(a for a in library.base.articles if a.id == article_id))
    if not entry.variants:
        return missing(library.seat, "article")
    saved = library.base.get(article_id, language) or entry.shown(library.seat.ui_language)
    sheet = Sheet(written=Written.of(saved), entry=entry, saved=saved, stamp=stamp(saved), trouble=words)
    return _page(library, sheet, status)


def _free_id(library: Library, written: Written) -> str:
    """An id out of the title, which no article has."""
    base = readable_id("-".join(written.title.casefold().split()))[:90]
    number, found = 1, base
    while found in library.shelf.by_id:
        number += 1
        found = f"{base}-{number}"
    return found


def _record(seat: Seat, action: str, article_id: str, language: str | None) -> None:
    """Into the audit trail: who changed which article, never its text."""
    details = {"article_id": article_id, "language": language}
    seat.write(lambda w: record(w, action, article_id[:80], actor=seat.actor, now=seat.now, details=details))


def _page(library: Library, sheet: Sheet, status: int = 200) -> Response:
    written, entry = sheet.written, sheet.entry
    article = sheet.article or (sheet.saved if not sheet.wrong else None)
    chunks, reply = trial.reply(library, article, sheet.channel) if article else ([], None)
    variants = entry.variants if entry else ()
    others = [variant for variant in variants if variant.language != written.language]
    beside = next((variant for variant in others if variant.language == sheet.beside), None)
    if sheet.trouble and sheet.saved and sheet.beside == written.language:
        beside = sheet.saved
    theirs = Written.of(sheet.saved) if sheet.saved and beside is sheet.saved else written
    facts = [(name, words, getattr(theirs, name)) for name, words in FACTS.items()]
    tags = dict.fromkeys((written.language, *library.languages, *library.shelf.choices.languages, *LANGUAGES))
    context: dict[str, Any] = {
        "sheet": sheet, "written": written, "entry": entry, "wrong": sheet.wrong or {}, "article": article,
        "chunks": chunks, "reply": reply, "others": others, "beside": beside or next(iter(others), None),
        "differing": [(name, words, value) for name, words, value in facts if value != getattr(written, name)],
        "in_conflict": beside is not None and beside is sheet.saved,
        "gaps": entry.gaps(library.languages) if entry else [], "all_languages": list(tags), "intents": INTENTS,
        "article_channels": list(dict.fromkeys((*library.channels, *written.channels))), "channels": library.channels,
        "article_intents": list(dict.fromkeys((*INTENTS, *written.intents))), "tried": sheet.tried,
        "stamps": " ".join(f"{a.language}:{stamp(a)}" for a in variants),
        "least": library.base.weights.offer,
    }  # fmt: skip
    return library.page("article.html" if library.may_edit else "read.html", status, section="articles", **context)
