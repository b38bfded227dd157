"""Changes of the schema, oldest first, for alembic."""
