"""The fixed phrases of drafts, one YAML file a language; a user can add languages in a folder of their own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Formatter

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from triage.errors import ConfigurationError

FALLBACK = "en"


class Phrases(BaseModel):
    """One language's phrases. Every file has the same keys; braces name the placeholders that a phrase must keep."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str
    greeting: Mapping[str, str]
    acknowledge: Mapping[str, str]
    status: Mapping[str, str]
    facts: Mapping[str, str]
    ask: str
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
            found |= (
                {f"{name}.{key}": text for key, text in value.items()} if isinstance(value, Mapping) else {name: value}
            )
        return found


def placeholders(phrase: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


def load_phrases(language: str, folder: Path | None = None) -> Phrases | None:
    """The phrases of ``language``, from ``folder`` first and then from the package; None where there are none.

    Raises:
        ConfigurationError: a file that is malformed, lacks a key or loses a placeholder.
    """
    if folder is not None and (folder / f"{language}.yaml").is_file():
        return _parse((folder / f"{language}.yaml").read_text(encoding="utf-8"), str(folder / f"{language}.yaml"))
    return _packaged(language)


@cache
def _packaged(language: str) -> Phrases | None:
    resource = files("triage.drafting") / "phrases" / f"{language}.yaml"
    return _parse(resource.read_text(encoding="utf-8"), resource.name) if resource.is_file() else None


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
                raise ConfigurationError(f"phrases {name}: {key} is missing")
            if placeholders(found[key]) != placeholders(phrase):
                raise ConfigurationError(f"phrases {name}: {key} must hold exactly {sorted(placeholders(phrase))}")
    return phrases
