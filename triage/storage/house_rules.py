"""What workspaces have set for themselves, as options for the pipeline."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from triage.conversations.sla import SlaClock
from triage.errors import ConfigurationError
from triage.pipeline import TriageOptions
from triage.protocols import Clock, SlaRule
from triage.storage.database import Database
from triage.storage.workspace import Workspace
from triage.storage.workspaces import WorkspaceSettings, read_settings

log = logging.getLogger(__name__)

KEPT = timedelta(seconds=10)
"""How long a workspace's settings are used before they are read again."""


class HouseRules:
    """Clocks, voice and knowledge base of each workspace; safe to call from several threads."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._kept: dict[str, tuple[datetime, TriageOptions]] = {}

    def options(self, workspace_id: str) -> TriageOptions:
        """How messages of the workspace are to be triaged.

        Raises:
            StorageUnavailable: the settings cannot be read.
            Unknown: no such workspace.
        """
        now = self._clock.now()
        kept = self._kept.get(workspace_id)
        if kept is None or not timedelta(0) <= now - kept[0] < KEPT:
            settings = self._database.read(lambda connection: read_settings(Workspace(connection, workspace_id)))
            options = TriageOptions(
                sla=_sla(settings, workspace_id), voice=settings.voice, rewrite=settings.rewrites,
                precision=settings.precision, workspace=workspace_id,
            )  # fmt: skip
            kept = self._kept[workspace_id] = (now, options)
        return kept[1]


def _sla(settings: WorkspaceSettings, workspace_id: str) -> SlaRule | None:
    """The workspace's own clocks; None where it has none, or none that can be used."""
    try:
        return SlaClock(settings.sla()) if settings.values.get("sla") is not None else None
    except ConfigurationError as error:
        # Checked when it was set, so somebody wrote past that; a wrong clock must not keep messages from people.
        log.error("workspace %s: %s; the channels' own clocks are used", workspace_id, error)
        return None
