"""Promise 14: what a mail says of its thread never gives access to somebody else's conversation."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

from tests.integration.promises.conftest import Figure
from tests.integration.promises.world import name_of
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import arrival, rows
from triage.storage import intake, schema
from triage.storage.database import Database
from triage.types import Sender

VICTIMS = 5


def test_forged_references_and_tokens_attach_to_nothing(database: Database, figure: Figure) -> None:
    theirs: set[str] = set()
    refs: list[str] = []
    for number in range(VICTIMS):
        address, ref = f"anna{number}@shop.example", f"<{number}@shop.example>"
        for workspace in ("shop", "other"):
            received = intake.receive(
                database, workspace,
                arrival(f"a{number}", sender=Sender(email=address, phone="+4930123456"), message_ref=ref), now=NOW,
            )  # fmt: skip
            theirs.add(received.conversation_id)
        refs.append(ref)
    strangers = (
        Sender(email="eve@evil.example"),
        Sender(email="eve@evil.example", name="anna0@shop.example"),
        Sender(email="eve@evil.example", phone="+4930123456"),  # a phone is only what she says of herself
        Sender(email="anna0@shop.example.evil.example"),
        Sender(email="\u0430nna0@shop.example"),  # a Cyrillic a
        Sender(name="Anna"),
        Sender(),
    )
    threads: list[dict[str, Any]] = [
        *({"replies_to": (ref,)} for ref in refs),
        {"replies_to": tuple(refs)},
        {"replies_to": tuple(reversed(refs)) * 30},
        *({"conversation_id": conversation} for conversation in sorted(theirs)),
        {"conversation_id": min(theirs), "replies_to": tuple(refs)},
        {"replies_to": (refs[0],), "message_ref": refs[0]},
    ]
    before = {row["id"]: row["next_seq"] for row in rows(database, schema.conversations)}
    forged = attached = 0
    mine: set[str] = set()
    for number, (sender, thread) in enumerate(product(strangers, threads)):
        received = intake.receive(
            database, "shop", arrival(f"e{number}", sender=sender, **thread), now=NOW + timedelta(minutes=1)
        )
        forged += 1
        attached += received.conversation_id in theirs
        mine.add(received.customer_id)
    assert attached == 0
    after = {row["id"]: row["next_seq"] for row in rows(database, schema.conversations)}
    assert {key: after[key] for key in before} == before
    victims = {row["customer_id"] for row in rows(database, schema.conversations) if row["id"] in theirs}
    assert victims.isdisjoint(mine)
    # The customer's own answer still finds its conversation.
    own = arrival("own", sender=Sender(email="ANNA0@shop.example"), replies_to=(refs[0],))
    assert intake.receive(database, "shop", own, now=NOW + timedelta(minutes=2)).conversation_id in theirs
    figure(f"14  {forged} mails with forged References and tokens ({name_of(database)}): {attached} attached")
