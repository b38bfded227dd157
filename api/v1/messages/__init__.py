"""``/v1/messages``."""
