"""Bytes of a mail to text, whatever they claim to be. Nothing here raises, and every step reads its input once."""

from __future__ import annotations

import binascii
import codecs
import re

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_ALIASES = {
    # As browsers do (encoding.spec.whatwg.org): the name of the smaller set is used for the larger one.
    "us-ascii": "utf-8", "ascii": "utf-8", "iso-8859-1": "cp1252", "latin1": "cp1252", "gb2312": "gb18030",
    "gbk": "gb18030", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "shift_jis": "cp932", "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso-8859-8", "windows-874": "cp874", "tis-620": "cp874", "x-sjis": "cp932", "x-gbk": "gb18030",
}  # fmt: skip
_NOT_CHARSETS = frozenset(("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"))
"""Python calls these text encodings too; some of them take quadratic time."""

# What a lone byte of another charset in UTF-8 text most probably is.
_STRAY = {0xDC00 + byte: bytes((byte,)).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_CONTROLS = dict.fromkeys((*range(9), 11, *range(14, 32), 127, 65279)) | {0x0C: "\n"}


def decode_text(data: bytes, charset: str | None) -> str:
    """``data`` as text: by its charset where that fits, as UTF-8 where it is that, else byte by byte."""
    codec = _codec(charset)
    if data.startswith(codecs.BOM_UTF8):
        codec = "utf-8"
    if codec not in (None, "utf-8") and not _is_utf8_after_all(data, codec):
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError, OverflowError):
            if not _is_utf8(data) and codec not in ("utf-16", "utf-32"):
                return data.decode(codec, "replace")
    return data.decode("utf-8", "surrogateescape").translate(_STRAY)


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """``data`` without its Content-Transfer-Encoding (RFC 2045); of a broken one, what can be read."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    return data


def decode_base64(data: bytes) -> bytes:
    """Bytes of ``data``; foreign characters are passed over, pieces with padding of their own follow each other."""
    pieces = []
    for piece in data.translate(None, _NOT_BASE64).split(b"="):
        whole = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
        if whole:
            pieces.append(binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)))
    return b"".join(pieces)


def plain(text: str) -> str:
    """``text`` with line feeds alone between lines and without control characters."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)


def _codec(charset: str | None) -> str | None:
    """Python's name for a charset; None for one that is unknown."""
    name = (charset or "").strip(" \t\"'").lower()
    if not _NAME.fullmatch(name):
        return None
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    # A codec from bytes to bytes (zlib, base64) is no charset.
    text = getattr(found, "_is_text_encoding", True)
    return found.name if text and found.name.replace("-", "_") not in _NOT_CHARSETS else None


def _is_utf8_after_all(data: bytes, codec: str) -> bool:
    """Whether text that claims a charset of single bytes is UTF-8: what else is valid UTF-8 by chance is very rare."""
    return codec.startswith(("cp125", "iso8859", "koi8", "mac")) and not data.isascii() and _is_utf8(data)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
