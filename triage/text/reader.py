"""Reading an inbound text: what is visible, what the customer wrote, what the model gets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from triage.text.quotes import own_words
from triage.text.visible import MappedText, visible_text
from triage.types import Entity


@dataclass(frozen=True, kw_only=True)
class Notes:
    """One message, read. ``only_quoted``: nothing but a quoted reply, which then stands in for the own words."""

    mapped: MappedText
    own: str
    subject: str
    only_quoted: bool

    @property
    def visible(self) -> str:
        return self.mapped.text

    @property
    def model_text(self) -> str:
        return f"{self.subject}\n{self.own}" if self.subject else self.own

    @property
    def truncated(self) -> bool:
        return self.mapped.truncated

    def in_original(self, entity: Entity, original: str) -> Entity:
        start, end = self.mapped.span(entity.start, entity.end)
        return replace(entity, start=start, end=end, value=original[start:end])


class Reader:
    """Normalises HTML, invisible characters, quoted replies and signatures away."""

    def read(self, text: str, *, subject: str | None = None) -> Notes:
        mapped = visible_text(text)
        words = own_words(mapped.text)
        heading = " ".join(visible_text(subject).text.split()) if subject else ""
        if heading and heading in words.text:
            heading = ""  # many channels repeat the first line as the subject
        return Notes(mapped=mapped, own=words.text, subject=heading, only_quoted=words.only_quoted)
