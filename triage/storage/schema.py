"""The tables. Every table but ``workspaces`` and ``log_in_attempts`` starts with ``workspace_id``, and all keys and references
hold it, so that no row can point into another workspace.

Texts of customers stand in ``messages``, ``raw_deliveries``, ``drafts``, ``draft_revisions``, ``approvals`` and ``attachments``
alone; jobs, deliveries and the audit trail hold ids.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from triage.storage.columns import Bytes, CleanText, Json, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _scoped(name: str, *parts: Any, key: tuple[str, ...] = ("id",)) -> Table:
    """A table of rows that belong to one workspace; ``key`` names the rest of the primary key."""
    columns = [Column("workspace_id", String(40), nullable=False)]
    if key == ("id",):
        columns.append(Column("id", String(80), nullable=False))
    return Table(
        name, metadata, *columns, *parts,
        PrimaryKeyConstraint("workspace_id", *key),
        ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], ondelete="CASCADE"),
    )  # fmt: skip


def _refers(column: str, table: str, *, delete: str = "CASCADE") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"], ondelete=delete)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


workspaces = Table(
    "workspaces", metadata,
    Column("id", String(40), primary_key=True),
    Column("brand", CleanText, nullable=False),
    Column("settings", Json, nullable=False, default=dict),
    Column("created_at", UtcTime, nullable=False),
)  # fmt: skip
"""A brand or shop. ``settings``: languages, thresholds, SLA calendars, channel policies, which auto-replies are on."""

api_keys = _scoped(
    "api_keys",
    Column("name", CleanText, nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)
agents = _scoped(
    "agents",
    Column("login", CleanText, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("role", String(10), nullable=False),
    Column("password_hash", String(300)),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column("ui_language", String(10)),
    Column("email", CleanText),
    Column("oidc_issuer", String(300)),
    Column("oidc_subject", String(255)),
    Column("password_until", UtcTime),
    Column("last_seen_at", UtcTime),
    Column("changed_at", UtcTime),
    UniqueConstraint("workspace_id", "login"),
    Index(None, "workspace_id", "email", unique=True),
    Index(None, "workspace_id", "oidc_issuer", "oidc_subject", unique=True),
    _one_of("role", "agent", "lead", "admin"),
)
"""``password_until``: an initial password ends then, and must be changed at the first log-in; None for one's own password.
``ui_language``: None follows the browser. ``oidc_issuer`` and ``oidc_subject``: the company account that logged in first."""

sessions = _scoped(
    "sessions",
    Column("agent_id", String(80), nullable=False),
    Column("token_sha256", String(64), nullable=False),
    Column("chosen", Boolean, nullable=False),
    Column("via", String(10), nullable=False),
    Column("device", CleanText, nullable=False),
    Column("address", String(45), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("ends_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "token_sha256"),
    _refers("agent_id", "agents"),
    Index(None, "token_sha256"),
    Index(None, "workspace_id", "agent_id"),
    _one_of("via", "password", "oidc"),
)
"""Who is logged in: of one browser's token, a row in every workspace that it may enter; ``chosen`` in the one that it shows.
Only a token's SHA-256 is kept."""

log_in_attempts = Table(
    "log_in_attempts", metadata,
    Column("digest", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("blocked_until", UtcTime),
    Column("known_until", UtcTime),
    Index(None, "last_at"),
)  # fmt: skip
"""Failed log-ins by a digest of the login, and of login and address. A login that nobody has is counted as any other, so there
is no workspace to keep these in. ``known_until``: the address has logged in with this login before."""

inbound = _scoped(
    "inbound",
    Column("channel", String(50), nullable=False),
    Column("adapter", String(50), nullable=False),
    Column("secret", CleanText),
    Column("previous_secret", CleanText),
    Column("settings", Json, nullable=False, default=dict),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
)
"""Where messages come in: a webhook's id and secret, a mailbox. ``secret`` and mailbox passwords never leave this table."""

customers = _scoped(
    "customers",
    Column("name", CleanText),
    Column("locale", String(35)),
    Column("segment", CleanText),
    Column("created_at", UtcTime, nullable=False),
    Column("merged_into", String(80)),
    Index(None, "workspace_id", "merged_into"),
)
identities = _scoped(
    "identities",
    Column("customer_id", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("value", CleanText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "kind", "value"),
    _refers("customer_id", "customers"),
    Index(None, "workspace_id", "customer_id"),
    _one_of("kind", "email", "phone", "handle", "buyer", "helpdesk"),
)
"""How a customer is known; ``value`` normalised, ``channel:value`` where it means something on one channel alone."""

weak_identities = _scoped(
    "weak_identities",
    Column("customer_id", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("value", CleanText, nullable=False),
    _refers("customer_id", "customers"),
    Index(None, "workspace_id", "kind", "value"),
    key=("customer_id", "kind", "value"),
)
"""What a customer wrote of themselves but another customer is known by (a shared phone): a suggestion, never a join."""

merges = _scoped(
    "merges",
    Column("survivor_id", String(80), nullable=False),
    Column("merged_id", String(80), nullable=False),
    Column("moved", Json, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("undone_at", UtcTime),
    _refers("survivor_id", "customers"),
    _refers("merged_id", "customers"),
)
"""``moved``: which identities, conversations and orders came from the merged customer, so that an unmerge gives them back."""

erasures = _scoped(
    "erasures",
    Column("kind", String(20), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "kind", "digest"),
)
"""Keyed digests of erased external ids, so that a repeated import or delivery does not bring an erased message back."""

orders = _scoped(
    "orders",
    Column("customer_id", String(80)),
    Column("data", Json, nullable=False),
    Column("placed_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    _refers("customer_id", "customers", delete="CASCADE"),
    Index(None, "workspace_id", "customer_id"),
)
order_buyers = _scoped(
    "order_buyers",
    Column("order_id", String(80), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("value", CleanText, nullable=False),
    Column("place", Integer, nullable=False),
    _refers("order_id", "orders"),
    Index(None, "workspace_id", "kind", "value"),
    key=("order_id", "kind", "value"),
)
"""Whom the shop names as an order's buyer, strongest identity first, so that an order finds a customer who writes later."""

conversations = _scoped(
    "conversations",
    Column("customer_id", String(80), nullable=False),
    Column("channel", String(50), nullable=False),
    Column("ref", CleanText),
    Column("subject", CleanText),
    Column("status", String(10), nullable=False, default="open"),
    Column("assignee", String(80)),
    Column("language", String(10)),
    Column("intent", String(40)),
    Column("urgency", String(10)),
    Column("urgency_rank", Integer, nullable=False, default=0),
    Column("opened_at", UtcTime, nullable=False),
    Column("last_inbound_at", UtcTime, nullable=False),
    Column("last_inbound_seq", Integer, nullable=False, default=0),
    Column("next_seq", Integer, nullable=False, default=1),
    Column("due_at", UtcTime),
    Column("sla_policy", String(60)),
    Column("warned_at", UtcTime),
    Column("answered_at", UtcTime),
    UniqueConstraint("workspace_id", "channel", "ref"),
    _refers("customer_id", "customers"),
    _one_of("status", "open", "waiting", "closed"),
    Index(None, "workspace_id", "customer_id", "last_inbound_at"),
    Index(None, "workspace_id", "status", "due_at", "last_inbound_at"),
    Index(None, "workspace_id", "status", "urgency_rank", "due_at"),
    Index(None, "workspace_id", "assignee", "status"),
    Index(None, "workspace_id", "language"),
    Index(None, "workspace_id", "last_inbound_at"),
)
"""``due_at`` is the running clock: None where it stopped. ``next_seq`` numbers the messages, so that order is never a time."""

messages = _scoped(
    "messages",
    Column("conversation_id", String(80), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("direction", String(3), nullable=False),
    Column("channel", String(50), nullable=False),
    Column("external_id", CleanText, nullable=False),
    Column("message_ref", CleanText),
    Column("inbound_id", String(80)),
    Column("sender", Json, nullable=False, default=dict),
    Column("subject", CleanText),
    Column("text", CleanText, nullable=False),
    Column("html", CleanText),
    Column("language_hint", String(35)),
    Column("order_id", String(80)),
    Column("thread", Json, nullable=False, default=list),
    Column("headers", Json, nullable=False, default=dict),
    Column("received_at", UtcTime, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("failure", String(60)),
    Column("draft_id", String(80)),
    UniqueConstraint("workspace_id", "channel", "external_id"),
    UniqueConstraint("workspace_id", "conversation_id", "seq"),
    _refers("conversation_id", "conversations"),
    Index(None, "workspace_id", "message_ref"),
    Index(None, "workspace_id", "order_id"),
    _one_of("direction", "in", "out"),
    _one_of("state", "received", "triaged", "failed", "ignored", "sent"),
)
"""``ignored``: kept and shown, never triaged as a question (auto-reply, bounce). ``failed``: triage failed; a person sees it.
``message_ref``: an e-mail's Message-ID. ``draft_id``: the approved draft that an outgoing message came from."""

attachments = _scoped(
    "attachments",
    Column("message_id", String(80), nullable=False),
    Column("name", CleanText, nullable=False),
    Column("media_type", String(120), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content", Bytes, nullable=False),
    _refers("message_id", "messages"),
    Index(None, "workspace_id", "message_id"),
)
"""Kept and offered for download, never opened or unpacked here."""

raw_deliveries = _scoped(
    "raw_deliveries",
    Column("inbound_id", String(80)),
    Column("channel", String(50), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("headers", Json, nullable=False, default=dict),
    Column("body", Bytes, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    Column("released_at", UtcTime),
    UniqueConstraint("workspace_id", "channel", "sha256"),
)
"""Quarantine: signed but unreadable."""

seen_deliveries = _scoped(
    "seen_deliveries",
    Column("inbound_id", String(80), nullable=False),
    Column("delivery_id", CleanText, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "inbound_id", "delivery_id"),
)

triages = _scoped(
    "triages",
    Column("message_id", String(80), nullable=False),
    Column("model_version", String(80), nullable=False),
    Column("index_version", String(80), nullable=False),
    Column("language", String(10), nullable=False),
    Column("intent", String(40), nullable=False),
    Column("urgency", String(10), nullable=False),
    Column("abstained", Boolean, nullable=False),
    Column("needs_reply", Boolean, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("result", Json, nullable=False),
    Column("vector", Bytes),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "message_id"),
    _refers("message_id", "messages"),
    Index(None, "workspace_id", "created_at"),
)
"""What the model said, as the contract shows it (without the draft's text); ``vector``: 16-bit floats, for "asked before"."""

labels = _scoped(
    "labels",
    Column("message_id", String(80), nullable=False),
    Column("intents", Json, nullable=False),
    Column("urgency", String(10)),
    Column("language", String(10)),
    Column("actor", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    _refers("message_id", "messages"),
    Index(None, "workspace_id", "message_id"),
)
drafts = _scoped(
    "drafts",
    Column("conversation_id", String(80), nullable=False),
    Column("message_id", String(80), nullable=False),
    Column("state", String(10), nullable=False),
    Column("revision", Integer, nullable=False, default=1),
    Column("text", CleanText, nullable=False),
    Column("language", String(10), nullable=False),
    Column("details", Json, nullable=False),
    Column("model_version", String(80), nullable=False),
    Column("index_version", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "message_id"),
    _refers("conversation_id", "conversations"),
    _refers("message_id", "messages"),
    _one_of("state", "pending", "approved", "sending", "sent", "failed", "uncertain", "rejected", "superseded"),
    Index(None, "workspace_id", "conversation_id"),
)
"""``details``: citations, missing, policy_warnings, method, confidence as the contract shows them."""

draft_revisions = _scoped(
    "draft_revisions",
    Column("draft_id", String(80), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    _refers("draft_id", "drafts"),
    key=("draft_id", "revision"),
)
approvals = _scoped(
    "approvals",
    Column("draft_id", String(80), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("distance", Float),
    Column("actor", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "draft_id", "sha256"),
    _refers("draft_id", "drafts"),
    key=("draft_id",),
)
"""One a draft at most: the primary key decides a race. ``sha256``: of the exact text and recipients. ``distance``: how far the
text lies from the assistant's, from 0 to 1; the worker fills it in."""

rejections = _scoped(
    "rejections",
    Column("draft_id", String(80), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("comment", CleanText),
    Column("actor", String(80), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    _refers("draft_id", "drafts"),
    key=("draft_id",),
)
outbox = _scoped(
    "outbox",
    Column("draft_id", String(80), nullable=False),
    Column("conversation_id", String(80), nullable=False),
    Column("channel", String(50), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("run_at", UtcTime, nullable=False),
    Column("leased_until", UtcTime),
    Column("lease", String(80)),
    Column("provider_id", CleanText),
    Column("failure", String(200)),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "draft_id"),
    # Nothing can stand here that nobody approved, and only with the bytes and recipients that were approved.
    ForeignKeyConstraint(
        ["workspace_id", "draft_id", "sha256"],
        ["approvals.workspace_id", "approvals.draft_id", "approvals.sha256"],
        ondelete="CASCADE",
    ),
    _refers("conversation_id", "conversations"),
    _one_of("state", "queued", "sending", "sent", "failed", "uncertain", "recalled"),
    Index(None, "state", "run_at"),
)
"""Approved replies on their way out. ``id`` is the idempotency key towards the provider, and in an e-mail's Message-ID."""

jobs = _scoped(
    "jobs",
    Column("kind", String(20), nullable=False),
    Column("subject_id", String(80), nullable=False),
    Column("queue", String(80), nullable=False),
    Column("seq", Integer, nullable=False, default=0),
    Column("state", String(10), nullable=False, default="queued"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("run_at", UtcTime, nullable=False),
    Column("leased_until", UtcTime),
    Column("lease", String(80)),
    Column("failure", String(200)),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "kind", "subject_id"),
    _one_of("state", "queued", "running", "done", "failed"),
    Index(None, "state", "run_at"),
    Index(None, "workspace_id", "queue", "state"),
    Index(None, "workspace_id", "kind", "state"),
)
"""Work to do. Of one ``queue`` (a conversation) only the unfinished job with the lowest ``seq`` runs, so order is kept."""

webhooks = _scoped(
    "webhooks",
    Column("url", CleanText, nullable=False),
    Column("secret", CleanText, nullable=False),
    Column("previous_secret", CleanText),
    Column("types", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
)
events = _scoped(
    "events",
    Column("type", String(40), nullable=False),
    Column("data", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index(None, "workspace_id", "created_at"),
)
"""Outgoing events; ``data`` holds ids, labels and states."""

deliveries = _scoped(
    "deliveries",
    Column("webhook_id", String(80), nullable=False),
    Column("event_id", String(80), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("run_at", UtcTime, nullable=False),
    Column("leased_until", UtcTime),
    Column("lease", String(80)),
    Column("status", Integer),
    Column("failure", String(200)),
    Column("changed_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "webhook_id", "event_id"),
    _refers("webhook_id", "webhooks"),
    _refers("event_id", "events"),
    _one_of("state", "queued", "sending", "delivered", "failed"),
    Index(None, "state", "run_at"),
)
mail_cursors = _scoped(
    "mail_cursors",
    Column("inbound_id", String(80), nullable=False),
    Column("folder", CleanText, nullable=False),
    Column("uid_validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
    _refers("inbound_id", "inbound"),
    key=("inbound_id", "folder"),
)
idempotency_keys = _scoped(
    "idempotency_keys",
    Column("key", String(255), nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer),
    Column("response", Json),
    Column("created_at", UtcTime, nullable=False),
    key=("key",),
)
"""``status`` is None while the first call is under way. ``response`` holds ids and states, no text."""

audit = _scoped(
    "audit",
    Column("actor", String(80), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("details", Json, nullable=False, default=dict),
    Column("created_at", UtcTime, nullable=False),
    Index(None, "workspace_id", "created_at"),
    Index(None, "workspace_id", "subject"),
)

saved_views = _scoped(
    "saved_views",
    Column("owner", CleanText, nullable=False),
    Column("shared", Boolean, nullable=False),
    Column("name", CleanText, nullable=False),
    Column("filters", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
"""Named filters of the queue. They hold no search, no customer and no order: an erasure has nothing to look for here."""

presence = _scoped(
    "presence",
    Column("conversation_id", String(80), nullable=False),
    Column("login", String(80), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    _refers("conversation_id", "conversations"),
    Index(None, "workspace_id", "seen_at"),
    key=("conversation_id", "login"),
)
"""Which agent has which conversation open; a row that is a minute old says nothing any more."""

figure_days = _scoped(
    "figure_days",
    Column("kind", String(10), nullable=False),
    Column("day", Date, nullable=False),
    Column("format", Integer, nullable=False),
    Column("content", Bytes, nullable=False),
    Column("size", Integer, nullable=False),
    Column("counted_at", UtcTime, nullable=False),
    _one_of("kind", "contacts", "orders"),
    key=("kind", "day"),
)
"""One day (UTC) of contacts, or of orders by the day they were placed, as packed columns of numbers: no text. ``size``: rows.
Derived: the worker counts a day anew from the tables when something of it changed."""

figure_marks = _scoped("figure_marks", Column("subject", String(120), nullable=False))
"""What the figures are behind of, written in the transaction that changed it: see ``triage.storage.stale``."""

figure_remains = _scoped(
    "figure_remains",
    Column("kind", String(10), nullable=False),
    Column("day", Date, nullable=False),
    Column("content", Bytes, nullable=False),
    Index(None, "workspace_id", "kind", "day"),
)
"""What is left of contacts and orders whose customer was erased: their numbers, by the hour, without any id."""

figure_looks = _scoped(
    "figure_looks",
    Column("kind", String(20), nullable=False),
    Column("at", UtcTime, nullable=False),
    key=("kind",),
)
"""When something that is done once in a while was done last, by whichever process."""

anomalies = _scoped(
    "anomalies",
    Column("product", CleanText, nullable=True),
    Column("intent", String(40), nullable=True),
    Column("region", String(10), nullable=True),
    Column("supplier", CleanText, nullable=True),
    Column("cell", String(64), nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("observed", Integer, nullable=False),
    Column("expected", Float, nullable=False),
    Column("high", Integer, nullable=False),
    Column("p_value", Float, nullable=False),
    Column("adjusted", Float, nullable=False),
    Column("examples", Json, nullable=False),
    Column("history", Json, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    UniqueConstraint("workspace_id", "cell", "first_day"),
    Index(None, "workspace_id", "last_day"),
)
"""``cell``: a digest of what it is about. ``examples``: ids of messages."""

Index("ix_messages_workspace_id_received_at", messages.c.workspace_id, messages.c.received_at)
Index("ix_orders_workspace_id_placed_at", orders.c.workspace_id, orders.c.placed_at)

SCOPED = tuple(table for table in metadata.sorted_tables if table not in (workspaces, log_in_attempts))
"""Every table whose rows belong to a workspace."""
