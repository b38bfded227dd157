"""Clocks of conversations, on both databases: which runs, who is told, what a workspace sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import arrival, in_shop, rows
from tests.unit.api.conftest import pipeline
from triage.contract import Bands
from triage.errors import Unknown
from triage.jobs.triage_job import TriageJob
from triage.storage import clocks, intake, jobs, schema
from triage.storage.database import Database
from triage.storage.workspace import Workspace
from triage.storage.workspaces import change_settings, read_settings
from triage.testing import FixedClassifier, FixedClock
from triage.types import Sender, Urgency

CRITICAL = {"channels": {"chat": {"hours": 8}}, "urgency": {"critical": {"hours": 1}}, "warn_minutes": 15}


def set_sla(database: Database, sla: Any) -> None:
    in_shop(database, lambda w: change_settings(w, brand=None, changes={"sla": sla}))


def write(database: Database, key: str, at: datetime, *, workspace: str = "shop") -> str:
    message = arrival(key, channel="chat", sender=Sender(handle="bo"))
    message = replace(message, message=replace(message.message, received_at=at))
    return intake.receive(database, workspace, message, now=at).conversation_id


def run(database: Database, job: TriageJob, at: datetime) -> None:
    for claim in database.write(lambda c: jobs.claim_jobs(c, now=at)):
        job.run(claim)


def triage(database: Database, at: datetime, **predicted: Any) -> TriageJob:
    clock = FixedClock(at)
    classifier = FixedClassifier("delivery_late", **predicted)
    job = TriageJob(database, pipeline(classifier), Bands(high=0.8, medium=0.5), clock)
    run(database, job, at)
    return job


def conversation(database: Database, workspace: str = "shop") -> Any:
    (row,) = rows(database, schema.conversations, workspace)
    return row


def told(database: Database, workspace: str = "shop") -> list[Any]:
    return [row for row in rows(database, schema.events, workspace) if row["type"] == "sla.at_risk"]


def test_the_earliest_clock_of_what_waits_is_kept(database: Database) -> None:
    set_sla(database, CRITICAL)
    write(database, "m1", NOW)
    triage(database, NOW)
    assert conversation(database)["due_at"] == NOW + timedelta(hours=8)
    later = NOW + timedelta(hours=2)
    write(database, "m2", later)
    triage(database, later)
    assert conversation(database)["due_at"] == NOW + timedelta(hours=8)
    write(database, "m3", later)
    triage(database, later, urgency=Urgency.CRITICAL)
    row = conversation(database)
    assert (row["due_at"], row["sla_policy"]) == (later + timedelta(hours=1), "critical_1h")


def test_a_question_read_after_the_next_one_came_starts_its_own_clock(database: Database) -> None:
    write(database, "m1", NOW)
    write(database, "m2", NOW + timedelta(minutes=5))
    at = NOW + timedelta(minutes=6)
    triage(database, at)
    triage(database, at)
    assert conversation(database)["due_at"] == NOW + timedelta(hours=24)


def test_a_message_that_needs_no_reply_stops_the_clock(database: Database) -> None:
    write(database, "m1", NOW)
    triage(database, NOW, needs_reply=False)
    row = conversation(database)
    assert (row["due_at"], row["status"]) == (None, "waiting")


def test_people_are_told_once_and_again_only_of_a_sooner_clock(database: Database) -> None:
    set_sla(database, CRITICAL)
    write(database, "m1", NOW)
    triage(database, NOW)
    near = NOW + timedelta(hours=7, minutes=45)
    for at, count in ((near - timedelta(minutes=1), 0), (near, 1), (near + timedelta(minutes=1), 1)):
        database.write(lambda c, at=at: clocks.warn(c, now=at))
        assert len(told(database)) == count
    write(database, "m2", near - timedelta(hours=1, minutes=30))
    triage(database, near, urgency=Urgency.CRITICAL)
    database.write(lambda c: clocks.warn(c, now=near))
    assert [event["data"]["policy"] for event in told(database)] == ["chat_8h", "critical_1h"]


def test_every_workspace_has_its_own_warning_time(database: Database) -> None:
    set_sla(database, {"warn_minutes": 15})
    for workspace in ("shop", "other"):
        write(database, "m1", NOW, workspace=workspace)
    triage(database, NOW)
    assert conversation(database)["due_at"] == conversation(database, "other")["due_at"] == NOW + timedelta(hours=24)
    assert database.write(lambda c: clocks.warn(c, now=NOW + timedelta(hours=22))) == 1
    assert (len(told(database)), len(told(database, "other"))) == (0, 1)
    assert database.write(lambda c: clocks.warn(c, now=NOW + timedelta(hours=23, minutes=45))) == 1
    assert (len(told(database)), len(told(database, "other"))) == (1, 1)


def test_settings_are_read_again_after_a_minute(database: Database) -> None:
    write(database, "m1", NOW)
    job = triage(database, NOW)
    set_sla(database, {"channels": {"chat": {"hours": 2}}})
    write(database, "m2", NOW)
    run(database, job, NOW)
    assert conversation(database)["due_at"] == NOW + timedelta(hours=24)
    job._clock.moment = NOW + timedelta(minutes=1)  # type: ignore[attr-defined]
    write(database, "m3", NOW)
    run(database, job, NOW)
    assert conversation(database)["due_at"] == NOW + timedelta(hours=2)


def test_settings_that_cannot_be_used_stop_no_message(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    set_sla(database, {"channels": {"chat": {"hours": "soon"}}})
    write(database, "m1", NOW)
    triage(database, NOW)
    assert conversation(database)["due_at"] == NOW + timedelta(hours=24)
    assert "sla.channels.chat.hours" in caplog.text


def test_a_change_keeps_what_it_does_not_name(database: Database) -> None:
    change: Callable[..., Any] = lambda **changes: in_shop(  # noqa: E731
        database, lambda w: change_settings(w, brand=changes.pop("brand", None), changes=changes)
    )
    change(undo_seconds=10, languages=["en"])
    after = change(brand="Tamaro", sla={"warn_minutes": 5})
    assert (after.brand, after.undo) == ("Tamaro", timedelta(seconds=10))
    assert after.values == {"undo_seconds": 10, "languages": ["en"], "sla": {"warn_minutes": 5}}
    assert change(sla=None).values == {"undo_seconds": 10, "languages": ["en"]}
    other = database.read(lambda c: read_settings(Workspace(c, "other")))
    assert (other.brand, other.values) == ("other", {})
    with pytest.raises(Unknown):
        database.read(lambda c: read_settings(Workspace(c, "nobody")))
