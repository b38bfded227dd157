"""Pictures of the inbox's pages for the documentation, taken of the demo shop: ``make screenshots``."""

from __future__ import annotations

import base64
import struct
import sys
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.browser.shop import ADMIN, DESKTOP, PASSWORD, PHONE, Shop, patient, prepare, serving

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
LARGEST = 200 * 1024
"""Bytes of a picture: what a repository can carry through every change of a page."""
ENGLISH: dict[str, Any] = {
    "text": "Hello, where is my backpack? Order 14-12503-44187. I leave for the Highlands soon and would like to pack it.",
    "subject": "Where is my backpack?",
    "sender": {"name": "Gareth Pennington", "email": "g.pennington@mail.example"},
}
ARABIC: dict[str, Any] = {
    "text": "مرحبًا، أين طلبي TM-10392؟ لم يصلني جهاز تنقية الهواء بعد.",
    "subject": "أين طلبي؟",
    "sender": {"name": "هند المنصوري", "email": "hind.almansoori@mail.example"},
}
"""Of buyers of the demo's orders, who may be told of them."""


@dataclass(frozen=True)
class Shot:
    """One picture: its name, the page, and how the browser is set."""

    name: str
    address: str
    options: dict[str, Any] = field(default_factory=dict)


INDEXED = """async (png) => {
  const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0))]));
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) || 0) + 1);
  const parts = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const colours = [...counts].sort((a, b) => b[1] - a[1]).map(([pixel]) => pixel);
  const kept = colours.slice(0, 256).map(parts);
  const place = new Map(colours.slice(0, 256).map((pixel, at) => [pixel, at]));
  for (const rare of colours.slice(256)) {
    const [r, g, b] = parts(rare);
    const far = kept.map(([x, y, z]) => (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2);
    place.set(rare, far.indexOf(Math.min(...far)));
  }
  let indices = "";
  for (const pixel of pixels) indices += String.fromCharCode(place.get(pixel));
  return { width, height, palette: kept.flat(), indices: btoa(indices) };
}"""
"""A picture by its 256 commonest colours, the others by the nearest of them."""
DARK, IN_ARABIC = {"color_scheme": "dark"}, {"locale": "ar"}
MOBILE = {"viewport": PHONE, "device_scale_factor": 1.5}
SHOTS = (
    Shot("queue", "/"), Shot("queue-dark", "/", DARK), Shot("queue-arabic", "/", IN_ARABIC), Shot("queue-phone", "/", MOBILE),
    Shot("conversation", "{english}"), Shot("conversation-dark", "{english}", DARK),
    Shot("conversation-arabic", "{arabic}", IN_ARABIC), Shot("conversation-phone", "{english}", MOBILE),
    Shot("knowledge", "/knowledge"), Shot("knowledge-article", "/knowledge/articles/refund-time?language=en"),
    Shot("knowledge-coverage", "/knowledge/coverage"), Shot("insights", "/insights"), Shot("insights-dark", "/insights", DARK),
    Shot("insights-volume", "/insights/volume"), Shot("insights-anomalies", "/insights/anomalies"),
    Shot("insights-suppliers", "/insights/suppliers"), Shot("settings", "/settings"), Shot("settings-sla", "/settings/sla"),
    Shot("settings-agents", "/settings/agents"), Shot("welcome", "/welcome/brand"), Shot("try", "/try"),
)  # fmt: skip


def take(shop: Shop, browser: Browser, folder: Path) -> list[Path]:
    """All pictures, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        name: shop.write(channel="email", **message) for name, message in (("english", ENGLISH), ("arabic", ARABIC))
    }
    places = {name: f"/conversations/{message['conversation_id']}" for name, message in asked.items()}
    taken = [_log_in_page(shop, browser, folder)]
    for shot in SHOTS:
        context = shop.enter(browser, ADMIN, **shot.options)
        page = context.new_page()
        answer = page.goto(shot.address.format(**places))
        if answer is None or answer.status != 200:
            raise RuntimeError(f"{shot.name}: {shot.address} answers {answer.status if answer else 'nothing'}")
        taken.append(_picture(page, folder / f"{shot.name}.png"))
        context.close()
    return taken


def _log_in_page(shop: Shop, browser: Browser, folder: Path) -> Path:
    context = browser.new_context(base_url=shop.address, viewport=DESKTOP, locale="en-GB")  # type: ignore[arg-type]
    patient(context)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Login").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    taken = _picture(page, folder / "log-in.png")
    context.close()
    return taken


def _picture(page: Page, target: Path) -> Path:
    page.wait_for_load_state("load")
    page.mouse.move(0, 0)
    taken = page.screenshot(animations="disabled", caret="hide")
    reader = page.context.new_page()
    pixels = reader.evaluate(INDEXED, base64.b64encode(taken).decode())
    content = _png(pixels["width"], pixels["height"], bytes(pixels["palette"]), base64.b64decode(pixels["indices"]))
    if len(content) > LARGEST:
        raise RuntimeError(f"{target.name} has {len(content) // 1024} KB, more than {LARGEST // 1024}")
    target.write_bytes(content)
    return target


def _png(width: int, height: int, palette: bytes, indices: bytes) -> bytes:
    """A picture of at most 256 colours, a byte a pixel (PNG, ISO/IEC 15948): a page has few, so it is a third as large."""
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, width * height, width))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)), (b"PLTE", palette),
        (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""),
    )  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def main() -> int:
    executable = chromium.find()
    if executable is None:
        sys.stderr.write(f"{chromium.LACKING}\n")
        return 1
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "shop"
        prepare(data)
        with serving(data) as shop, chromium.running(executable) as browser:
            for path in take(shop, browser, FOLDER):
                sys.stdout.write(f"{path.name} {path.stat().st_size // 1024} KB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
