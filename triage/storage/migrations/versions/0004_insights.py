"""Counts that the dashboards read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.storage.columns import CleanText, Json, UtcTime, new_id

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "figure_days",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("counted_at", UtcTime(), nullable=False),
        sa.CheckConstraint("kind IN ('contacts', 'orders')", name=op.f("ck_figure_days_kind")),
        _workspace("figure_days"),
        sa.PrimaryKeyConstraint("workspace_id", "kind", "day", name=op.f("pk_figure_days")),
    )
    op.create_table(
        "figure_marks",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        _workspace("figure_marks"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_figure_marks")),
    )
    op.create_table(
        "figure_remains",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _workspace("figure_remains"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_figure_remains")),
    )
    op.create_index(op.f("ix_figure_remains_workspace_id_kind_day"), "figure_remains", ["workspace_id", "kind", "day"])
    op.create_table(
        "figure_looks",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        _workspace("figure_looks"),
        sa.PrimaryKeyConstraint("workspace_id", "kind", name=op.f("pk_figure_looks")),
    )
    op.create_table(
        "anomalies",
        sa.Column("workspace_id", sa.String(length=40), nullable=False),
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("product", CleanText(), nullable=True),
        sa.Column("intent", sa.String(length=40), nullable=True),
        sa.Column("region", sa.String(length=10), nullable=True),
        sa.Column("supplier", CleanText(), nullable=True),
        sa.Column("cell", sa.String(length=64), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("p_value", sa.Float(), nullable=False),
        sa.Column("adjusted", sa.Float(), nullable=False),
        sa.Column("examples", Json, nullable=False),
        sa.Column("history", Json, nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        _workspace("anomalies"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_anomalies")),
        sa.UniqueConstraint("workspace_id", "cell", "first_day", name=op.f("uq_anomalies_workspace_id_cell_first_day")),
    )
    op.create_index(op.f("ix_anomalies_workspace_id_last_day"), "anomalies", ["workspace_id", "last_day"])
    op.create_index("ix_messages_workspace_id_received_at", "messages", ["workspace_id", "received_at"])
    op.create_index("ix_orders_workspace_id_placed_at", "orders", ["workspace_id", "placed_at"])
    op.add_column("approvals", sa.Column("distance", sa.Float(), nullable=True))
    _count_what_is_there()


def _workspace(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_workspace_id_workspaces")
    return sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=name, ondelete="CASCADE")


def _count_what_is_there() -> None:
    """A mark in every workspace, on which the worker counts all of its days."""
    connection = op.get_bind()
    found = [row[0] for row in connection.execute(sa.text("SELECT id FROM workspaces"))]
    mark = sa.text("INSERT INTO figure_marks (workspace_id, id, subject) VALUES (:workspace, :id, 'all')")
    for workspace in found:
        connection.execute(mark, {"workspace": workspace, "id": new_id("mrk")})
