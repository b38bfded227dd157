"""What a workspace has set for itself: its brand, its clocks, how long an approved reply waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from triage.conversations.sla import SlaTerms
from triage.conversations.sla_settings import read_sla
from triage.errors import Unknown
from triage.storage.schema import workspaces
from triage.storage.workspace import Workspace
from triage.types import Voice


@dataclass(frozen=True, kw_only=True)
class WorkspaceSettings:
    """``values`` as stored: ``sla`` (see ``SlaSettings``), ``undo_seconds``, ``voice``, and what other parts keep there."""

    brand: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def undo(self) -> timedelta:
        """How long an approved reply waits in the outbox, where it can be taken back."""
        return timedelta(seconds=self.values.get("undo_seconds") or 0)

    @property
    def rewrites(self) -> bool:
        """Whether a language model may put drafts into other words, where the installation has one."""
        return self.values.get("llm") is not False

    @property
    def precision(self) -> str | None:
        """Per cent that should be right of what the model does not abstain from; None leaves it to the installation."""
        return self.values.get("precision")

    @property
    def voice(self) -> Voice:
        """How the workspace speaks; it signs with its brand where it has set no signature of its own."""
        kept = self.values.get("voice") or {}
        return Voice(
            signatures={"": self.brand, **kept.get("signatures", {})}, informal=kept.get("address") == "informal"
        )

    def sla(self) -> SlaTerms:
        """The workspace's clocks.

        Raises:
            ConfigurationError: what is wrong with them, beginning with the field's name.
        """
        return read_sla(self.values.get("sla"))


def read_settings(workspace: Workspace, *, lock: bool = False) -> WorkspaceSettings:
    """The workspace's settings; with ``lock`` nobody else changes them until the transaction ends.

    Raises:
        Unknown: no such workspace.
    """
    statement = select(workspaces).where(workspaces.c.id == workspace.id)
    row = workspace.first(statement.with_for_update(key_share=True) if lock else statement)
    if row is None:
        raise Unknown("workspace", workspace.id)
    return WorkspaceSettings(brand=row["brand"], values=row["settings"])


def change_settings(workspace: Workspace, *, brand: str | None, changes: Mapping[str, Any]) -> WorkspaceSettings:
    """Replaces what ``changes`` names and keeps the rest; a value of None takes the setting back to its default.

    Args:
        brand: None keeps it.

    Raises:
        Unknown: no such workspace.
    """
    before = read_settings(workspace, lock=True)
    values = {name: value for name, value in {**before.values, **changes}.items() if value is not None}
    after = WorkspaceSettings(brand=before.brand if brand is None else brand, values=values)
    workspace.run(
        update(workspaces).where(workspaces.c.id == workspace.id).values(brand=after.brand, settings=dict(values))
    )
    return after
