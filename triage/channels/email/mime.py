"""The tree of a mail's parts (RFC 2045, 2046), read in place: parts are positions in the raw bytes until they are decoded.

Python's ``email`` recurses once a level and asks every level about every line; here 40 MiB in 20 levels are scanned 20 times.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from triage.channels.email.charsets import decode_transfer
from triage.channels.email.headers import Headers, decode_words, parameters, read_headers
from triage.errors import UnreadableDelivery

MOST_BYTES = 40 * 1024 * 1024
DEEPEST = 20
MOST_PARTS = 200
_LONGEST_BOUNDARY = 1_000

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One part: a leaf with content, or a multipart with ``children``.

    Attributes:
        media_type: lower case; ``text/plain`` where none is given.
        parameters: of the Content-Type.
        disposition: ``attachment``, ``inline`` or another word; empty without one.
        name: the file's, as the writer gave it.
    """

    headers: Headers
    media_type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    raw: bytes = field(repr=False)
    start: int
    end: int
    children: tuple[Part, ...] = ()

    @cached_property
    def content(self) -> bytes:
        """The bytes, with the transfer encoding taken off."""
        return decode_transfer(self.raw[self.start : self.end], self.headers.get("content-transfer-encoding"))


def read_parts(raw: bytes) -> Part:
    """The root of the tree.

    Raises:
        UnreadableDelivery: larger than ``MOST_BYTES``, deeper than ``DEEPEST`` or of more than ``MOST_PARTS`` parts.
    """
    if len(raw) > MOST_BYTES:
        raise UnreadableDelivery(f"a mail of {len(raw)} bytes; the limit is {MOST_BYTES}")
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    return _Reader(raw).read(start, len(raw), "text/plain", 0)


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = 0

    def read(self, start: int, end: int, default: str, depth: int) -> Part:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise UnreadableDelivery(f"a mail of more than {MOST_PARTS} parts")
        headers, body = read_headers(self._raw, start, end)
        media_type, values = parameters(headers.get("content-type"))
        if not _TYPE.fullmatch(media_type):
            media_type = default if not media_type else "application/octet-stream"
            if default == "text/plain" and "/" not in media_type:
                media_type = default
        disposition, placed = parameters(headers.get("content-disposition"))
        children: tuple[Part, ...] = ()
        if media_type.startswith("multipart/"):
            within = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
            spans = self._spans(values.get("boundary", ""), body, end)
            if spans and depth == DEEPEST:
                raise UnreadableDelivery(f"a mail of more than {DEEPEST} levels of parts")
            children = tuple(self.read(*span, within, depth + 1) for span in spans)
            if not children:  # no boundary, or it never comes: what is there is all there is
                media_type = "text/plain"
        return Part(
            headers=headers, media_type=media_type, parameters=values, disposition=disposition,
            name=decode_words(placed.get("filename") or values.get("name") or ""), raw=self._raw, start=body, end=end,
            children=children,
        )  # fmt: skip

    def _spans(self, boundary: str, start: int, end: int) -> list[tuple[int, int]]:
        """Where the parts of a multipart lie; a missing last delimiter is forgiven."""
        mark = boundary.strip().encode("utf-8", "surrogateescape")
        if not mark or len(mark) > _LONGEST_BOUNDARY:
            return []
        # The line feed before a delimiter belongs to it, so a line that begins with other text is never looked at.
        delimiter = re.compile(rb"\n--" + re.escape(mark) + rb"(--)?[ \t]{0,80}\r?(?:\n|\Z)")
        spans: list[tuple[int, int]] = []
        begin: int | None = None
        at = max(start - 1, 0)
        while found := delimiter.search(self._raw, at, end):
            if begin is not None:
                stop = found.start()
                spans.append((begin, stop - 1 if stop > begin and self._raw[stop - 1] == 0x0D else max(stop, begin)))
                if self._parts + len(spans) > MOST_PARTS:
                    raise UnreadableDelivery(f"a mail of more than {MOST_PARTS} parts")
            begin = found.end()
            at = found.end() - 1 if found[0].endswith(b"\n") else end
            if found[1]:
                return spans
        if begin is not None and begin < end:
            spans.append((begin, end))
        return spans
