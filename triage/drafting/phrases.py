"""The fixed phrases of drafts, one YAML file a language; a user can add languages in a folder of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from triage.errors import ConfigurationError

FALLBACK = "en"

OPTIONAL = frozenset({"ask_privately", "earlier.answered", "earlier.waiting", "next.clarify", "next.offer"})
"""Phrases that a user's file may lack, because files were written before there was such a phrase."""


class Phrases(BaseModel):
    """One language's phrases. Every file has the same keys; braces name the placeholders that a phrase must keep.

    ``ask`` is for replies that the customer alone reads, ``ask_privately`` for replies that everybody reads. The latter
    is None only for a user's own language whose file lacks it; a public reply then asks for nothing. ``next`` may lack
    ``clarify``, which asks what is wanted, and ``offer``, which leads in an article that may not be what was asked for.
    ``earlier`` is for customers who asked before; without it nothing is said of that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    greeting: Mapping[str, str]
    acknowledge: Mapping[str, str]
    earlier: Mapping[str, str] = Field(default_factory=dict)
    status: Mapping[str, str]
    facts: Mapping[str, str]
    ask: str
    ask_privately: str | None = None
    items: Mapping[str, str]
    next: Mapping[str, str]
    other_language: str
    also: str
    signoff: str

    @model_validator(mode="after")
    def _no_phrase_is_empty(self) -> Phrases:
        for key, phrase in self.flat().items():
            if not phrase.strip():
                raise ValueError(f"{key} is empty")
        return self

    def flat(self) -> dict[str, str]:
        """Every phrase by its dotted key."""
        found: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Mapping):
                found |= {f"{name}.{key}": text for key, text in value.items()}
            elif value is not None:
                found[name] = value
        return found


def placeholders(phrase: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


def load_phrases(language: str, folder: Path | None = None, informal: bool = False) -> Phrases | None:
    """The phrases of ``language``, from ``folder`` first and then from the package; None where there are none.

    Where customers are addressed informally, what ``informal/<language>.yaml`` words otherwise replaces the formal phrase;
    a language without such a file makes no difference.

    Raises:
        ConfigurationError: a file that is malformed, lacks a key or loses a placeholder.
    """
    if folder is not None and (folder / f"{language}.yaml").is_file():
        own = _parse((folder / f"{language}.yaml").read_text(encoding="utf-8"), str(folder / f"{language}.yaml"))
        if informal and (folder / "informal" / f"{language}.yaml").is_file():
            path = folder / "informal" / f"{language}.yaml"
            own = _reworded(own, path.read_text(encoding="utf-8"), str(path))
        packaged = _packaged(language, informal)
        if packaged is None:
            return own
        later = {
            "ask_privately": own.ask_privately or packaged.ask_privately,
            "earlier": {**packaged.earlier, **own.earlier},
            "next": {**packaged.next, **own.next},
        }
        return own.model_copy(update=later)
    return _packaged(language, informal)


@cache
def _packaged(language: str, informal: bool = False) -> Phrases | None:
    folder = files("triage.drafting") / "phrases"
    resource, friendly = folder / f"{language}.yaml", folder / "informal" / f"{language}.yaml"
    if not resource.is_file():
        return None
    phrases = _parse(resource.read_text(encoding="utf-8"), resource.name)
    if informal and friendly.is_file():
        return _reworded(phrases, friendly.read_text(encoding="utf-8"), f"informal {friendly.name}")
    return phrases


def _reworded(phrases: Phrases, source: str, name: str) -> Phrases:
    """``phrases`` with those that ``source`` words otherwise.

    Raises:
        ConfigurationError: the source is malformed, names a phrase that there is not, or loses a placeholder.
    """
    try:
        changes = yaml.safe_load(source)
        merged = phrases.model_dump()
        for key, value in changes.items():
            unknown = key not in merged or (isinstance(value, dict) and not value.keys() <= merged[key].keys())
            if unknown:
                raise ConfigurationError(f"phrases {name}: {key} words what the formal phrases do not have")
            merged[key] = {**merged[key], **value} if isinstance(value, dict) else value
    except (yaml.YAMLError, AttributeError) as error:
        raise ConfigurationError(f"phrases {name}: {error}") from error
    return _parse(yaml.safe_dump(merged, allow_unicode=True), name)


def _parse(source: str, name: str) -> Phrases:
    try:
        phrases = Phrases.model_validate(yaml.safe_load(source))
    except (yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"phrases {name}: {error}") from error
    if phrases.language != FALLBACK:
        model = _packaged(FALLBACK)
        assert model is not None  # the package always ships the fallback
        expected, found = model.flat(), phrases.flat()
        for key, phrase in expected.items():
            if key not in found:
                if key in OPTIONAL:
                    continue
                raise ConfigurationError(f"phrases {name}: {key} is missing")
            if placeholders(found[key]) != placeholders(phrase):
                raise ConfigurationError(f"phrases {name}: {key} must hold exactly {sorted(placeholders(phrase))}")
    return phrases
