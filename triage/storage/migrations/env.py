"""What alembic runs: the migrations, in the transaction that ``triage.storage.migrate`` opened."""

from typing import Any, Literal

from alembic import context

from triage.storage.columns import CleanText, JsonValue, UtcTime
from triage.storage.schema import metadata


def render(kind: str, item: Any, autogenerate: Any) -> str | Literal[False]:
    """Our column types by their own names, which the template imports."""
    if kind == "type" and isinstance(item, CleanText | UtcTime):
        return f"{type(item).__name__}()"
    return "Json" if kind == "type" and isinstance(item, JsonValue) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render,
)
context.run_migrations()
