"""``/v1/attachments``."""
