"""Saved views, who is on which conversation, and the indexes that the queue reads by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.storage.columns import CleanText, Json, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("owner", CleanText(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("name", CleanText(), nullable=False),
        sa.Column("filters", Json, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_saved_views_workspace_id_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_saved_views")),
    )
    op.create_table(
        "presence",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("conversation_id", sa.String(length=80), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "conversation_id"],
            ["conversations.workspace_id", "conversations.id"],
            name=op.f("fk_presence_workspace_id_conversation_id_conversations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_presence_workspace_id_workspaces"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "conversation_id", "login", name=op.f("pk_presence")),
    )
    op.create_index("ix_presence_workspace_id_seen_at", "presence", ["workspace_id", "seen_at"])
    op.drop_index("ix_conversations_workspace_id_status_due_at", "conversations")
    op.drop_index("ix_conversations_workspace_id_customer_id", "conversations")
    for columns in (
        ["workspace_id", "customer_id", "last_inbound_at"],
        ["workspace_id", "status", "due_at", "last_inbound_at"],
        ["workspace_id", "status", "urgency_rank", "due_at"],
        ["workspace_id", "assignee", "status"],
        ["workspace_id", "language"],
    ):
        op.create_index(f"ix_conversations_{'_'.join(columns)}", "conversations", columns)
    op.create_index("ix_jobs_workspace_id_kind_state", "jobs", ["workspace_id", "kind", "state"])
