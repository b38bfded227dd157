"""What a reply may ask for, and the words by which a text speaks of it: so that nothing is asked for two times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from triage.drafting.folding import folded
from triage.sentences import sentences


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    mentions: Mapping[str, tuple[str, ...]]
    attached: tuple[str, ...]


def mentioned(text: str, items: Iterable[str]) -> frozenset[str]:
    """Which of ``items`` the text speaks of, in whatever language it is."""
    known, _ = _patterns()
    wanted = [item for item in items if item in known]
    plain = folded(text) if wanted else ""
    return frozenset(item for item in wanted if known[item].search(plain))


def attaches_photo(text: str) -> bool:
    """Whether a sentence says that a photo comes with the message."""
    known, attached = _patterns()
    for line in text.splitlines():
        for sentence in map(folded, sentences(line)):
            if known["photo"].search(sentence) and attached.search(sentence):
                return True
    return False


@cache
def _patterns() -> tuple[Mapping[str, re.Pattern[str]], re.Pattern[str]]:
    file = _File.model_validate(yaml.safe_load((files("triage.drafting") / "items.yaml").read_text(encoding="utf-8")))
    return {item: _alternatives(lines) for item, lines in file.mentions.items()}, _alternatives(file.attached)


def _alternatives(lines: Iterable[str]) -> re.Pattern[str]:
    phrases = {folded(phrase) for line in lines for phrase in line.split(",")}
    words = (r"\w*".join(map(re.escape, phrase.split("*"))) for phrase in sorted(phrases))
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)")
