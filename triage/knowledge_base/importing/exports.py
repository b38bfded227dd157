"""The articles of help centres, in the JSON that their public APIs document.

Zendesk: Help Center API, Articles and Translations. Freshdesk: API v2, Solution articles. Chatwoot: Application API,
Articles. Intercom: REST API 2.x, Articles. Ids stay those of the source, so that the translations of an article share
its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from triage.errors import ArticleError
from triage.knowledge_base.importing.columns import canonical, has_body, record_of
from triage.knowledge_base.importing.records import Record, language_tag, tags_of

Members = Mapping[str, object]
Reader = Callable[[str | None, Members, str], Iterator[Record]]
"""Takes the name of the list, one object of it and what to call the place."""

REPLY_LISTS = frozenset(
    ("saved_replies", "savedReplies", "replies", "macros", "macro", "canned_responses", "templates", "snippets")
)
LISTS = REPLY_LISTS | frozenset(("articles", "article", "translations", "translation", "payload", "data"))
"""Members of a document that hold records."""

WRAPPERS = frozenset(("data", "payload"))
"""Those that may hold such a list one level down."""

_ZENDESK = frozenset(("section_id", "label_names", "source_locale", "source_id", "user_segment_id", "outdated"))
_FRESHDESK = frozenset(("folder_id", "seo_data", "description_text", "hierarchy", "thumbs_up"))
_INTERCOM = frozenset(("translated_content", "default_locale", "workspace_id", "parent_ids", "state"))
_CHATWOOT = frozenset(("slug", "status", "portal", "category", "category_id", "associated_articles", "account_id"))


def format_of(container: str | None, record: Members) -> str | None:
    """The format that a document's record is of, by the members that only it has; None for an unknown one."""
    names = record.keys()
    if record.get("type") in ("article", "internal_article") and not _INTERCOM.isdisjoint(names):
        return "intercom"
    if "description" in names and "title" in names and not _FRESHDESK.isdisjoint(names):
        return "freshdesk"
    if container == "payload" and "content" in names and not _CHATWOOT.isdisjoint(names):
        return "chatwoot"
    if "body" in names and ("locale" in names or container not in REPLY_LISTS) and not _ZENDESK.isdisjoint(names):
        return "zendesk"
    if has_body(map(canonical, names)) or (container in REPLY_LISTS and "actions" in names):
        return "json"
    return None


def zendesk(container: str | None, article: Members, where: str) -> Iterator[Record]:
    """An article with the translations that were asked for with it, or one translation."""
    if "source_id" in article and "section_id" not in article:
        if str(article.get("source_type", "Article")).lower() == "article":
            yield _zendesk_text(article, article["source_id"], (), where)
        return
    tags = tags_of(article.get("label_names"))
    yield _zendesk_text(article, article.get("id"), tags, where)
    for translation in _list(article.get("translations"), "translations"):
        # The article's own text comes among its translations again.
        if translation.get("locale") != article.get("locale"):
            place = f"{where}, {_shown(translation.get('locale'))}"
            yield _zendesk_text(translation, article.get("id"), tags, place)


def _zendesk_text(text: Members, id_: object, tags: tuple[str, ...], where: str) -> Record:
    return Record(
        where=where,
        id=id_,
        title=text.get("title"),
        body=text.get("body"),
        language=text.get("locale"),
        tags=tags,
        markup="html",
        held_back="a draft" if text.get("draft") is True else "",
    )


def freshdesk(container: str | None, article: Members, where: str) -> Iterator[Record]:
    """A solution article. Its language is that of its folder, which Freshdesk gives in ``hierarchy``."""
    language = article.get("language") or article.get("language_code")
    for level in _list(article.get("hierarchy"), "hierarchy"):
        data = level.get("data")
        language = language or (data.get("language") if isinstance(data, dict) else None)
    seo = article.get("seo_data")
    keywords = seo.get("meta_keywords") if isinstance(seo, dict) else None
    yield Record(
        where=where,
        id=article.get("id"),
        title=article.get("title"),
        body=article.get("description"),
        language=language,
        tags=tuple(dict.fromkeys((*tags_of(article.get("tags")), *tags_of(keywords)))),
        markup="html",
        held_back="" if str(article.get("status", 2)) == "2" else "a draft",
    )


def chatwoot(container: str | None, article: Members, where: str) -> Iterator[Record]:
    """A portal's article; its body is Markdown."""
    category = article.get("category")
    category = category if isinstance(category, dict) else {}
    meta = article.get("meta")
    tags = (*tags_of(category.get("name")), *tags_of(meta.get("tags") if isinstance(meta, dict) else None))
    status = {"0": "draft", "1": "published", "2": "archived"}.get(
        str(article.get("status")), str(article.get("status") or "published")
    )
    yield Record(
        where=where,
        id=article.get("id") or article.get("slug"),
        title=article.get("title"),
        body=article.get("content"),
        language=article.get("locale") or category.get("locale"),
        tags=tuple(dict.fromkeys(tags)),
        markup="markdown",
        held_back="" if status == "published" else {"draft": "a draft"}.get(status, status[:40]),
    )


def intercom(container: str | None, article: Members, where: str) -> Iterator[Record]:
    """An article and its translations; where there are none the workspace has one language."""
    if article.get("type") == "internal_article":
        yield Record(where=where, id=None, title=None, body=None, held_back="internal")
        return
    default = article.get("default_locale")
    yield _intercom_text(article, article.get("id"), default, where)
    translated = article.get("translated_content")
    if translated is not None and not isinstance(translated, dict):
        raise ArticleError("field translated_content: expected an object")
    for locale, text in (translated or {}).items():
        if isinstance(text, dict) and not _same_language(locale, default):
            yield _intercom_text(text, article.get("id"), locale, f"{where}, {_shown(locale)}")


def _intercom_text(text: Members, id_: object, language: object, where: str) -> Record:
    return Record(
        where=where,
        id=id_,
        title=text.get("title"),
        body=text.get("body"),
        language=language,
        markup="html",
        held_back="" if text.get("state", "published") == "published" else "a draft",
    )


def replies(container: str | None, reply: Members, where: str) -> Iterator[Record]:
    """A saved reply; in a list of articles, an article."""
    members = {canonical(name): value for name, value in reply.items()}
    yield record_of(members, where=where, kind="article" if container in ("articles", "article") else "macro")


READERS: Mapping[str, Reader] = {
    "json": replies,
    "zendesk": zendesk,
    "freshdesk": freshdesk,
    "chatwoot": chatwoot,
    "intercom": intercom,
}


def _same_language(one: object, other: object) -> bool:
    try:
        return language_tag(one) == language_tag(other)
    except ArticleError:
        return one == other


def _list(value: object, name: str) -> Iterator[Members]:
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise ArticleError(f"field {name}: expected a list of objects")
    yield from value


def _shown(value: object) -> str:
    return str(value)[:40]
