"""``/v1/quarantine``."""
