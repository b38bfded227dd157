"""What the columns of a table, and the members of a saved reply, are called by the systems that export them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from triage.errors import ArticleError
from triage.knowledge_base.importing.records import Record, tags_of

_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "article_id", "macro_id", "template_id", "external_id", "key", "slug"),
    "shortcut": ("shortcut", "short_code", "shortcode", "abbreviation", "trigger"),
    "title": ("title", "name", "article_title", "macro_name", "template_name", "subject", "question", "heading"),
    "html": ("body_html", "content_html", "html_body", "html_content", "html"),
    "body": (
        *("body", "content", "reply", "saved_reply", "canned_response", "macro", "response", "answer", "text"),
        *("body_text", "content_text", "plain_text", "message", "comment", "description"),
    ),
    "language": ("language", "locale", "lang", "language_code"),
    "tags": ("tags", "labels", "label_names", "keywords"),
    "kind": ("kind", "type", "content_type"),
    "status": ("status", "state"),
    "draft": ("draft", "is_draft", "archived", "deleted", "disabled"),
    "published": ("published", "is_published", "active", "is_active", "enabled"),
}
_LISTS = ("intents", "products", "markets", "channels")
_TEXTS = ("owner", "last_reviewed", "valid_from", "valid_to")
_KINDS = {
    **dict.fromkeys(("article", "faq", "solution"), "article"),
    **dict.fromkeys(("macro", "saved_reply", "canned_response", "reply", "snippet", "template"), "macro"),
}
_HELD_BACK = frozenset(("draft", "unpublished", "archived", "inactive", "disabled", "deleted", "hidden", "internal"))
_REPLY_NAMES = frozenset(("reply", "saved_reply", "canned_response", "macro", "macro_name", *_NAMES["shortcut"]))
_FALSE = frozenset(("", "0", "false", "no", "n", "none"))


def canonical(name: str) -> str:
    """``Content HTML``, ``contentHtml`` and ``content-html`` as ``content_html``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"\W+|_+", "_", spaced.lower()).strip("_")


def holds_replies(names: Iterable[str]) -> bool:
    """Whether columns of these canonical names are those of saved replies rather than of articles."""
    return not _REPLY_NAMES.isdisjoint(names)


def has_body(names: Iterable[str]) -> bool:
    """Whether columns of these canonical names can make an article: a body, and something that names it."""
    present = frozenset(names)
    bodies = (*_NAMES["html"], *_NAMES["body"])
    labels = (*_NAMES["title"], *_NAMES["shortcut"], *_NAMES["id"])
    return not present.isdisjoint(bodies) and not present.isdisjoint(labels)


def record_of(members: Mapping[str, object], *, where: str, kind: str) -> Record:
    """The record of a table's row or of a saved reply.

    Args:
        members: values by canonical name.
        kind: what it is unless it says so itself.

    Raises:
        ArticleError: a list of scopes that is no list of texts.
    """
    stated = _KINDS.get(canonical(str(_first(members, "kind") or "")), kind)
    body, html = _action_text(members) or (_first(members, "html"), True)
    if body in (None, ""):
        body, html = _first(members, "body"), False
    title = _first(members, "title") or _first(members, "shortcut")
    fields: dict[str, object] = {name: members[name] for name in _TEXTS if members.get(name) not in (None, "")}
    fields |= {name: tags_of(members[name]) for name in _LISTS if members.get(name) is not None}
    return Record(
        where=where,
        id=next((members[name] for name in (*_NAMES["id"], *_NAMES["shortcut"]) if _given(members, name)), title),
        title=title,
        body=body,
        language=_first(members, "language"),
        tags=_first(members, "tags"),
        kind=stated,
        markup="html" if html else "any",
        held_back=_held_back(members),
        fields=fields,
    )


def _given(members: Mapping[str, object], name: str) -> bool:
    return members.get(name) not in (None, "")


def _first(members: Mapping[str, object], meaning: str) -> object:
    return next((members[name] for name in _NAMES[meaning] if _given(members, name)), None)


def _held_back(members: Mapping[str, object]) -> str:
    status = canonical(str(_first(members, "status") or ""))
    if status in _HELD_BACK:
        return "a draft" if status == "draft" else status
    for name in _NAMES["draft"]:
        if _given(members, name) and str(members[name]).strip().lower() not in _FALSE:
            return "a draft" if "draft" in name else name
    for name in _NAMES["published"]:
        if _given(members, name) and str(members[name]).strip().lower() in _FALSE:
            return f"not {name.removeprefix('is_')}"
    return ""


def _action_text(members: Mapping[str, object]) -> tuple[object, bool] | None:
    """The reply among a macro's actions, and whether it is HTML: Zendesk's ``comment_value``, Gorgias's ``body_html``.

    Raises:
        ArticleError: the actions change the ticket and say nothing to the customer.
    """
    actions = members.get("actions")
    if not isinstance(actions, list):
        return None
    found: dict[str, object] = {}
    for action in actions:
        if isinstance(action, dict) and isinstance(action.get("field"), str):
            value = action.get("value")
            found[action["field"]] = value[-1] if isinstance(value, list) and value else value
        elif isinstance(action, dict) and isinstance(action.get("arguments"), dict):
            found |= {key: value for key, value in action["arguments"].items() if key in ("body_html", "body_text")}
    for name in ("comment_value_html", "body_html", "comment_value", "body_text"):
        if isinstance(found.get(name), str) and found[name]:
            return found[name], "html" in name
    raise ArticleError("its actions hold no reply to the customer")
