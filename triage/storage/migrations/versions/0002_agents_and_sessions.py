"""Agents who log in, and their sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.storage.columns import CleanText, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("ui_language", sa.String(length=10), nullable=True),
        sa.Column("email", CleanText(), nullable=True),
        sa.Column("oidc_issuer", sa.String(length=300), nullable=True),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True),
        sa.Column("password_until", UtcTime(), nullable=True),
        sa.Column("last_seen_at", UtcTime(), nullable=True),
        sa.Column("changed_at", UtcTime(), nullable=True),
    ):
        op.add_column("agents", column)
    op.create_index(op.f("ix_agents_workspace_id_email"), "agents", ["workspace_id", "email"], unique=True)
    op.create_index(
        op.f("ix_agents_workspace_id_oidc_issuer_oidc_subject"), "agents", ["workspace_id", "oidc_issuer", "oidc_subject"],
        unique=True,
    )  # fmt: skip
    op.create_table(
        "sessions",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("agent_id", sa.String(length=80), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("via", sa.String(length=10), nullable=False),
        sa.Column("device", CleanText(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.CheckConstraint("via IN ('password', 'oidc')", name=op.f("ck_sessions_via")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_sessions_workspace_id_workspaces"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "agent_id"], ["agents.workspace_id", "agents.id"],
            name=op.f("fk_sessions_workspace_id_agent_id_agents"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("workspace_id", "token_sha256", name=op.f("uq_sessions_workspace_id_token_sha256")),
    )  # fmt: skip
    op.create_index(op.f("ix_sessions_token_sha256"), "sessions", ["token_sha256"])
    op.create_index(op.f("ix_sessions_workspace_id_agent_id"), "sessions", ["workspace_id", "agent_id"])
    op.create_table(
        "log_in_attempts",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcTime(), nullable=False),
        sa.Column("blocked_until", UtcTime(), nullable=True),
        sa.Column("known_until", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_log_in_attempts")),
    )
    op.create_index(op.f("ix_log_in_attempts_last_at"), "log_in_attempts", ["last_at"])
