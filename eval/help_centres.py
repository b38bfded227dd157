"""Help centres of invented shops: their articles, and messages with the ids of the articles that answer them.

A folder holds ``articles.jsonl`` (id, language, title, body, intents) and ``messages.jsonl`` (text, language, channel,
intents, articles: best first, empty where none answers). They train and measure retrieval.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.messages import LabelError
from triage.models.taxonomy import INTENTS
from triage.types import Article


@dataclass(frozen=True, kw_only=True)
class Question:
    """A customer's message and the ids of the articles that answer it."""

    text: str
    language: str
    channel: str
    intents: tuple[str, ...]
    articles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HelpCentre:
    """One shop's articles (language variants share an id) and its customers' questions."""

    name: str
    articles: tuple[Article, ...]
    questions: tuple[Question, ...]


def _rows(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise LabelError(f"{where}: {error}") from error
        if not isinstance(row, dict):
            raise LabelError(f"{where}: expected an object")
        yield where, row


def read_help_centre(folder: Path) -> HelpCentre:
    """Reads one folder.

    Raises:
        LabelError: a line is malformed, an intent is outside the taxonomy, or an article id is unknown; names the line.
    """
    articles, questions = [], []
    for where, row in _rows(folder / "articles.jsonl"):
        try:
            articles.append(
                Article(
                    id=str(row["id"]), language=str(row["language"]), title=str(row["title"]), body=str(row["body"]),
                    intents=_intents(row, where),
                )
            )  # fmt: skip
        except KeyError as error:
            raise LabelError(f"{where}: lacks {error}") from error
        except TypeError as error:
            raise LabelError(f"{where}: {error}") from error
    known = {article.id for article in articles}
    for where, row in _rows(folder / "messages.jsonl"):
        try:
            named = tuple(map(str, row["articles"]))  # type: ignore[call-overload]
            unknown = sorted(set(named) - known)
            if unknown:
                raise LabelError(f"{where}: no article {unknown[0]!r}")
            questions.append(
                Question(
                    text=str(row["text"]), language=str(row["language"]), channel=str(row["channel"]),
                    intents=_intents(row, where), articles=named,
                )
            )  # fmt: skip
        except KeyError as error:
            raise LabelError(f"{where}: lacks {error}") from error
        except TypeError as error:
            raise LabelError(f"{where}: {error}") from error
    return HelpCentre(name=folder.name, articles=tuple(articles), questions=tuple(questions))


def _intents(row: dict[str, object], where: str) -> tuple[str, ...]:
    names = tuple(map(str, row["intents"]))  # type: ignore[call-overload]
    unknown = sorted(set(names) - set(INTENTS))
    if unknown:
        raise LabelError(f"{where}: unknown intent {unknown[0]!r}")
    return names
