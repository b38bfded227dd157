"""Inbound text: what a person sees of it, and which of it the customer wrote now."""

from __future__ import annotations

from triage.text.quotes import OwnWords, own_words
from triage.text.visible import MAX_CHARACTERS, MappedText, visible_text

__all__ = ["MAX_CHARACTERS", "MappedText", "OwnWords", "own_words", "visible_text"]
