"""SMS segments as carriers bill them (3GPP TS 23.038): GSM-7 where every character fits, UCS-2 otherwise."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")


def sms_segments(text: str) -> int:
    """Segments that ``text`` takes: 160 septets or 70 UTF-16 units alone, 153 or 67 each when several are joined."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        units, single, joined = sum(2 if character in _EXTENDED else 1 for character in text), 160, 153
    else:
        units, single, joined = len(text.encode("utf-16-le", "surrogatepass")) // 2, 70, 67
    return 1 if units <= single else -(-units // joined)
