"""Sentences of a paragraph, for every supported script."""

from __future__ import annotations

import re

# A mark ends a sentence when space and neither a lower-case letter nor a digit follow ("Am 12. Mai" is one sentence
# only because of the second rule: a number before the full stop), and not after a single letter ("z. B."), which
# abbreviates. CJK marks need no space after them.
_END = re.compile(
    r"(?:(?<=[.!?…؟۔])|(?<=[.!?…؟۔][\"'”»)]))(?<!\b\w\.)(?<!\d\.)\s+(?=[^\W\d_]|[¿¡„«\"'(“])(?![a-zà-öø-ÿа-яё])|(?<=[。！？])"
)


def sentences(paragraph: str) -> list[str]:
    """The sentences in order, without surrounding space; line breaks count as spaces."""
    flat = " ".join(paragraph.split())
    return [part.strip() for part in _END.split(flat) if part.strip()]
