"""First steps, the work that waits, and what admins change of ways in, webhooks and unreadable deliveries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.storage.conftest import NOW
from triage.channels.past import PREFIX
from triage.errors import Conflict, Unknown
from triage.storage import first_steps, inbounds, quarantine, schema, webhooks, workload
from triage.storage.database import Database
from triage.storage.intake import keep
from triage.storage.workspace import Workspace
from triage.storage.workspaces import change_settings
from triage.types import Arrival, Customer, InboundMessage, Sender

Work = Callable[..., Any]


@pytest.fixture
def work(database: Database) -> Work:
    def run(do: Callable[[Workspace], Any], workspace: str = "shop") -> Any:
        return database.write(lambda connection: do(Workspace(connection, workspace)))

    return run


def arrival(external_id: str) -> Arrival:
    message = InboundMessage(text="Where is it?", channel="email", customer=Customer(name="Anna"))
    return Arrival(
        external_id=external_id, message=message, sender=Sender(email=f"{external_id[5:]}@customers.example")
    )


def _drafted(workspace: Workspace, external_id: str, language: str, **details: Any) -> None:
    found = keep(workspace, arrival(external_id), now=NOW)
    table = schema.messages
    workspace.run(workspace.update(table).where(table.c.id == found.message_id).values(state="triaged"))
    workspace.insert(
        schema.drafts, id=f"drf_{external_id}", conversation_id=found.conversation_id, message_id=found.message_id,
        state="pending", text="Hello", language=language, model_version="m", index_version="i", created_at=NOW,
        changed_at=NOW, details={"citations": [{"article_id": "a", "passage": "p"}], "policy_warnings": [], **details},
    )  # fmt: skip


def test_a_workspace_is_untouched_until_somebody_begins(work: Work) -> None:
    assert work(first_steps.untouched)
    work(lambda w: keep(w, arrival("m1"), now=NOW))
    assert work(first_steps.untouched)  # messages come by themselves
    work(lambda w: change_settings(w, brand=None, changes={"undo_seconds": 10}))
    assert not work(first_steps.untouched)
    assert work(first_steps.untouched, "other")
    work(lambda w: inbounds.create(w, channel="chat", adapter="webhook", secret=None, settings={}, now=NOW), "other")
    assert not work(first_steps.untouched, "other")


def test_steps_add_up_and_leave_other_settings_alone(work: Work) -> None:
    work(lambda w: change_settings(w, brand=None, changes={"undo_seconds": 10}))
    for step in ("brand", "channel", "brand"):
        work(lambda w, step=step: first_steps.finished(w, step))
    work(lambda w: first_steps.note(w, inbound="inb_1"))
    assert work(first_steps.state) == {"done": ["brand", "channel"], "inbound": "inb_1"}
    assert work(first_steps.state, "other") == {}


def test_progress_counts_past_messages_alone(work: Work) -> None:
    for number in range(3):
        work(lambda w, number=number: keep(w, arrival(f"{PREFIX}{number}"), now=NOW))
    work(lambda w: keep(w, arrival("pastry"), now=NOW))
    found = work(first_steps.progress)
    assert (found.taken, found.read, found.failed, found.settled) == (3, 0, 0, False)
    table = schema.messages
    for external_id, state in ((f"{PREFIX}0", "triaged"), (f"{PREFIX}1", "failed"), (f"{PREFIX}2", "triaged")):
        work(lambda w, e=external_id, s=state: w.run(w.update(table).where(table.c.external_id == e).values(state=s)))
    found = work(first_steps.progress)
    assert (found.taken, found.read, found.failed, found.settled) == (3, 2, 1, True)
    assert work(first_steps.progress, "other").taken == 0


def test_drafts_to_show_are_ones_own_first_and_of_several_languages(work: Work) -> None:
    foreign = [{"rule": "needs_translation", "detail": "x", "start": None, "end": None}]
    work(lambda w: _drafted(w, "samp1", "fr"))
    work(lambda w: _drafted(w, f"{PREFIX}1", "de", citations=[]))
    work(lambda w: _drafted(w, f"{PREFIX}2", "de"))
    work(lambda w: _drafted(w, f"{PREFIX}3", "en", policy_warnings=foreign))
    work(lambda w: _drafted(w, f"{PREFIX}4", "en"))
    found = work(lambda w: first_steps.drafts_to_show(w, None))
    assert {row["id"] for row in found[:2]} == {f"drf_{PREFIX}2", f"drf_{PREFIX}4"}
    assert found[2]["id"] == "drf_samp1"
    assert [bool(row["own"]) for row in found] == [True, True, False]
    assert not work(lambda w: first_steps.drafts_to_show(w, None), "other")


def test_the_first_message_is_the_newest_of_the_way_in_or_a_typed_one(work: Work) -> None:
    way = work(lambda w: inbounds.create(w, channel="email", adapter="webhook", secret=None, settings={}, now=NOW))
    assert work(lambda w: first_steps.first_message(w, way)) is None
    work(lambda w: keep(w, arrival("other"), now=NOW))
    assert work(lambda w: first_steps.first_message(w, way)) is None
    work(lambda w: keep(w, arrival("mine1"), now=NOW, inbound_id=way))
    assert work(lambda w: first_steps.first_message(w, way))["external_id"] == "mine1"
    work(lambda w: keep(w, arrival(f"{first_steps.TYPED}1"), now=NOW + timedelta(minutes=1)))
    assert work(lambda w: first_steps.first_message(w, None))["external_id"] == f"{first_steps.TYPED}1"


def test_the_work_that_waits_is_measured(work: Work) -> None:
    work(lambda w: keep(w, arrival("m1"), now=NOW))
    hook = work(lambda w: webhooks.create(w, url="https://a.example", types=["reply.sent"], now=NOW))
    work(lambda w: webhooks.create(w, url="https://b.example", types=[], now=NOW))
    work(lambda w: webhooks.send_test(w, hook.id, now=NOW))
    found = work(lambda w: workload.measured(w, now=NOW + timedelta(minutes=5)))
    assert (found["triage"].waiting, found["triage"].due_since, found["triage"].late) == (1, NOW, True)
    assert (found["deliveries"].waiting, found["replies"].waiting, found["replies"].due_since) == (1, 0, None)
    assert not work(lambda w: workload.measured(w, now=NOW))["triage"].late
    assert work(lambda w: workload.measured(w, now=NOW), "other")["triage"].waiting == 0
    work(lambda w: webhooks.disable(w, hook.id, now=NOW))
    with pytest.raises(Conflict):
        work(lambda w: webhooks.send_test(w, hook.id, now=NOW))
    with pytest.raises(Unknown):
        work(lambda w: webhooks.send_test(w, hook.id, now=NOW), "other")


def test_ways_in_are_changed_by_their_own_workspace_while_they_are_open(work: Work) -> None:
    way = work(lambda w: inbounds.create(w, channel="chat", adapter="webhook", secret="one", settings={}, now=NOW))
    assert not work(lambda w: inbounds.change(w, way, settings={"a": 1}), "other")
    assert not work(lambda w: inbounds.rotate(w, way, secret="two"), "other")
    assert work(lambda w: inbounds.change(w, way, settings={"a": 1}))
    assert work(lambda w: inbounds.rotate(w, way, secret="two"))
    (found,) = work(inbounds.every)
    assert (found.settings, found.secrets) == ({"a": 1}, ("two", "one"))
    work(lambda w: inbounds.rotate(w, way, secret="three", keep_previous=False))
    assert work(inbounds.every)[0].secrets == ("three",)
    work(lambda w: inbounds.disable(w, way, now=NOW))
    assert not work(lambda w: inbounds.rotate(w, way, secret="four"))
    assert not work(lambda w: inbounds.change(w, way, settings={}))


def test_an_unreadable_delivery_is_discarded_by_its_own_workspace(work: Work) -> None:
    held = work(lambda w: quarantine.quarantine(w, channel="chat", body=b"x", reason="r", now=NOW))
    with pytest.raises(Unknown):
        work(lambda w: quarantine.discard(w, held), "other")
    work(lambda w: quarantine.discard(w, held))
    assert not work(quarantine.in_quarantine)
    with pytest.raises(Unknown):
        work(lambda w: quarantine.discard(w, held))
