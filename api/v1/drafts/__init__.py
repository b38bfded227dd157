"""``/v1/drafts``."""
