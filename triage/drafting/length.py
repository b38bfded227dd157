"""How long a text is by the rule of its channel: characters, UTF-8 bytes, or characters of which some count twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from triage.types import ChannelPolicy

_LINK = re.compile(r"https?://\S+|www\.\S+")
_LINK_LENGTH = 23
_SINGLE = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))


def _bytes(text: str) -> Iterable[int]:
    return (1 if c < "\x80" else 2 if c < "\u0800" else 3 if c < "\U00010000" else 4 for c in text)


def _weights(text: str) -> Iterable[int]:
    return (1 if any(low <= ord(c) <= high for low, high in _SINGLE) else 2 for c in text)


def _weighted(text: str) -> int:
    """https://docs.x.com/fundamentals/counting-characters; signs joined to one emoji are counted one by one, which is
    never too few."""
    bare, links = _LINK.subn("", text)
    return _LINK_LENGTH * links + sum(_weights(bare))


_LENGTHS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "bytes": lambda text: sum(_bytes(text)),
    "weighted characters": _weighted,
}


def length(text: str, policy: ChannelPolicy) -> int:
    """The length of ``text`` in what ``policy.limit`` counts."""
    return _LENGTHS[policy.unit](text)


def over(text: str, policy: ChannelPolicy) -> int | None:
    """The place in ``text`` from which it is too long; None where it fits. A link counts as it is written here."""
    if policy.limit is None or length(text, policy) <= policy.limit:
        return None
    weights = {"characters": lambda t: (1 for _ in t), "bytes": _bytes, "weighted characters": _weights}[policy.unit]
    used = 0
    for place, weight in enumerate(weights(text)):
        used += weight
        if used > policy.limit:
            return place
    return len(text)
